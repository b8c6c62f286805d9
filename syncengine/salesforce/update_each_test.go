package salesforce_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/salesforce"
)

// done is the answer of a composite call by reference, in the order given.
func done(parts ...string) string {
	return `{"compositeResponse":[` + strings.Join(parts, ",") + `]}`
}

func donePart(n, status int, body string) string {
	return fmt.Sprintf(`{"body":%s,"httpHeaders":{},"httpStatusCode":%d,"referenceId":"q%d"}`, body, status, n)
}

// twoChanges are those of two Tasks, the first on a condition.
func twoChanges() []salesforce.Change {
	since := time.Date(2026, 11, 23, 11, 0, 0, 0, time.FixedZone("CET", 3600))
	return []salesforce.Change{
		{ID: "00T000000000001AAA", Fields: map[string]any{"Subject": "Call", "ActivityDate": nil}, UnmodifiedSince: since},
		{ID: "00T000000000002AAA", Fields: map[string]any{"Status": "Completed"}},
	}
}

func TestUpdateEach(t *testing.T) {
	t.Parallel()
	changes := twoChanges()
	const modified = `[{"errorCode":"PRECONDITION_FAILED","message":"The record has been modified since the date that was given"}]`

	t.Run("each_row_has_its_own_condition_and_all_go_in_one_call", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, done(donePart(0, 204, "null"), donePart(1, 204, "null")))
		errs, err := client.UpdateEach(t.Context(), "Task", changes)
		require.NoError(t, err)
		require.Equal(t, []error{nil, nil}, errs)
		require.Equal(t, []sent{{"POST", "/services/data/v66.0/composite",
			`{"allOrNone":false,"compositeRequest":[` +
				`{"method":"PATCH","url":"/services/data/v66.0/sobjects/Task/00T000000000001AAA","referenceId":"q0","httpHeaders":{"If-Unmodified-Since":"Mon, 23 Nov 2026 10:00:00 GMT"},"body":{"ActivityDate":null,"Subject":"Call"}},` +
				`{"method":"PATCH","url":"/services/data/v66.0/sobjects/Task/00T000000000002AAA","referenceId":"q1","body":{"Status":"Completed"}}]}`}}, *requests)
	})

	t.Run("errors_stand_by_position_whatever_the_order_of_the_answers", func(t *testing.T) {
		t.Parallel()
		client, _ := recorder(t, http.StatusOK, done(donePart(1, 204, "null"), donePart(0, 412, modified)))
		errs, err := client.UpdateEach(t.Context(), "Task", changes)
		require.NoError(t, err)
		require.NoError(t, errs[1])
		changed := asError(t, errs[0])
		require.Equal(t, salesforce.StatusModified, changed.HTTPStatus)
		require.False(t, changed.Ambiguous(), "it was surely not changed")
	})

	t.Run("what_a_row_is_refused_for_is_told", func(t *testing.T) {
		t.Parallel()
		client, _ := recorder(t, http.StatusOK, done(donePart(0, 404, `[{"errorCode":"ENTITY_IS_DELETED","message":"entity is deleted"}]`),
			donePart(1, 400, `[{"errorCode":"INVALID_FIELD","message":"No such column 'X' on sobject of type Task","fields":["X"]}]`)))
		errs, err := client.UpdateEach(t.Context(), "Task", changes)
		require.NoError(t, err)
		require.True(t, salesforce.IsCode(errs[0], "ENTITY_IS_DELETED"))
		require.True(t, salesforce.IsCode(errs[1], "INVALID_FIELD"))
		require.Equal(t, "No such column 'X' on sobject of type Task", asError(t, errs[1]).Message())
		require.Equal(t, []string{"X"}, asError(t, errs[1]).Codes[0].Fields)
	})

	t.Run("a_row_that_broke_down_may_have_been_changed", func(t *testing.T) {
		t.Parallel()
		client, _ := recorder(t, http.StatusOK, done(donePart(0, 500, `[{"errorCode":"UNKNOWN_EXCEPTION","message":"An unexpected error occurred"}]`), donePart(1, 204, "null")))
		errs, err := client.UpdateEach(t.Context(), "Task", changes)
		require.NoError(t, err)
		require.True(t, asError(t, errs[0]).Ambiguous())
		require.NoError(t, errs[1])
	})

	for name, body := range map[string]string{
		"one_that_is_missing":       done(donePart(0, 204, "null")),
		"one_too_many":              done(donePart(0, 204, "null"), donePart(1, 204, "null"), donePart(2, 204, "null")),
		"two_of_the_same":           done(donePart(0, 204, "null"), donePart(0, 204, "null")),
		"one_that_nobody_asked_for": done(donePart(0, 204, "null"), donePart(7, 204, "null")),
		"none":                      `{}`,
		"half_of_them":              done(donePart(0, 204, "null"), donePart(1, 204, "null"))[:60],
	} {
		t.Run("the_answers_are_wrong_with_"+name, func(t *testing.T) {
			t.Parallel()
			client, _ := recorder(t, http.StatusOK, body)
			errs, err := client.UpdateEach(t.Context(), "Task", changes)
			require.Nil(t, errs)
			bad := asError(t, err)
			require.Equal(t, salesforce.KindBadAnswer, bad.Kind)
			require.True(t, bad.Ambiguous(), "nobody knows what was changed")
		})
	}
}

