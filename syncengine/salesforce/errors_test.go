package salesforce_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/salesforce"
)

// create makes a write whose outcome matters.
func create(ctx context.Context, c *salesforce.Client) error {
	_, err := c.CreateMany(ctx, "Task", []map[string]any{{"Subject": "Call"}})
	return err
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status    int
		body      string
		want      salesforce.Error
		ambiguous bool
	}{
		"an_error_with_fields": {400, `[{"message":"Subject: data value too large: x (max length=255)","errorCode":"STRING_TOO_LONG","fields":["Subject"]}]`,
			salesforce.Error{Kind: salesforce.KindAPI, Codes: []salesforce.CodeMessage{
				{Code: "STRING_TOO_LONG", Message: "Subject: data value too large: x (max length=255)", Fields: []string{"Subject"}}}}, false},
		"a_limit": {403, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`,
			salesforce.Error{Kind: salesforce.KindAPI, Codes: []salesforce.CodeMessage{{Code: "REQUEST_LIMIT_EXCEEDED", Message: "TotalRequests Limit exceeded."}}}, false},
		"an_error_without_a_list": {404, `{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}`,
			salesforce.Error{Kind: salesforce.KindAPI, Codes: []salesforce.CodeMessage{{Code: "NOT_FOUND", Message: "The requested resource does not exist"}}}, false},
		"a_record's_error": {400, `[{"statusCode":"DUPLICATE_VALUE","message":"duplicate value found"}]`,
			salesforce.Error{Kind: salesforce.KindAPI, Codes: []salesforce.CodeMessage{{Code: "DUPLICATE_VALUE", Message: "duplicate value found"}}}, false},
		"several_records": {300, `["/services/data/v66.0/sobjects/Task/00T1","/services/data/v66.0/sobjects/Task/00T2"]`,
			salesforce.Error{Kind: salesforce.KindAPI, Codes: []salesforce.CodeMessage{{Code: "MULTIPLE_CHOICES", Message: "2 records have this external id"}}}, false},
		"a_call_that_ran_too_long": {400, `[{"message":"Your request was running for too long","errorCode":"REQUEST_RUNNING_TOO_LONG"}]`,
			salesforce.Error{Kind: salesforce.KindAPI, Codes: []salesforce.CodeMessage{{Code: "REQUEST_RUNNING_TOO_LONG", Message: "Your request was running for too long"}}}, true},
		"an_error_of_the_server": {500, `[{"message":"An unexpected error occurred.","errorCode":"UNKNOWN_EXCEPTION"}]`,
			salesforce.Error{Kind: salesforce.KindAPI, Codes: []salesforce.CodeMessage{{Code: "UNKNOWN_EXCEPTION", Message: "An unexpected error occurred."}}}, true},
		"a_gateway's_page":       {503, `<html><body>Service Unavailable</body></html>`, salesforce.Error{Kind: salesforce.KindBadAnswer}, true},
		"no_route":               {420, ``, salesforce.Error{Kind: salesforce.KindBadAnswer}, true},
		"a_time_limit":           {408, ``, salesforce.Error{Kind: salesforce.KindBadAnswer}, true},
		"an_unasked_304":         {304, ``, salesforce.Error{Kind: salesforce.KindBadAnswer}, false},
		"a_redirect":             {302, ``, salesforce.Error{Kind: salesforce.KindBadAnswer}, false},
		"a_firewall's_page":      {403, `<html>`, salesforce.Error{Kind: salesforce.KindBadAnswer}, false},
		"an_empty_list":          {400, `[]`, salesforce.Error{Kind: salesforce.KindBadAnswer}, false},
		"cut_JSON":               {200, `[{"id":"00T000000000001AAA","succ`, salesforce.Error{Kind: salesforce.KindBadAnswer}, true},
		"no_results":             {200, `[]`, salesforce.Error{Kind: salesforce.KindBadAnswer}, true},
		"a_success_without_id":   {200, `[{"success":true,"errors":[]}]`, salesforce.Error{Kind: salesforce.KindBadAnswer}, true},
		"two_results_for_record": {200, `[{"success":false},{"success":false}]`, salesforce.Error{Kind: salesforce.KindBadAnswer}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "7")
				answer(tt.status, tt.body)(w, r)
			})
			got := asError(t, create(t.Context(), b.client))
			tt.want.Operation, tt.want.HTTPStatus, tt.want.RequestSent, tt.want.Write = "create many", tt.status, true, true
			if tt.status >= 301 {
				tt.want.RetryAfter = 7 * time.Second
			}
			require.Empty(t, cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(salesforce.Error{}, "Err")))
			require.Equal(t, tt.ambiguous, got.Ambiguous())
			require.True(t, got.Metered())
		})
	}

	t.Run("a_message_is_cut", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer(http.StatusBadRequest, `[{"errorCode":"X","message":"`+strings.Repeat("é", 400)+`"}]`))
		require.LessOrEqual(t, len(asError(t, create(t.Context(), b.client)).Message()), 303)
	})

	t.Run("a_reading_is_never_in_doubt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer(http.StatusServiceUnavailable, `<html>`))
		_, err := b.client.QueryAllOnce(t.Context(), "SELECT Id FROM Task")
		require.False(t, asError(t, err).Ambiguous())
		_, err = b.client.CompositeQueries(t.Context(), []string{"SELECT Id FROM Task"})
		require.False(t, asError(t, err).Ambiguous())
	})
}

