package failure

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documentedBySalesforce has every code by class (Salesforce REST: status codes and
// error responses; Salesforce OAuth: error codes).
var documentedBySalesforce = map[Class]string{
	Authentication: `INVALID_SESSION_ID INVALID_AUTH_HEADER AUTHENTICATION_FAILURE EXPIRED_ACCESS INACTIVE_USER INACTIVE_ORGANIZATION INVALID_GRANT
		INVALID_LOGIN PASSWORD_LOCKOUT LOGIN_DURING_RESTRICTED_DOMAIN LOGIN_DURING_RESTRICTED_TIME ORG_LOCKED TRIAL_EXPIRED
		invalid_request invalid_app_access invalid_client_id invalid_client redirect_uri_mismatch redirect_uri_missing access_denied
		unsupported_grant_type invalid_scope unsupported_response_type`,
	Access: `API_CURRENTLY_DISABLED API_DISABLED_FOR_ORG CLIENT_NOT_ACCESSIBLE_FOR_USER OAUTH_APP_BLOCKED OAUTH_APP_ACCESS_DENIED
		TXN_SECURITY_NO_ACCESS TXN_SECURITY_METERING_ERROR TXN_SECURITY_RUNTIME_ERROR TXN_SECURITY_APEX_ERROR
		INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY
		CANNOT_EXECUTE_FLOW_TRIGGER ENTITY_IS_LOCKED RECORD_IN_USE_BY_WORKFLOW FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION
		FIELD_INTEGRITY_EXCEPTION REQUIRED_FIELD_MISSING INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE INVALID_TYPE
		INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST STRING_TOO_LONG MAX_TASK_DESCRIPTION_EXCEEEDED INACTIVE_OWNER_OR_USER INVALID_USERID
		TRANSFER_REQUIRES_READ OP_WITH_INVALID_USER_TYPE_EXCEPTION INVALID_CROSS_REFERENCE_KEY DUPLICATES_DETECTED
		STORAGE_LIMIT_EXCEEDED EXCEEDED_QUOTA LIMIT_EXCEEDED CUSTOM_APEX_ERROR`,
	Intermittent: `REQUEST_LIMIT_EXCEEDED UNABLE_TO_LOCK_ROW QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG OPERATION_TOO_LARGE QUERY_TOO_COMPLICATED
		SERVER_UNAVAILABLE FUNCTIONALITY_TEMPORARILY_UNAVAILABLE INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE TOO_MANY_APEX_REQUESTS
		FAILED_WRITE 420 502 504 408 429 503 rate_limit_exceeded`,
	Other: `INVALID_TYPE_ON_FIELD_IN_RECORD JSON_PARSER_ERROR MALFORMED_ID INVALID_ID_FIELD ENTITY_IS_DELETED ENTITY_IS_ARCHIVED NOT_FOUND
		CANNOT_UPDATE_CONVERTED_LEAD DUPLICATE_VALUE DUPLICATE_EXTERNAL_ID MULTIPLE_CHOICES 300 INVALID_EXTERNAL_ID_FIELD_NAME INVALID_ENTITY_FOR_UPSERT
		INVALID_QUERY_LOCATOR QUERY_LOCATOR_EXPIRED MALFORMED_QUERY METHOD_NOT_ALLOWED 405 UNSUPPORTED_MEDIA_TYPE 415 414 431 GONE 410
		UNSUPPORTED_API_VERSION ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED UNKNOWN_EXCEPTION INTERNAL_ERROR 500`,
}

func TestEveryCodeOfSalesforceHasItsMeaning(t *testing.T) {
	t.Parallel()
	for class, codes := range documentedBySalesforce {
		for code := range strings.FieldsSeq(codes) {
			what := ofSalesforceCode(code, "In Salesforce's words.")
			require.Equal(t, class, what.Class, code)
			require.Equal(t, code, what.Code)
			require.Contains(t, what.Text, "In Salesforce's words", code)
			require.NotContains(t, what.Text, "Sales Actions does not know", code)
			require.NotEmpty(t, what.Remedy, code)
			require.Contains(t, []Retry{Never, Soon, Slow}, what.Retry, code)
		}
	}
}

func TestWhatIsDoneUnaskedAboutSalesforcesCodes(t *testing.T) {
	t.Parallel()
	heals := map[Heal]string{
		HealRefreshToken: "INVALID_SESSION_ID 401",
		HealDropField:    "INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE",
		HealOmitValue:    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
		HealTruncate:     "STRING_TOO_LONG MAX_TASK_DESCRIPTION_EXCEEEDED",
		HealDefaultOwner: "INACTIVE_OWNER_OR_USER INVALID_USERID TRANSFER_REQUIRES_READ OP_WITH_INVALID_USER_TYPE_EXCEPTION",
		HealFollowRecord: "INVALID_CROSS_REFERENCE_KEY ENTITY_IS_DELETED NOT_FOUND CANNOT_UPDATE_CONVERTED_LEAD",
		HealAlreadyThere: "DUPLICATE_VALUE",
		HealOtherKey:     "INVALID_EXTERNAL_ID_FIELD_NAME INVALID_ENTITY_FOR_UPSERT",
		HealAllowSave:    "DUPLICATES_DETECTED",
		HealRestart:      "INVALID_QUERY_LOCATOR QUERY_LOCATOR_EXPIRED",
		HealSmallerBatch: "LIMIT_EXCEEDED UNABLE_TO_LOCK_ROW QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG OPERATION_TOO_LARGE QUERY_TOO_COMPLICATED",
		HealSplit:        "400 414 431 413 EXCEEDED_MAX_SIZE_REQUEST",
	}
	retries := map[Retry]string{
		Slow: "403 API_CURRENTLY_DISABLED ENTITY_IS_LOCKED RECORD_IN_USE_BY_WORKFLOW STORAGE_LIMIT_EXCEEDED EXCEEDED_QUOTA rate_limit_exceeded",
		Soon: `REQUEST_LIMIT_EXCEEDED UNABLE_TO_LOCK_ROW QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG OPERATION_TOO_LARGE QUERY_TOO_COMPLICATED
			SERVER_UNAVAILABLE FUNCTIONALITY_TEMPORARILY_UNAVAILABLE INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE TOO_MANY_APEX_REQUESTS
			FAILED_WRITE 408 420 429 500 502 503 504 ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED UNKNOWN_EXCEPTION INTERNAL_ERROR`,
	}
	for _, entry := range Codes() {
		if entry.System != "salesforce" {
			continue
		}
		what := ofSalesforceCode(entry.Code, "")
		require.Equal(t, listed(heals, entry.Code, ""), what.Heal, entry.Code)
		require.Equal(t, listed(retries, entry.Code, Never), what.Retry, entry.Code)
	}
	require.Equal(t, 3, ofSalesforceCode("UNKNOWN_EXCEPTION", "").Tries)
}

// listed returns the key under which a code is listed.
func listed[K comparable](lists map[K]string, code string, none K) K {
	for key, codes := range lists {
		if slices.Contains(strings.Fields(codes), code) {
			return key
		}
	}
	return none
}

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
		"a_session_that_has_expired":          {"INVALID_SESSION_ID", "Session expired or invalid", Authentication, Never, HealRefreshToken},
		"a_session_without_the_API":           {"INVALID_SESSION_ID", "This session is not valid for use with the REST API", Authentication, Never, ""},
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
	require.Len(t, entries, len(marketoCodes)+len(salesforceRecords)+len(salesforceCalls)+len(salesforceSignIn))
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