func TestUpdateEachIsOneCall(t *testing.T) {
	t.Parallel()
	changes := twoChanges()

	t.Run("a_call_that_fails_as_a_whole_says_so", func(t *testing.T) {
		t.Parallel()
		client, _ := recorder(t, http.StatusServiceUnavailable, `[{"errorCode":"SERVER_UNAVAILABLE","message":"try later"}]`)
		errs, err := client.UpdateEach(t.Context(), "Task", changes)
		require.Nil(t, errs)
		require.True(t, asError(t, err).Ambiguous())
		client, _ = recorder(t, http.StatusForbidden, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`)
		_, err = client.UpdateEach(t.Context(), "Task", changes)
		require.True(t, salesforce.IsCode(err, "REQUEST_LIMIT_EXCEEDED"))
		require.False(t, asError(t, err).Ambiguous())
	})

	t.Run("an_expired_session_is_refreshed_and_the_call_made_once_more", func(t *testing.T) {
		t.Parallel()
		var bodies []string
		b := setup(t, func(w http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			assertThat(t, err == nil, "read the body: %v", err)
			bodies = append(bodies, string(raw))
			if r.Header.Get("Authorization") != "Bearer 00D!AQ1" {
				answer(http.StatusUnauthorized, expired)(w, r)
				return
			}
			answer(http.StatusOK, done(donePart(0, 204, "null"), donePart(1, 204, "null")))(w, r)
		})
		errs, err := b.client.UpdateEach(t.Context(), "Task", changes)
		require.NoError(t, err)
		require.Equal(t, []error{nil, nil}, errs)
		require.Equal(t, 1, b.tokens.refreshes)
		require.Len(t, bodies, 2)
		require.Equal(t, bodies[0], bodies[1], "the body is sent again whole")
	})

	t.Run("the_client_s_options_go_with_each_row", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, done(donePart(0, 204, "null"), donePart(1, 204, "null")))
		_, err := client.With(salesforce.WriteOptions{KeepOwner: true, AllowDuplicates: true}).UpdateEach(t.Context(), "Lead", changes)
		require.NoError(t, err)
		var body struct {
			CompositeRequest []struct{ HTTPHeaders map[string]string }
		}
		require.NoError(t, json.Unmarshal([]byte((*requests)[0].body), &body))
		for _, part := range body.CompositeRequest {
			require.Equal(t, "FALSE", part.HTTPHeaders["Sforce-Auto-Assign"], "those of the whole call are not theirs")
			require.Equal(t, "allowSave=true", part.HTTPHeaders["Sforce-Duplicate-Rule-Header"])
		}
	})

	t.Run("none_and_too_many_are_not_sent", func(t *testing.T) {
		t.Parallel()
		client, requests := recorder(t, http.StatusOK, `{}`)
		errs, err := client.UpdateEach(t.Context(), "Task", nil)
		require.NoError(t, err)
		require.Empty(t, errs)
		_, err = client.UpdateEach(t.Context(), "Task", make([]salesforce.Change, salesforce.MaxCompositeParts+1))
		require.Error(t, err)
		require.Empty(t, *requests)
	})
}

// inSandbox is a client of the sandbox, with a clock that stands still until it is moved.
type inSandbox struct {
	org    *sandboxsalesforce.Server
	client *salesforce.Client
	clock  *clockwork.FakeClock
	url    string
}

func sandboxed(t *testing.T, config sandboxsalesforce.Config) *inSandbox {
	t.Helper()
	s := &inSandbox{clock: clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))}
	config.People, config.LockWait, config.Clock = 10, 20*time.Millisecond, s.clock
	var err error
	s.org, err = sandboxsalesforce.New(config)
	require.NoError(t, err)
	server := httptest.NewServer(s.org)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.client = salesforce.New(salesforce.Config{Clock: clockwork.NewRealClock()}, s, server.Client())
	return s
}

// Token implements the client's source.
func (s *inSandbox) Token(context.Context) (salesforce.Token, error) {
	return salesforce.Token{Access: s.org.AccessToken(), Instance: s.url}, nil
}

// Refresh implements the client's source.
func (s *inSandbox) Refresh(ctx context.Context, _ salesforce.Token) (salesforce.Token, error) {
	return s.Token(ctx)
}

func (s *inSandbox) task(t *testing.T, subject string) string {
	t.Helper()
	created, err := s.client.CreateMany(t.Context(), "Task", []map[string]any{{"Subject": subject}})
	require.NoError(t, err)
	require.True(t, created[0].Success, created)
	return created[0].ID
}

func (s *inSandbox) subjects() map[string]any {
	subjects := map[string]any{}
	for r := range s.org.Records("Task", false) {
		subjects[r.ID] = r.Values["Subject"]
	}
	return subjects
}

func TestUpdateEachInTheSandbox(t *testing.T) {
	t.Parallel()

	t.Run("who_was_faster_keeps_their_change_and_others_go_on", func(t *testing.T) {
		t.Parallel()
		s := sandboxed(t, sandboxsalesforce.Config{})
		read := s.clock.Now()
		mine, theirs, gone := s.task(t, "mine"), s.task(t, "theirs"), s.task(t, "gone")
		s.clock.Advance(2 * time.Second)
		_, err := s.org.Act("update", "Task", theirs, map[string]any{"Subject": "edited there"})
		require.NoError(t, err)
		_, err = s.org.Act("delete", "Task", gone, nil)
		require.NoError(t, err)
		subject := func(text string) map[string]any { return map[string]any{"Subject": text} }
		errs, err := s.client.UpdateEach(t.Context(), "Task", []salesforce.Change{
			{ID: theirs, Fields: subject("too late"), UnmodifiedSince: read}, {ID: gone, Fields: subject("nobody"), UnmodifiedSince: read},
			{ID: mine, Fields: subject("edited here"), UnmodifiedSince: read}, {ID: mine, Fields: map[string]any{"Nowhere__c": "x"}},
		})
		require.NoError(t, err)
		require.Equal(t, salesforce.StatusModified, asError(t, errs[0]).HTTPStatus)
		require.True(t, salesforce.IsCode(errs[1], "ENTITY_IS_DELETED"), "%v", errs[1])
		require.NoError(t, errs[2])
		require.True(t, salesforce.IsCode(errs[3], "INVALID_FIELD"), "%v", errs[3])
		require.Equal(t, map[string]any{mine: "edited here", theirs: "edited there"}, s.subjects())
	})

	t.Run("as_many_as_a_call_takes", func(t *testing.T) {
		t.Parallel()
		s := sandboxed(t, sandboxsalesforce.Config{})
		var changes []salesforce.Change
		want := map[string]any{}
		for n := range salesforce.MaxCompositeParts {
			id := s.task(t, "old")
			want[id] = fmt.Sprint("new ", n)
			changes = append(changes, salesforce.Change{ID: id, Fields: map[string]any{"Subject": want[id]}, UnmodifiedSince: s.clock.Now()})
		}
		s.org.ResetCounts()
		errs, err := s.client.UpdateEach(t.Context(), "Task", changes)
		require.NoError(t, err)
		require.Equal(t, make([]error, salesforce.MaxCompositeParts), errs)
		require.Equal(t, want, s.subjects())
		require.Empty(t, s.org.Violations())
	})
}

func TestUpdateEachThroughFaults(t *testing.T) {
	t.Parallel()

	t.Run("a_session_that_expires_costs_nothing", func(t *testing.T) {
		t.Parallel()
		s := sandboxed(t, sandboxsalesforce.Config{})
		id := s.task(t, "old")
		s.org.Fault(fault.Rule{Path: "/composite", Kind: fault.ExpireToken, Count: 1})
		errs, err := s.client.UpdateEach(t.Context(), "Task", []salesforce.Change{{ID: id, Fields: map[string]any{"Subject": "new"}}})
		require.NoError(t, err)
		require.Equal(t, []error{nil}, errs)
		require.Equal(t, map[string]any{id: "new"}, s.subjects())
	})

	t.Run("a_lost_answer_is_a_change_that_may_have_been_made", func(t *testing.T) {
		t.Parallel()
		for _, kind := range []fault.Kind{fault.DropAfter, fault.CommitThen503, fault.Truncate} {
			s := sandboxed(t, sandboxsalesforce.Config{})
			id := s.task(t, "old")
			s.org.Fault(fault.Rule{Path: "/composite", Kind: kind, Count: 1})
			_, err := s.client.UpdateEach(t.Context(), "Task", []salesforce.Change{{ID: id, Fields: map[string]any{"Subject": "new"}}})
			require.True(t, asError(t, err).Ambiguous(), kind)
			require.Equal(t, map[string]any{id: "new"}, s.subjects(), "here it was")
		}
	})

	t.Run("a_locked_row_holds_up_no_other", func(t *testing.T) {
		t.Parallel()
		s := sandboxed(t, sandboxsalesforce.Config{})
		locked, free := s.task(t, "locked"), s.task(t, "free")
		busy := s.org.Open()
		_, err := busy.Act("update", "Task", locked, map[string]any{"Priority": "High"})
		require.NoError(t, err)
		errs, err := s.client.UpdateEach(t.Context(), "Task", []salesforce.Change{{ID: locked, Fields: map[string]any{"Subject": "new"}}, {ID: free, Fields: map[string]any{"Subject": "new"}}})
		require.NoError(t, err)
		require.True(t, salesforce.IsCode(errs[0], "UNABLE_TO_LOCK_ROW"), "%v", errs[0])
		require.NoError(t, errs[1])
		busy.Rollback()
	})

	t.Run("an_owner_is_kept_and_a_duplicate_rule_told_of", func(t *testing.T) {
		t.Parallel()
		s := sandboxed(t, sandboxsalesforce.Config{AssignmentRule: true, DuplicateRule: true})
		var lead sandboxsalesforce.Record
		for r := range s.org.Records("Lead", false) {
			lead = r
			break
		}
		change := []salesforce.Change{{ID: lead.ID, Fields: map[string]any{"HasOptedOutOfEmail": true}}}
		errs, err := s.client.UpdateEach(t.Context(), "Lead", change)
		require.NoError(t, err)
		require.True(t, salesforce.IsCode(errs[0], "DUPLICATES_DETECTED"))
		errs, err = s.client.With(salesforce.WriteOptions{KeepOwner: true, AllowDuplicates: true}).UpdateEach(t.Context(), "Lead", change)
		require.NoError(t, err)
		require.NoError(t, errs[0])
		for r := range s.org.Records("Lead", false) {
			if r.ID == lead.ID {
				require.Equal(t, lead.Values["OwnerId"], r.Values["OwnerId"])
				require.Equal(t, true, r.Values["HasOptedOutOfEmail"])
			}
		}
	})
}
