package failure_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// refused is an answer of Salesforce with a code.
func refused(status int, code, message string) *salesforce.Error {
	return &salesforce.Error{Operation: "create Task", Kind: salesforce.KindAPI, HTTPStatus: status, RequestSent: true,
		Codes: []salesforce.CodeMessage{{Code: code, Message: message}}}
}

// page is an answer of a gateway.
func page(status int) *salesforce.Error {
	return &salesforce.Error{Operation: "create Task", Kind: salesforce.KindBadAnswer, HTTPStatus: status, RequestSent: true}
}

func broken(sent bool, err error) *salesforce.Error {
	return &salesforce.Error{Operation: "create Task", Kind: salesforce.KindTransport, RequestSent: sent, Write: true, Err: err}
}

func TestCallsOfSalesforce(t *testing.T) {
	t.Parallel()
	spent := &budget.SpentError{System: "salesforce", Ours: true, Until: time.Now().Add(time.Hour)}
	oauth := refused(400, "invalid_grant", "expired access/refresh token")
	oauth.Kind = salesforce.KindAuth
	cases := map[string]struct {
		err    *salesforce.Error
		class  failure.Class
		code   string
		retry  failure.Retry
		heal   failure.Heal
		signal budget.Signal
	}{
		"the_day's_calls_are_used": {refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
			failure.Intermittent, "REQUEST_LIMIT_EXCEEDED", failure.Slow, "", budget.QuotaSpent},
		"too_many_calls_at_once": {refused(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
			failure.Intermittent, "REQUEST_LIMIT_EXCEEDED", failure.Soon, "", budget.Crowded},
		"too_many_long_transactions": {refused(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
			failure.Intermittent, "REQUEST_LIMIT_EXCEEDED", failure.Soon, "", budget.Crowded},
		"a_busy_server":     {refused(503, "SERVER_UNAVAILABLE", "x"), failure.Intermittent, "SERVER_UNAVAILABLE", failure.Soon, "", budget.Down},
		"an_upgrade":        {refused(503, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "x"), failure.Intermittent, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", failure.Soon, "", budget.Down},
		"a_gateway's_503":   {page(503), failure.Intermittent, "503", failure.Soon, "", budget.Down},
		"a_gateway's_502":   {page(502), failure.Intermittent, "502", failure.Soon, "", budget.Broken},
		"no_route":          {page(420), failure.Intermittent, "420", failure.Soon, "", budget.Broken},
		"too_many_requests": {page(429), failure.Intermittent, "429", failure.Soon, "", budget.RateLimited},
		"cut_JSON":          {page(200), failure.Intermittent, "bad_answer", failure.Soon, "", budget.Broken},
		"a_gateway's_no":    {page(418), failure.Other, "418", failure.Never, "", budget.Unclear},
		"a_lock":            {refused(500, "UNABLE_TO_LOCK_ROW", "x"), failure.Intermittent, "UNABLE_TO_LOCK_ROW", failure.Soon, failure.HealSmallerBatch, budget.Unclear},
		"a_slow_query":      {refused(500, "QUERY_TIMEOUT", "x"), failure.Intermittent, "QUERY_TIMEOUT", failure.Soon, failure.HealSmallerBatch, budget.Unclear},
		"an_error_of_Salesforce's": {refused(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1-2"),
			failure.Other, "UNKNOWN_EXCEPTION", failure.Soon, "", budget.Broken},
		"a_new_code_of_the_server":  {refused(500, "SOMETHING_NEW", "x"), failure.Other, "SOMETHING_NEW", failure.Soon, "", budget.Broken},
		"a_new_code_of_the_request": {refused(403, "SOMETHING_NEW", "x"), failure.Other, "SOMETHING_NEW", failure.Never, "", budget.Unclear},
		"a_record_that_spoils_the_call": {refused(400, "JSON_PARSER_ERROR", "Cannot deserialize instance of date"),
			failure.Other, "JSON_PARSER_ERROR", failure.Never, "", budget.Unclear},
		"a_field_that_is_gone": {refused(400, "INVALID_FIELD", "No such column 'Key__c' on sobject of type Task"),
			failure.Access, "INVALID_FIELD", failure.Never, failure.HealDropField, budget.Unclear},
		"a_revoked_connection":                    {oauth, failure.Authentication, "EXPIRED_ACCESS", failure.Never, "", budget.Unclear},
		"a_dead_session":                          {refused(401, "INVALID_SESSION_ID", "Session expired or invalid"), failure.Authentication, "INVALID_SESSION_ID", failure.Never, "", budget.Unclear},
		"a_host_that_is_away":                     {broken(false, io.ErrUnexpectedEOF), failure.Intermittent, "network", failure.Soon, "", budget.Broken},
		"a_write_without_an_answer":               {broken(true, io.ErrUnexpectedEOF), failure.Intermittent, "FAILED_WRITE", failure.Soon, "", budget.Broken},
		"a_caller_who_left":                       {broken(true, context.Canceled), failure.Intermittent, "interrupted", failure.Soon, "", budget.Unclear},
		"a_wait_that_was_too_long_before_sending": {broken(false, context.DeadlineExceeded), failure.Intermittent, "interrupted", failure.Soon, "", budget.Unclear},
		"a_spent_budget":                          {broken(false, spent), failure.Limit, "budget", failure.Slow, "", budget.Unclear},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrapped := fmt.Errorf("deliver to Salesforce: %w", c.err)
			what := failure.Classify(wrapped)
			require.Equal(t, c.class, what.Class)
			require.Equal(t, c.code, what.Code)
			require.Equal(t, c.retry, what.Retry)
			require.Equal(t, c.heal, what.Heal)
			require.NotEmpty(t, what.Text)
			require.NotEmpty(t, what.Remedy)
			require.Equal(t, c.signal, failure.Signal(wrapped))
		})
	}
	long := failure.Classify(fmt.Errorf("look Tasks up: %w", salesforce.ErrTooLong))
	require.Equal(t, failure.Other, long.Class)
	require.Equal(t, spent.Until, failure.Classify(broken(false, spent)).Until)
}

func TestSalesforceMaySayHowLongToWait(t *testing.T) {
	t.Parallel()
	busy := refused(503, "SERVER_UNAVAILABLE", "x")
	busy.RetryAfter = 30 * time.Second
	require.Equal(t, 30*time.Second, failure.Classify(busy).After)
}

func TestRecordsThatSalesforceRefuses(t *testing.T) {
	t.Parallel()
	rule := failure.OfSalesforceRecord(salesforce.CodeMessage{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "A call needs a result."})
	require.Equal(t, failure.Never, rule.Retry)
	require.Empty(t, rule.Heal, "only a person can mend it")
	require.Contains(t, rule.Text, "A call needs a result")
}
