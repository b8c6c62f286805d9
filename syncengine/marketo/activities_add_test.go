package marketo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

func activity() marketo.NewActivity {
	return marketo.NewActivity{
		LeadID: 1001, At: time.Date(2026, 1, 31, 10, 15, 0, 999_000_000, time.FixedZone("CET", 3600)), TypeID: 100001, Primary: "Quick question",
		Attributes: []marketo.NewAttribute{{APIName: "saActivityId", Value: "01JK"}, {APIName: "duration", Value: 90}},
	}
}

func TestAddActivities(t *testing.T) {
	t.Parallel()

	t.Run("they_are_sent_as_documented_and_results_stand_in_their_order", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, http.MethodPost, r.Method)
			require.Equal(t, "/base/rest/v1/activities/external.json", r.URL.Path)
			require.Equal(t, "application/json", r.Header.Get("Content-Type"))
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.JSONEq(t, `{"input":[
				{"leadId":1001,"activityDate":"2026-01-31T09:15:00Z","activityTypeId":100001,"primaryAttributeValue":"Quick question",
					"attributes":[{"apiName":"saActivityId","value":"01JK"},{"apiName":"duration","value":90}]},
				{"leadId":7,"activityDate":"2026-01-31T09:15:00Z","activityTypeId":100002,"primaryAttributeValue":"-","attributes":[]},
				{"leadId":8,"activityDate":"2026-01-31T09:15:00Z","activityTypeId":100002,"primaryAttributeValue":"-","attributes":[]}]}`, string(body))
			fmt.Fprint(w, `{"requestId":"a#b","success":true,"result":[{"id":50,"marketoGUID":"50","status":"added"},
				{"status":"skipped","errors":[{"code":"1004","message":"Lead not found"}]},{"id":51,"status":"added"}]}`)
		})
		second := marketo.NewActivity{LeadID: 7, At: activity().At, TypeID: 100002, Primary: "-"}
		third := second
		third.LeadID = 8
		results, err := client.AddActivities(t.Context(), []marketo.NewActivity{activity(), second, third})
		require.NoError(t, err)
		require.Empty(t, cmp.Diff([]marketo.AddResult{{ID: "50", Added: true}, {Code: "1004", Message: "Lead not found"}, {ID: "51", Added: true}}, results))
	})

	t.Run("more_than_Marketo_takes_are_refused_here", func(t *testing.T) {
		t.Parallel()
		client := setup(t, answer(`{"success":true,"result":[]}`))
		_, err := client.AddActivities(t.Context(), make([]marketo.NewActivity, 301))
		require.ErrorContains(t, err, "301 in one call")
		require.False(t, marketo.Ambiguous(err))
		results, err := client.AddActivities(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, results)
	})

	t.Run("a_value_that_is_no_JSON_is_not_sent", func(t *testing.T) {
		t.Parallel()
		client := setup(t, answer(`{"success":true,"result":[]}`))
		bad := activity()
		bad.Attributes[0].Value = func() {}
		_, err := client.AddActivities(t.Context(), []marketo.NewActivity{bad})
		require.ErrorContains(t, err, "unsupported type")
		require.False(t, marketo.Ambiguous(err))
		require.Zero(t, marketo.EncodedSize(bad))
	})
}

func TestEncodedSizesAddUpToTheBody(t *testing.T) {
	t.Parallel()
	odd := activity()
	odd.Primary = "<b>\"Grüße\" & 你好\u2028"
	activities := []marketo.NewActivity{activity(), odd}
	body, err := json.Marshal(map[string][]marketo.NewActivity{"input": activities})
	require.NoError(t, err)
	sum := len(`{"input":[]}`) - 1 // one comma fewer than activities
	for _, a := range activities {
		sum += marketo.EncodedSize(a)
	}
	require.Equal(t, len(body), sum)
}