func TestRetryAfterADate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		header := http.Header{"Retry-After": {time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}}
		client := salesforce.New(salesforce.Config{Clock: clockwork.NewRealClock()}, &tokens{instance: "http://localhost"}, &http.Client{Transport: replies(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: header, Body: http.NoBody}, nil
		})})
		require.Equal(t, 90*time.Second, asError(t, create(t.Context(), client)).RetryAfter)
	})
}

type replies func(*http.Request) (*http.Response, error)

func (f replies) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestLostAnswers(t *testing.T) {
	t.Parallel()

	t.Run("a_connection_that_breaks_leaves_a_write_in_doubt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		got := asError(t, create(t.Context(), b.client))
		require.Equal(t, salesforce.KindTransport, got.Kind)
		require.True(t, got.RequestSent)
		require.True(t, got.Ambiguous())
		require.NotContains(t, got.Error(), "http://", "an address may hold a query")
	})

	t.Run("so_does_a_body_that_breaks_off", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(1000))
			fmt.Fprint(w, `[{"id":`)
		})
		got := asError(t, create(t.Context(), b.client))
		require.Equal(t, salesforce.KindTransport, got.Kind)
		require.True(t, got.Ambiguous())
	})

	t.Run("so_does_a_caller_who_gives_up", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		stopped := errors.New("the program stops")
		b := setup(t, func(http.ResponseWriter, *http.Request) {
			cancel(stopped)
			panic(http.ErrAbortHandler)
		})
		err := create(ctx, b.client)
		require.ErrorIs(t, err, stopped)
		require.True(t, asError(t, err).Ambiguous())
	})

	t.Run("a_host_that_is_not_there_was_never_asked", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer(http.StatusOK, ``))
		b.server.Close()
		got := asError(t, create(t.Context(), b.client))
		require.Equal(t, salesforce.KindTransport, got.Kind)
		require.False(t, got.RequestSent)
		require.False(t, got.Ambiguous())
		require.False(t, got.Metered())
	})
}

func TestAnAnswerThatDoesNotComeIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := replies(func(r *http.Request) (*http.Response, error) {
			trace(r)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		client := salesforce.New(salesforce.Config{Clock: clockwork.NewRealClock()}, &tokens{instance: "http://localhost"}, &http.Client{Transport: hangs})
		began := time.Now()
		got := asError(t, create(t.Context(), client))
		require.Equal(t, 150*time.Second, time.Since(began))
		require.True(t, got.Ambiguous())
		require.NotErrorIs(t, got, context.Canceled, "it was the server, not the caller")
	})
}

func TestTheTimeBeforeSendingDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := replies(func(r *http.Request) (*http.Response, error) {
			select { // for a budget
			case <-time.After(time.Hour):
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
			trace(r)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{},
				Body: io.NopCloser(strings.NewReader(`[{"id":"00T000000000001AAA","success":true,"errors":[]}]`))}, nil
		})
		client := salesforce.New(salesforce.Config{Clock: clockwork.NewRealClock()}, &tokens{instance: "http://localhost"}, &http.Client{Transport: waits})
		_, err := client.DeleteMany(t.Context(), []string{"00T000000000001AAA"})
		require.NoError(t, err)
	})
}

// trace tells a request's watchers that a connection was taken, as net/http does.
func trace(r *http.Request) {
	watcher := httptrace.ContextClientTrace(r.Context())
	watcher.GetConn("localhost:80")
	watcher.GotConn(httptrace.GotConnInfo{})
}
