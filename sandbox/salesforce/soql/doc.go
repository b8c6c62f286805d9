// Package soql reads and runs the part of Salesforce's query language that the
// sandbox speaks: one object with its parents, conditions, semi-joins, order, limit
// and offset.
//
//	SELECT Id, Who.Name FROM Task
//	WHERE WhoId IN ('003000000000001AAA') AND Status != 'Completed'
//	ORDER BY ActivityDate ASC NULLS LAST LIMIT 50
//
// Parse knows the grammar only. Run checks names against a Schema and then filters
// the rows that it is handed. It does not imitate aggregates other than COUNT(),
// GROUP BY, child subqueries, TYPEOF, SOSL and currency conversion.
package soql
