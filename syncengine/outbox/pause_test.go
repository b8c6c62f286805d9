package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// why is a reason of ours to pause.
func why(code string) error {
	return &failure.PausedError{Class: failure.Setup, Code: code, Text: "Something is missing.", Remedy: "Add it."}
}

func (o *table) doPause(cause error) {
	o.t.Helper()
	require.NoError(o.t, o.outbox.Pause(o.t.Context(), models.ToSalesforce, cause))
}

func (o *table) paused() bool {
	o.t.Helper()
	paused, err := o.outbox.Paused(o.t.Context(), models.ToSalesforce)
	require.NoError(o.t, err)
	return paused
}

// earlier makes a pause have lasted longer.
func (o *table) earlier(d time.Duration) {
	o.t.Helper()
	_, err := o.db.Pool.Exec(o.t.Context(), `UPDATE destinations SET paused_since = paused_since - $1::interval, retry_at = retry_at - $1::interval`, d)
	require.NoError(o.t, err)
}

func TestAPauseSaysWhyAndEnds(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	require.False(t, o.paused())
	o.doPause(why("not_connected"))
	require.True(t, o.paused())
	pauses, err := models.ListPauses(t.Context(), o.db.Gorm)
	require.NoError(t, err)
	require.Len(t, pauses, 1)
	require.Equal(t, models.ToSalesforce, pauses[0].Destination)
	require.Equal(t, []string{"Something is missing.", "Add it."}, []string{pauses[0].Text, pauses[0].Remedy})
	there, err := o.outbox.Paused(t.Context(), models.ToMarketo)
	require.NoError(t, err)
	require.False(t, there, "the other destination goes on")

	require.NoError(t, o.outbox.Unpause(t.Context(), models.ToSalesforce))
	require.False(t, o.paused())
	pauses, err = models.ListPauses(t.Context(), o.db.Gorm)
	require.NoError(t, err)
	require.Empty(t, pauses)
	require.NoError(t, o.outbox.Unpause(t.Context(), models.ToSalesforce), "twice is as good as once")
}

func TestAPauseIsTriedSeldomerTheLongerItLasts(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	o.doPause(why("not_connected"))
	_, wait, _ := o.pause()
	require.InDelta(t, 5*time.Second, wait, float64(3*time.Second), "soon at first")
	for _, c := range []struct{ lasted, wait time.Duration }{{time.Minute, 30 * time.Second}, {4 * time.Minute, 2 * time.Minute}, {5 * time.Hour, 5 * time.Minute}} {
		require.NoError(t, o.outbox.Unpause(t.Context(), models.ToSalesforce))
		o.doPause(why("not_connected"))
		o.earlier(c.lasted)
		require.False(t, o.paused(), "its time has come")
		o.doPause(why("not_connected"))
		_, wait, lasts := o.pause()
		require.InDelta(t, c.wait, wait, float64(5*time.Second), "%s", c.lasted)
		require.GreaterOrEqual(t, lasts, c.lasted, "it is one pause")
	}
}

func TestAnotherReasonIsAnotherPause(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	o.doPause(why("not_connected"))
	o.earlier(time.Hour)
	o.doPause(why("no_tasks"))
	code, _, lasts := o.pause()
	require.Equal(t, "no_tasks", code)
	require.Less(t, lasts, time.Minute)
}

func TestAPauseWithAnEndIsAskedAboutInTheMeantime(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	for lasts, want := range map[time.Duration]time.Duration{9 * time.Hour: 15 * time.Minute, 2 * time.Minute: 2 * time.Minute} {
		o.doPause(fmt.Errorf("create Tasks: %w", &budget.SpentError{System: "salesforce", Until: time.Now().Add(lasts)}))
		code, wait, _ := o.pause()
		require.Equal(t, "quota", code)
		require.InDelta(t, want, wait, float64(10*time.Second), "an admin may have raised the quota")
	}
}

func TestPagesAreToldOfAPauseAndItsEnd(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	conn, err := o.db.Pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), `LISTEN salesactions_live`)
	require.NoError(t, err)
	heard := func() string {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		n, err := conn.Conn().WaitForNotification(ctx)
		require.NoError(t, err)
		return n.Payload
	}
	o.doPause(why("not_connected"))
	require.Equal(t, "activity", heard())
	require.NoError(t, o.outbox.Unpause(t.Context(), models.ToSalesforce))
	require.Equal(t, "activity", heard())
}

func TestWhatHaltsEverythingAndWhatDoesNot(t *testing.T) {
	t.Parallel()
	refused := func(status int, code string) error {
		return &salesforce.Error{Kind: salesforce.KindAPI, HTTPStatus: status, Codes: []salesforce.CodeMessage{{Code: code}}, RequestSent: true}
	}
	for name, c := range map[string]struct {
		err   error
		halts bool
	}{
		"a_session_that_nobody_can_renew": {refused(401, "INVALID_SESSION_ID"), true},
		"the_api_is_off":                  {refused(403, "API_DISABLED_FOR_ORG"), true},
		"the_object_is_hidden":            {refused(400, "INVALID_TYPE"), true},
		"nobody_connected_it":             {why("not_connected"), true},
		"a_locked_row":                    {refused(400, "UNABLE_TO_LOCK_ROW"), false},
		"a_validation_rule":               {refused(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), false},
		"a_field_that_is_gone":            {refused(400, "INVALID_FIELD"), false},
		"a_deleted_record":                {refused(404, "ENTITY_IS_DELETED"), false},
		"an_outage":                       {&salesforce.Error{Kind: salesforce.KindBadAnswer, HTTPStatus: 503, RequestSent: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.halts, failure.Classify(c.err).Pauses())
		})
	}
	require.Equal(t, "Add it.", failure.Classify(errors.Join(errors.New("deliver"), why("x"))).Remedy, "our own words are found in what wraps them")
}
