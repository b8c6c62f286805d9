package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

func ofMarketo(code string) error {
	return &marketo.Error{Kind: marketo.KindAPI, Code: code, HTTPStatus: http.StatusOK, Sent: true}
}

func ofSalesforce(status int, code string) error {
	return &salesforce.Error{Kind: salesforce.KindAPI, HTTPStatus: status, Codes: []salesforce.CodeMessage{{Code: code}}, Write: true, RequestSent: true}
}

// looked is the rule of a lane whose records are looked for when a call has no answer.
var looked = outbox.Rules{Unanswered: func(c outbox.Claimed, what failure.Failure, records int) outbox.Outcome {
	return outbox.Unanswered(c, what, records, time.Minute)
}}

// TestWhatAFailedCallMeans is the ordered table of verdicts, line by line, for both kinds
// of lane: one that may repeat its calls, and one that may not.
func TestWhatAFailedCallMeans(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(context.Background())
	stop()
	lost := &salesforce.Error{Kind: salesforce.KindTransport, Write: true, RequestSent: true}
	for name, c := range map[string]struct {
		ctx   context.Context
		err   error
		times int // how often it ended so before
		want  models.DeliveryState
		over  bool // nothing more can be sent
		wait  time.Duration
		sent  bool                 // the attempt counts
		again models.DeliveryState // of a call that may be repeated, where that differs
	}{
		"no_answer_of_Salesforce":               {err: lost, want: models.Sending, again: models.Pending, sent: true},
		"no_answer_of_Marketo":                  {err: ofMarketo("611"), want: models.Sending, again: models.Pending, sent: true},
		"no_answer_while_the_program_stops":     {ctx: stopped, err: lost, want: models.Sending, again: models.Pending, sent: true},
		"its_turn_came_too_late":                {err: fmt.Errorf("create Tasks: %w", outbox.ErrNotAdmitted), want: models.Pending, wait: outbox.TurnPause},
		"the_program_stops":                     {ctx: stopped, err: context.Canceled, want: models.Pending},
		"the_session_cannot_be_renewed":         {err: ofSalesforce(401, "INVALID_SESSION_ID"), want: models.Pending, over: true},
		"the_connection_was_lost_at_a_refresh":  {err: &failure.PausedError{Class: failure.Authentication, Code: "needs_reconnect"}, want: models.Pending, over: true},
		"the_API_is_off":                        {err: ofSalesforce(403, "API_DISABLED_FOR_ORG"), want: models.Pending, over: true},
		"our_budget_is_spent":                   {err: &budget.SpentError{System: "marketo", Ours: true, Until: time.Now().Add(time.Hour)}, want: models.Pending, over: true},
		"Marketos_quota_is_spent":               {err: ofMarketo(marketo.CodeQuota), want: models.Pending, over: true},
		"a_locked_row":                          {err: ofSalesforce(400, "UNABLE_TO_LOCK_ROW"), want: models.Pending, sent: true},
		"Marketos_rate":                         {err: ofMarketo("606"), want: models.Pending, sent: true},
		"an_unknown_code_of_Marketo":            {err: ofMarketo("699"), want: models.Pending, sent: true},
		"an_unknown_code_too_often":             {err: ofMarketo("699"), times: 9, want: models.Failed, sent: true},
		"a_field_that_is_gone":                  {err: ofSalesforce(400, "INVALID_FIELD"), want: models.Pending, wait: time.Second, sent: true},
		"a_field_that_is_gone_again_and_again":  {err: ofSalesforce(400, "INVALID_FIELD"), times: 9, want: models.Failed, sent: true},
		"a_record_that_Marketo_cannot_read":     {err: ofMarketo("609"), want: models.Failed, sent: true},
		"a_record_that_Salesforce_cannot_read":  {err: ofSalesforce(400, "JSON_PARSER_ERROR"), want: models.Failed, sent: true},
		"a_record_that_is_too_large":            {err: ofSalesforce(413, ""), want: models.Failed, sent: true},
		"a_refusal_that_every_call_would_meet":  {err: ofSalesforce(404, "NOT_FOUND"), want: models.Pending, over: true},
		"a_right_that_Marketos_user_has_not":    {err: ofMarketo("603"), want: models.Pending, over: true},
		"an_error_of_ours_while_it_was_written": {err: errors.New("no room"), want: models.Pending, sent: true},
	} {
		for _, repeats := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/may_be_repeated_%v", name, repeats), func(t *testing.T) {
				t.Parallel()
				refreshed, rules, want := false, looked, c.want
				if repeats {
					rules = outbox.Rules{}
					if c.again != "" {
						want = c.again
					}
				}
				rules.Refresh = func(context.Context) error { refreshed = true; return nil }
				ctx := c.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				rows := []outbox.Claimed{{ID: 1, Attempts: c.times + 1, ErrorCode: failure.Classify(c.err).Code, ErrorTimes: c.times}}
				outcomes, err := outbox.FailedCall(ctx, c.err, rows, rules, func([]outbox.Claimed) ([]outbox.Outcome, error) {
					t.Error("a row that stands alone is not sent again at once")
					return nil, nil
				})
				require.Len(t, outcomes, 1)
				require.Equal(t, want, outcomes[0].State)
				require.Equal(t, c.sent, !outcomes[0].NotSent, "whether the attempt counts")
				require.Equal(t, c.over, err != nil, "whether the destination pauses: %v", err)
				if c.wait > 0 {
					require.Equal(t, c.wait, outcomes[0].Wait)
				}
				require.Equal(t, name == "a_field_that_is_gone", refreshed)
			})
		}
	}
}

