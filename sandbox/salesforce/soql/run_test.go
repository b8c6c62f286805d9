package soql

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// find gives the keys of the tasks found, in order.
func find(t *testing.T, query string) string {
	t.Helper()
	q, err := Parse(query)
	require.NoError(t, err)
	result, err := q.Run(world{}, rows, now)
	require.NoError(t, err)
	keys := ""
	for _, row := range result.Rows {
		keys += row.Get("Key__c").(string)
	}
	require.Equal(t, len(keys), result.Total)
	return keys
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		`Subject = 'EMAIL: 100% OFF'`:                       "a",
		`Subject = 'call: it\'s urgent'`:                    "b",
		`Subject = null`:                                    "c",
		`Subject = ''`:                                      "c",
		`Subject != 'email: 100% off'`:                      "bcD",
		`Subject LIKE 'email%'`:                             "aD",
		`Subject LIKE '%100\% o_f'`:                         "a",
		`Subject LIKE 'email: über\_1'`:                     "D",
		`Subject LIKE 'email\_%'`:                           "",
		`Subject > 'd'`:                                     "aD",
		`Key__c = 'A'`:                                      "",
		`Key__c IN ('a','D')`:                               "aD",
		`Key__c NOT IN ('a','D')`:                           "bc",
		`Key__c <= 'a'`:                                     "aD",
		`IsClosed = true`:                                   "a",
		`IsClosed != TRUE`:                                  "bcD",
		`Minutes >= 7.5`:                                    "bc",
		`Minutes < 7.5`:                                     "a",
		`Minutes IN (5, 9)`:                                 "ac",
		`ActivityDate = TODAY`:                              "a",
		`ActivityDate = YESTERDAY`:                          "b",
		`ActivityDate = LAST_N_DAYS:1`:                      "ab",
		`ActivityDate < LAST_N_DAYS:5`:                      "c",
		`ActivityDate > YESTERDAY`:                          "a",
		`ActivityDate <= 2026-11-22`:                        "bc",
		`ActivityDate IN (2026-11-10, TODAY)`:               "ac",
		`SystemModstamp >= 2026-11-23T12:00:00Z`:            "ac",
		`SystemModstamp > 2026-11-23T13:00:00+01:00`:        "c",
		`SystemModstamp = 2026-11-23T12:00:00.000+0000`:     "a",
		`SystemModstamp < TODAY`:                            "b",
		`WhoId = '003000000000001'`:                         "a",
		`WhoId IN ('` + ada + `','` + grace + `')`:          "ab",
		`Who.Type = 'contact'`:                              "a",
		`Who.Name = null`:                                   "bcD",
		`Owner.Manager.Name LIKE 'alex%'`:                   "ab",
		`Task.Key__c = 'a'`:                                 "a",
		`NOT Subject LIKE 'email%'`:                         "bc",
		`(IsClosed = true OR Minutes > 8) AND WhoId = null`: "c",
		`WhoId != null AND NOT (Minutes = 5)`:               "b",
		`WhoId IN (SELECT ContactId FROM OpportunityContactRole WHERE IsPrimary = true)`:     "a",
		`WhoId NOT IN (SELECT ContactId FROM OpportunityContactRole WHERE IsPrimary = true)`: "bcD",
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, find(t, "SELECT Id FROM Task WHERE "+where))
		})
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`ORDER BY ActivityDate`:                       "Dcba",
		`ORDER BY ActivityDate ASC NULLS LAST`:        "cbaD",
		`ORDER BY ActivityDate DESC`:                  "Dabc",
		`ORDER BY ActivityDate DESC NULLS LAST`:       "abcD",
		`ORDER BY Owner.Name DESC NULLS LAST, Id`:     "abcD",
		`ORDER BY IsClosed DESC, Key__c DESC`:         "acbD",
		`ORDER BY Key__c NULLS FIRST LIMIT 2`:         "Da",
		`ORDER BY Key__c LIMIT 2 OFFSET 3`:            "c",
		`LIMIT 0`:                                     "",
		`LIMIT 1 OFFSET 1`:                            "b",
		`WHERE Minutes > 1 ORDER BY Minutes OFFSET 1`: "bc",
		`OFFSET 9`: "",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, want, find(t, "select Id from task "+query))
		})
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	run := func(query string) *Result {
		q, err := Parse(query)
		require.NoError(t, err)
		result, err := q.Run(world{}, rows, now)
		require.NoError(t, err)
		return result
	}
	t.Run("fields of a parent come together, under the schema's names", func(t *testing.T) {
		t.Parallel()
		r := run(`SELECT id, WHO.name, subject, who.type, Owner.Manager.Name FROM Task LIMIT 2`)
		first := r.Record(r.Rows[0])
		require.Equal(t, "Id", first.Cells[0].Name)
		require.Equal(t, "Who", first.Cells[1].Name)
		require.Equal(t, []Cell{{"Name", "Ada"}, {"Type", "Contact"}}, first.Cells[1].Value.(*Record).Cells)
		require.Equal(t, Cell{"Subject", "Email: 100% off"}, first.Cells[2])
		require.Equal(t, "Alex Admin", first.Cells[3].Value.(*Record).Cells[0].Value.(*Record).Cells[0].Value)
		require.Nil(t, r.Record(r.Rows[1]).Cells[1].Value)
	})
	t.Run("a count gives no rows", func(t *testing.T) {
		t.Parallel()
		r := run(`SELECT COUNT() FROM Task WHERE Subject LIKE 'email%'`)
		require.Equal(t, 2, r.Total)
		require.Empty(t, r.Rows)
	})
	t.Run("all fields come in the object's order", func(t *testing.T) {
		t.Parallel()
		r := run(`SELECT FIELDS(ALL) FROM Task LIMIT 200`)
		require.Len(t, r.Record(r.Rows[0]).Cells, 9)
	})
}

func TestRunReadsNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	read := 0
	endless := func(*Query) iter.Seq[Row] {
		return func(yield func(Row) bool) {
			for ; yield(&row{values: map[string]any{"Key__c": fmt.Sprint(read)}}); read++ {
				require.Less(t, read, 100)
			}
		}
	}
	q, err := Parse(`SELECT Id FROM Task LIMIT 3`)
	require.NoError(t, err)
	result, err := q.Run(world{}, endless, now)
	require.NoError(t, err)
	require.Equal(t, 3, result.Total)
}

func TestLikeStaysQuick(t *testing.T) {
	t.Parallel()
	pattern := compileLike(strings.Repeat("%a", 1000)+"b", true)
	require.False(t, pattern.matches([]rune(strings.Repeat("a", 4000))))
}
