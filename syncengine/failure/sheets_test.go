package failure

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

// row is a line of another system's list of codes.
type row struct {
	codes string
	class Class
	retry Retry
	heal  Heal
	tries int // 0: as long as it takes
}

// marketoSheet is Marketo's list of codes, in its order (Marketo REST: error codes).
var marketoSheet = []row{
	{"500", Intermittent, Soon, "", 3},
	{"502", Intermittent, Soon, "", 0},
	{"600 601 602", Authentication, Never, "", 0}, // the client has fetched another token already
	{"603", Access, Never, "", 0},
	{"604", Intermittent, Soon, HealSmallerBatch, 0},
	{"605", Access, Never, "", 0},
	{"606", Limit, Soon, "", 0},
	{"607", Limit, Slow, "", 0},
	{"608", Intermittent, Soon, "", 0},
	{"609", Access, Never, "", 0},
	{"610", Access, Never, "", 0},
	{"611", Intermittent, Soon, "", 5},
	{"612 613", Access, Never, "", 0},
	{"614", Intermittent, Soon, "", 0},
	{"615", Limit, Soon, "", 0},
	{"701", Access, Never, "", 0},
	{"702", Other, Never, "", 0},
	{"703 616", Setup, Never, "", 0},
	{"704 709 710 711 712 714", Access, Never, "", 0},
	{"713 719", Intermittent, Soon, "", 0},
	{"1000", Access, Never, "", 0},
	{"1001 1002 1003", Access, Never, "", 0},
	{"1004", Access, Never, HealFollowRecord, 0},
	{"1006", Access, Never, HealDropField, 0},
	{"1007 1008 1009 1010 1011 1012 1014 1013", Access, Never, "", 0},
	{"1015", Other, Never, "", 0},
	{"1005 1017", Access, Never, "", 0},
	{"1018 1021", Access, Never, "", 0},
	{"1016 1019", Limit, Soon, "", 0},
	{"1020", Limit, Slow, "", 0},
	{"1022 1025 1026 1037", Access, Never, "", 0},
	{"1027 1028", Setup, Never, "", 0},
	{"1029", Limit, Slow, "", 0},
	{"1035", Setup, Never, "", 0},
	{"1036 718", Access, Never, "", 0},
	{"1049", Access, Never, HealTruncate, 0},
	{"1042 1048", Access, Never, "", 0},
	{"1076 1077 1078 1079 1080", Access, Never, "", 0},
}

