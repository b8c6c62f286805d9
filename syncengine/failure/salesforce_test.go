package failure

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhereOneCodeOfSalesforceStandsForSeveralThings(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		code, message string
		class         Class
		retry         Retry
		heal          Heal
	}{
		"a_flow_that_met_a_lock": {"CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save this record because the “Log” process failed. UNABLE_TO_LOCK_ROW: unable to obtain exclusive access to this record",
			Intermittent, Soon, HealSmallerBatch},
		"a_trigger_that_met_a_lock": {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "TaskTrigger: execution of AfterInsert caused by: System.DmlException: first error: UNABLE_TO_LOCK_ROW",
			Intermittent, Soon, HealSmallerBatch},
		"a_trigger_that_is_not_made_for_many": {"CUSTOM_APEX_ERROR", "System.LimitException: Too many SOQL queries: 101", Access, Never, HealSmallerBatch},
		"a_trigger_that_says_no":              {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "TaskTrigger: no", Access, Never, ""},
		"calls_of_a_day":                      {"REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Intermittent, Slow, ""},
		"calls_at_once":                       {"REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", Intermittent, Soon, ""},
		"a_code_that_is_not_known":            {"SOMETHING_NEW", "words", Other, Never, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			what := ofSalesforceCode(c.code, c.message)
			require.Equal(t, c.code, what.Code)
			require.Equal(t, c.class, what.Class)
			require.Equal(t, c.retry, what.Retry)
			require.Equal(t, c.heal, what.Heal)
		})
	}
}

// TestKindsOfInvalidGrant has the descriptions as Salesforce writes them (Salesforce
// OAuth: error codes).
func TestKindsOfInvalidGrant(t *testing.T) {
	t.Parallel()
	for description, code := range map[string]string{
		"expired access/refresh token":                    "EXPIRED_ACCESS",
		"inactive user":                                   "INACTIVE_USER",
		"inactive organization":                           "INACTIVE_ORGANIZATION",
		"ip restricted":                                   "IP_RESTRICTED",
		"authentication failure":                          "AUTHENTICATION_FAILURE",
		"expired authorization code":                      "EXPIRED_CODE",
		"invalid authorization code":                      "EXPIRED_CODE",
		"invalid code verifier":                           "CODE_VERIFIER",
		"user hasn't approved this consumer":              "NOT_APPROVED",
		"no client credentials user enabled":              "NO_RUN_AS_USER",
		"request not supported on this domain":            "WRONG_DOMAIN",
		"Audience validation failed":                      "INVALID_ASSERTION",
		"invalid assertion":                               "INVALID_ASSERTION",
		"login rate exceeded":                             "rate_limit_exceeded",
		"something that the documentation does not list.": "INVALID_GRANT",
	} {
		require.Equal(t, code, signInCode("invalid_grant", description), description)
		_, known := salesforceCode(code)
		require.True(t, known, code)
	}
	require.Equal(t, "INACTIVE_USER", signInCode("inactive_user", ""))
	require.Equal(t, "INACTIVE_ORGANIZATION", signInCode("inactive_org", ""))
	require.Equal(t, "CODE_VERIFIER", signInCode("invalid_request", "missing required code challenge"))
	require.Equal(t, "invalid_request", signInCode("invalid_request", "must use HTTP POST"))
	require.Equal(t, "invalid_client", signInCode("invalid_client", "invalid client credentials"))
}

func TestCodesAreListedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	entries := Codes()
	require.Len(t, entries, len(marketoCodes)+len(ownMarketo)+len(salesforceRecords)+len(salesforceCalls)+len(salesforceSignIn)+len(ownSalesforce))
	require.Equal(t, Entry{"marketo", "500", Intermittent, "Marketo had an internal error.", byItself, Soon}, entries[0])
	seen := map[string]bool{}
	for _, entry := range entries {
		require.False(t, seen[entry.System+entry.Code], "%s is in two tables", entry.Code)
		seen[entry.System+entry.Code] = true
		require.NotEmpty(t, entry.Text, entry.Code)
		require.NotEmpty(t, entry.Remedy, entry.Code)
		require.NotEmpty(t, entry.Retry, entry.Code)
	}
	require.Less(t, slices.IndexFunc(entries, isCode("719")), slices.IndexFunc(entries, isCode("1000")))
}

func isCode(code string) func(Entry) bool { return func(e Entry) bool { return e.Code == code } }

func TestRecordsThatMarketoSkips(t *testing.T) {
	t.Parallel()
	gone := OfMarketoRecord("1004", "Lead not found")
	require.Equal(t, Access, gone.Class)
	require.Equal(t, Never, gone.Retry)
	require.Equal(t, HealFollowRecord, gone.Heal)
	require.Contains(t, gone.Text, "Lead not found")
	require.Equal(t, HealTruncate, OfMarketoRecord("1049", "").Heal)
	require.Equal(t, HealDropField, OfMarketoRecord("1006", "").Heal)
	require.Equal(t, Soon, OfMarketoRecord("713", "").Retry)
	require.Equal(t, 5, OfMarketoRecord("611", "").Tries)
	require.Equal(t, Slow, OfMarketoRecord("607", "").Retry)
}