func TestTheRecordToBlameStandsAloneInTheEnd(t *testing.T) {
	t.Parallel()
	bad := int64(5)
	calls := 0
	var send func(rows []outbox.Claimed) ([]outbox.Outcome, error)
	send = func(rows []outbox.Claimed) ([]outbox.Outcome, error) {
		if calls++; !slices.ContainsFunc(rows, func(c outbox.Claimed) bool { return c.ID == bad }) {
			return outbox.ForAll(rows, func(c outbox.Claimed) outbox.Outcome { return outbox.Delivered(c, "x") }), nil
		}
		return outbox.FailedCall(t.Context(), ofMarketo("1001"), rows, looked, send)
	}
	rows := make([]outbox.Claimed, 300)
	for n := range rows {
		rows[n].ID = int64(n)
	}
	outcomes, err := send(rows)
	require.NoError(t, err)
	require.Len(t, outcomes, len(rows), "each has an outcome")
	for _, o := range outcomes {
		want := models.Delivered
		if o.ID == bad {
			want = models.Failed
		}
		require.Equal(t, want, o.State, "%d", o.ID)
	}
	require.LessOrEqual(t, calls, 20, "found by halving")
}

func TestWhatEndsTheFirstHalfEndsTheSecond(t *testing.T) {
	t.Parallel()
	over := errors.New("the quota is spent")
	outcomes, err := outbox.FailedCall(t.Context(), ofMarketo("1001"), []outbox.Claimed{{ID: 1}, {ID: 2}, {ID: 3}}, looked,
		func(rows []outbox.Claimed) ([]outbox.Outcome, error) { return outbox.NotSent(rows), over })
	require.ErrorIs(t, err, over)
	require.Len(t, outcomes, 3, "each has an outcome")
	for _, o := range outcomes {
		require.True(t, o.NotSent)
	}
}

func TestACallThatWasTooLargeMakesTheNextOnesSmaller(t *testing.T) {
	t.Parallel()
	gauge := outbox.NewGauge(200)
	rules := outbox.Rules{TooMany: gauge}
	rows := make([]outbox.Claimed, 200)
	_, err := outbox.FailedCall(t.Context(), ofSalesforce(400, "LIMIT_EXCEEDED"), rows, rules, func(half []outbox.Claimed) ([]outbox.Outcome, error) {
		return outbox.NotSent(half), nil
	})
	require.NoError(t, err)
	require.Equal(t, 50, gauge.Size())
}

func TestARepeatedCallThatNeverEndsIsGivenUpAlone(t *testing.T) {
	t.Parallel()
	unanswered := ofMarketo("611")
	what := failure.Classify(unanswered)
	row := outbox.Claimed{ID: 1, ErrorCode: what.Code, ErrorTimes: what.Tries + outbox.AloneAfter - 1}
	state := func(rows ...outbox.Claimed) models.DeliveryState {
		outcomes, err := outbox.FailedCall(t.Context(), unanswered, rows, outbox.Rules{}, nil)
		require.NoError(t, err)
		return outcomes[0].State
	}
	require.Equal(t, models.Failed, state(row))
	require.Equal(t, models.Pending, state(row, outbox.Claimed{ID: 2}), "beside others it may be their fault")
}