// salesforceSheet is Salesforce's list (Salesforce REST: status codes and error
// responses), then that of its sign-in (Salesforce OAuth: error codes).
var salesforceSheet = []row{
	{"INVALID_SESSION_ID 401", Authentication, Never, "", 0},
	{"INVALID_AUTH_HEADER", Authentication, Never, "", 0},
	{"AUTHENTICATION_FAILURE EXPIRED_ACCESS INACTIVE_USER INACTIVE_ORGANIZATION INVALID_GRANT", Authentication, Never, "", 0},
	{"INVALID_LOGIN PASSWORD_LOCKOUT LOGIN_DURING_RESTRICTED_DOMAIN LOGIN_DURING_RESTRICTED_TIME", Authentication, Never, "", 0},
	{"API_CURRENTLY_DISABLED 403", Access, Slow, "", 0},
	{"API_DISABLED_FOR_ORG CLIENT_NOT_ACCESSIBLE_FOR_USER OAUTH_APP_BLOCKED OAUTH_APP_ACCESS_DENIED", Access, Never, "", 0},
	{"REQUEST_LIMIT_EXCEEDED", Intermittent, Soon, "", 0},
	{"TXN_SECURITY_NO_ACCESS TXN_SECURITY_METERING_ERROR TXN_SECURITY_RUNTIME_ERROR TXN_SECURITY_APEX_ERROR", Access, Never, "", 0},
	{"INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Access, Never, "", 0},
	{"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER CUSTOM_APEX_ERROR", Access, Never, "", 0},
	{"ENTITY_IS_LOCKED RECORD_IN_USE_BY_WORKFLOW", Access, Slow, "", 0},
	{"FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION FIELD_INTEGRITY_EXCEPTION REQUIRED_FIELD_MISSING", Access, Never, "", 0},
	{"INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE", Access, Never, HealDropField, 0},
	{"INVALID_TYPE", Access, Never, "", 0},
	{"INVALID_TYPE_ON_FIELD_IN_RECORD JSON_PARSER_ERROR", Other, Never, "", 0},
	{"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Access, Never, HealOmitValue, 0},
	{"STRING_TOO_LONG MAX_TASK_DESCRIPTION_EXCEEEDED", Access, Never, HealTruncate, 0},
	{"INACTIVE_OWNER_OR_USER INVALID_USERID TRANSFER_REQUIRES_READ OP_WITH_INVALID_USER_TYPE_EXCEPTION", Access, Never, HealDefaultOwner, 0},
	{"INVALID_CROSS_REFERENCE_KEY", Access, Never, HealFollowRecord, 0},
	{"MALFORMED_ID INVALID_ID_FIELD", Other, Never, "", 0},
	{"ENTITY_IS_DELETED", Other, Never, HealFollowRecord, 0},
	{"ENTITY_IS_ARCHIVED", Other, Never, "", 0},
	{"NOT_FOUND CANNOT_UPDATE_CONVERTED_LEAD", Other, Never, HealFollowRecord, 0},
	{"DUPLICATE_VALUE", Other, Never, "", 0},
	{"DUPLICATE_EXTERNAL_ID MULTIPLE_CHOICES 300", Other, Never, "", 0},
	{"INVALID_EXTERNAL_ID_FIELD_NAME INVALID_ENTITY_FOR_UPSERT", Other, Never, "", 0},
	{"DUPLICATES_DETECTED", Access, Never, HealAllowSave, 0},
	{"UNABLE_TO_LOCK_ROW", Intermittent, Soon, HealSmallerBatch, 0},
	{"QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG OPERATION_TOO_LARGE QUERY_TOO_COMPLICATED", Intermittent, Soon, HealSmallerBatch, 0},
	{"SERVER_UNAVAILABLE FUNCTIONALITY_TEMPORARILY_UNAVAILABLE 503", Intermittent, Soon, "", 0},
	{"INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE TOO_MANY_APEX_REQUESTS FAILED_WRITE", Intermittent, Soon, "", 0},
	{"420", Intermittent, Soon, "", 5},
	{"502 504 408 429", Intermittent, Soon, "", 0},
	{"STORAGE_LIMIT_EXCEEDED EXCEEDED_QUOTA", Access, Slow, "", 0},
	{"ORG_LOCKED TRIAL_EXPIRED", Authentication, Never, "", 0},
	{"INVALID_QUERY_LOCATOR QUERY_LOCATOR_EXPIRED", Other, Never, "", 0},
	{"MALFORMED_QUERY NUMBER_OUTSIDE_VALID_RANGE METHOD_NOT_ALLOWED 405 UNSUPPORTED_MEDIA_TYPE 415 404", Other, Never, "", 0},
	{"414 431 413 400 EXCEEDED_MAX_SIZE_REQUEST", Other, Never, "", 0},
	{"GONE 410 UNSUPPORTED_API_VERSION", Other, Never, "", 0},
	{"ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED", Other, Soon, "", 0},
	{"UNKNOWN_EXCEPTION INTERNAL_ERROR 500", Other, Soon, "", 3},
	{"LIMIT_EXCEEDED", Access, Never, HealSmallerBatch, 0},

	{"IP_RESTRICTED EXPIRED_CODE CODE_VERIFIER NOT_APPROVED NO_RUN_AS_USER WRONG_DOMAIN INVALID_ASSERTION", Authentication, Never, "", 0},
	{"invalid_request invalid_app_access invalid_client_id invalid_client redirect_uri_mismatch redirect_uri_missing", Authentication, Never, "", 0},
	{"access_denied unsupported_grant_type invalid_scope unsupported_response_type", Authentication, Never, "", 0},
	{"rate_limit_exceeded", Intermittent, Slow, "", 0},
}

// TestCodesMeanWhatTheSheetsSay holds every line of both lists against the tables, and
// the tables against the lists.
func TestCodesMeanWhatTheSheetsSay(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	check := func(system string, sheet []row, classify func(code string) Failure) {
		for _, line := range sheet {
			for code := range strings.FieldsSeq(line.codes) {
				what := classify(code)
				require.Equal(t, line, row{line.codes, what.Class, what.Retry, what.Heal, what.Tries}, "%s of %s", code, system)
				require.Equal(t, code, what.Code)
				require.Contains(t, what.Text, "In their words", code)
				require.NotContains(t, what.Text, "does not list", code)
				require.NotContains(t, what.Text, "Sales Actions does not know", code)
				require.NotEmpty(t, what.Remedy, code)
				listed[system+code] = true
			}
		}
	}
	check("marketo", marketoSheet, func(code string) Failure {
		return Classify(fmt.Errorf("read people: %w", &marketo.Error{Operation: "leads by filter", Kind: marketo.KindAPI, Code: code, Message: "In their words."}))
	})
	check("salesforce", salesforceSheet, func(code string) Failure { return ofSalesforceCode(code, "In their words.") })
	for _, entry := range Codes() {
		if own(ownMarketo, entry.Code).Text+own(ownSalesforce, entry.Code).Text != "" {
			continue
		}
		require.True(t, listed[entry.System+entry.Code], "%s of %s is in no sheet", entry.Code, entry.System)
	}
}

// TestUnknownCodes: Marketo's 6xx and 7xx are tried three times, its 1xxx never.
func TestUnknownCodes(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"699", "799", "599"} {
		what := OfMarketoRecord(code, "")
		require.Equal(t, row{code, Intermittent, Soon, "", 3}, row{code, what.Class, what.Retry, what.Heal, what.Tries})
	}
	what := OfMarketoRecord("1999", "")
	require.Equal(t, row{"1999", Access, Never, "", 0}, row{"1999", what.Class, what.Retry, what.Heal, what.Tries})
}

// TestRemediesNameWhatThereIs: a Task whose rep cannot own it goes to the connected
// user; there is no setting for another.
func TestRemediesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, entry := range Codes() {
		require.NotContains(t, entry.Remedy, "default owner", entry.Code)
	}
}
