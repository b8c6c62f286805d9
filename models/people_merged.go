package models

// Marketo merges two records of the same person: the loser leaves the workspace and points
// to the winner. What was recorded about the loser stays in the loser's name, so whatever
// tells about the winner reads both.

// mergedInto is the SQL of a common table expression "whole": some people, which a query
// picks by id, and all who were merged into them, however often, each with whom they are
// now. It is recursive, and ends where merges form a circle.
func mergedInto(ids string) string {
	return `whole (id, person) AS (SELECT id, id FROM (` + ids + `) asked (id)
		UNION SELECT loser.id, whole.person FROM whole JOIN people loser ON loser.merged_into = whole.id)`
}