// TestAmbiguous has what an attempt to add may end with, and whether the
// activities may be there nevertheless.
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	failed := func(code string) string {
		return fmt.Sprintf(`{"requestId":"a#b","success":false,"errors":[{"code":%q,"message":"words"}]}`, code)
	}
	cases := map[string]struct {
		status    int
		body      string
		ambiguous bool
	}{
		"a_gateway's_time_out":               {200, failed("502"), true},
		"a_time_out":                         {200, failed("604"), true},
		"a_system_error":                     {200, failed("611"), true},
		"an_internal_error":                  {200, failed("500"), true},
		"a_gateway's_page":                   {503, `<html>Service Unavailable</html>`, true},
		"an_error_under_HTTP_500":            {500, failed("713"), true},
		"a_page_with_HTTP_200":               {200, `<html></html>`, true},
		"an_answer_that_was_cut":             {200, `{"success":true,"result":[{"id":50,"sta`, true},
		"no_result":                          {200, `{"success":true}`, true},
		"too_many_results":                   {200, `{"success":true,"result":[{"status":"added"},{"status":"added"}]}`, true},
		"a_status_that_is_not_documented":    {200, `{"success":true,"result":[{"status":"maybe"}]}`, true},
		"success_and_an_error":               {200, `{"success":true,"errors":[{"code":"1003","message":"x"}],"result":[{"status":"added"}]}`, true},
		"too_many_calls":                     {200, failed("606"), false},
		"a_spent_quota":                      {200, failed("607"), false},
		"an_API_that_is_not_available":       {200, failed("608"), false},
		"too_many_calls_at_once":             {200, failed("615"), false},
		"denied_access":                      {200, failed("603"), false},
		"a_token_that_is_refused_twice":      {200, failed("602"), false},
		"data_that_is_not_accepted":          {200, failed("1003"), false},
		"a_body_that_is_too_large":           {413, `too large`, false},
		"an_activity_that_was_refused_alone": {200, `{"success":true,"result":[{"status":"skipped","errors":[{"code":1049,"message":"too long"}]}]}`, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			_, err := client.AddActivities(t.Context(), []marketo.NewActivity{activity()})
			require.Equal(t, c.ambiguous, marketo.Ambiguous(fmt.Errorf("deliver: %w", err)), "%v", err)
			require.Equal(t, name != "an_activity_that_was_refused_alone", err != nil)
		})
	}
	require.False(t, marketo.Ambiguous(nil))
}

func TestAmbiguousConnections(t *testing.T) {
	t.Parallel()
	add := func(ctx context.Context, client *marketo.Client) error {
		_, err := client.AddActivities(ctx, []marketo.NewActivity{activity()})
		require.Error(t, err)
		return err
	}

	t.Run("a_connection_that_breaks_before_the_answer", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		require.True(t, marketo.Ambiguous(add(t.Context(), client)))
	})

	t.Run("a_connection_that_breaks_within_the_answer", func(t *testing.T) {
		t.Parallel()
		client := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"success":true,"result":[`)
		})
		require.True(t, marketo.Ambiguous(add(t.Context(), client)))
	})

	t.Run("a_caller_who_gives_up_while_Marketo_works", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		client := setup(t, func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
			if err != nil {
				t.Error(err)
			}
		})
		err := add(ctx, client)
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, marketo.Ambiguous(err))
	})

	t.Run("what_was_refused_before_it_was_sent_is_not", func(t *testing.T) {
		t.Parallel()
		for name, refusal := range map[string]error{"budget": io.ErrClosedPipe, "context": context.Canceled} {
			err := add(t.Context(), bubbleClient(t, transport(func(*http.Request) (*http.Response, error) { return nil, refusal }), nil))
			require.ErrorIs(t, err, refusal, name)
			require.False(t, marketo.Ambiguous(err), name)
		}
	})

	t.Run("a_host_that_cannot_be_reached_is_not", func(t *testing.T) {
		t.Parallel()
		nobody := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, io.ErrUnexpectedEOF }}
		err := add(t.Context(), bubbleClient(t, transport(nobody.RoundTrip), nil))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.False(t, marketo.Ambiguous(err))
	})

	t.Run("a_token_that_cannot_be_had_is_not", func(t *testing.T) {
		t.Parallel()
		client := setupIdentity(t, `<html>busy</html>`)
		require.False(t, marketo.Ambiguous(add(t.Context(), client)))
	})
}

// setupIdentity serves nothing but an identity service that answers so.
func setupIdentity(t *testing.T, says string) *marketo.Client {
	t.Helper()
	server := httptest.NewServer(answer(says))
	t.Cleanup(server.Close)
	return newClient(t, server)
}
