package soql

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ query, code, message string }{
		"no selection":      {`SELECT FROM Task`, MalformedQuery, "unexpected token: 'FROM'"},
		"empty":             {``, MalformedQuery, "unexpected token: '<EOF>'"},
		"cut":               {`SELECT Id FROM Task WHERE`, MalformedQuery, "unexpected token: '<EOF>'"},
		"rest":              {`SELECT Id FROM Task LIMIT 1 LIMIT 2`, MalformedQuery, "unexpected token: 'LIMIT'"},
		"mixed and, or":     {`SELECT Id FROM Task WHERE IsClosed=true AND Id!=null OR Id=null`, MalformedQuery, "unexpected token: 'OR'"},
		"unquoted":          {`SELECT Id FROM Task WHERE Subject = Hello`, MalformedQuery, "unexpected token: 'Hello'"},
		"open string":       {`SELECT Id FROM Task WHERE Subject = 'x`, MalformedQuery, "expecting '''"},
		"strange escape":    {`SELECT Id FROM Task WHERE Subject = '\q'`, MalformedQuery, "no viable alternative at character '\\'"},
		"strange character": {`SELECT # FROM Task`, MalformedQuery, "no viable alternative at character '#'"},
		"long string":       {`SELECT Id FROM Task WHERE Subject = '` + strings.Repeat("x", 4001) + `'`, MalformedQuery, "4000"},
		"long query":        {`SELECT Id FROM Task` + strings.Repeat(" ", 100_000), MalformedQuery, "100000"},
		"deep":              {`SELECT Id FROM Task WHERE ` + strings.Repeat("(", 5000), MalformedQuery, "unexpected token"},
		"six parents":       {`SELECT a.b.c.d.e.f.g FROM Task`, MalformedQuery, "5 levels"},
		"offset":            {`SELECT Id FROM Task OFFSET 2001`, NumberOutOfRange, "2000"},
		"all, no limit":     {`SELECT FIELDS(ALL) FROM Task`, MalformedQuery, "LIMIT of at most 200"},
		"all, big limit":    {`SELECT FIELDS(ALL) FROM Task LIMIT 201`, MalformedQuery, "LIMIT of at most 200"},
		"twice":             {`SELECT Id, id FROM Task`, InvalidField, "duplicate field selected: Id"},
		"column":            {`SELECT Colour FROM Task`, InvalidField, "\nSELECT Colour FROM Task\n       ^\nERROR at Row:1:Column:8\nNo such column 'Colour' on entity 'Task'. If you are"},
		"second row":        {"SELECT Id\nFROM Task WHERE Colour = 'red'", InvalidField, "\nFROM Task WHERE Colour = 'red'\n                ^\nERROR at Row:2:Column:17\nNo such column 'Colour'"},
		"parent's column":   {`SELECT Who.Colour FROM Task`, InvalidField, "No such column 'Colour' on entity 'Name'"},
		"parent":            {`SELECT Colour.Name FROM Task`, InvalidField, "Didn't understand relationship 'Colour' in field path"},
		"object":            {`SELECT Id FROM Taks`, InvalidType, "\nSELECT Id FROM Taks\n               ^\nERROR at Row:1:Column:16\nsObject type 'Taks' is not supported."},
		"filter":            {`SELECT Id FROM Task WHERE description LIKE 'x%'`, InvalidField, "field 'Description' can not be filtered in a query call"},
		"sort":              {`SELECT Id FROM Task ORDER BY Description`, InvalidField, "field 'Description' can not be sorted in a query call"},
		"text's quotes":     {`SELECT Id FROM Task WHERE Subject = 5`, InvalidField, "must be of type string and should be enclosed in quotes"},
		"date's quotes":     {`SELECT Id FROM Task WHERE ActivityDate = '2026-11-23'`, InvalidField, "must be of type date and should not be enclosed in quotes"},
		"time as a date":    {`SELECT Id FROM Task WHERE SystemModstamp > 2026-11-23`, InvalidField, "must be of type dateTime"},
		"odd id":            {`SELECT Id FROM Task WHERE WhoId = 'x'`, InvalidFilter, "invalid ID field: x"},
		"like on an id":     {`SELECT Id FROM Task WHERE WhoId LIKE '003%'`, InvalidFilter, "invalid operator"},
		"semi-join's limit": {`SELECT Id FROM Task WHERE WhoId IN (SELECT ContactId FROM OpportunityContactRole LIMIT 1)`, MalformedQuery, "semi join"},
		"semi-join's kind":  {`SELECT Id FROM Task WHERE WhoId IN (SELECT IsPrimary FROM OpportunityContactRole)`, MalformedQuery, "semi join"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := Parse(c.query)
			if err == nil {
				_, err = q.Run(world{}, rows, now)
			}
			var refused *Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.code, refused.Code)
			require.Contains(t, refused.Message, c.message)
		})
	}
}

func TestConstraint(t *testing.T) {
	t.Parallel()
	for where, want := range map[string][]string{
		`WhoId = '1'`:                                  {"1"},
		`IsClosed = true AND whoid IN ('1','2')`:       {"1", "2"},
		`(WhoId = '1' AND Id != null) AND Minutes = 3`: {"1"},
		`WhoId = '1' OR IsClosed = true`:               nil,
		`NOT WhoId = '1'`:                              nil,
		`WhoId != '1'`:                                 nil,
		`WhoId IN ('1', null)`:                         nil,
		`Who.WhoId = '1'`:                              nil,
		`WhoId NOT IN ('1')`:                           nil,
	} {
		q, err := Parse("SELECT Id FROM Task WHERE " + where)
		require.NoError(t, err)
		require.Equal(t, want, q.Constraint("WhoId"), where)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`SELECT Id, Who.Name FROM Task WHERE WhoId IN ('003000000000001AAA') AND NOT (Subject LIKE '%\_\'') ORDER BY Id DESC NULLS LAST LIMIT 5 OFFSET 1`)
	f.Add(`SELECT COUNT() FROM Task WHERE SystemModstamp >= 2026-11-23T10:00:00.000+0000 AND ActivityDate = LAST_N_DAYS:3`)
	f.Add(`SELECT FIELDS(ALL) FROM Task WHERE WhoId IN (SELECT ContactId FROM OpportunityContactRole) LIMIT 200`)
	f.Add("SELECT x\nFROM \xff")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := Parse(query)
		if err == nil {
			_, err = q.Run(world{}, rows, now)
		}
		var refused *Error
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("%q: an error of another kind: %v", query, err)
		}
	})
}
