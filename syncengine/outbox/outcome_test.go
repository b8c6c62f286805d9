package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/outbox"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	busy := failure.Failure{Class: failure.Intermittent, Code: "UNABLE_TO_LOCK_ROW", Text: "Busy.", Remedy: "Wait."}
	for name, c := range map[string]struct {
		outcome func(id int64) outbox.Outcome
		want    row
	}{
		"delivered":      {func(id int64) outbox.Outcome { return outbox.Delivered(id, "00T1") }, row{State: models.Delivered, Attempts: 1, Remote: "00T1"}},
		"skipped":        {func(id int64) outbox.Outcome { return outbox.Skipped(id, models.SkippedOff) }, row{State: models.Skipped, Attempts: 1}},
		"parked":         {func(id int64) outbox.Outcome { return outbox.Parked(id, busy) }, row{State: models.Failed, Attempts: 1, Code: busy.Code, Class: string(busy.Class)}},
		"later":          {func(id int64) outbox.Outcome { return outbox.Later(id, busy, time.Hour) }, row{State: models.Pending, Attempts: 1, Code: busy.Code, Class: string(busy.Class), Wait: time.Hour}},
		"unsent":         {func(id int64) outbox.Outcome { return outbox.Unsent(id, 0) }, row{State: models.Pending}},
		"unknown":        {func(id int64) outbox.Outcome { return outbox.Unknown(id, time.Minute) }, row{State: models.Sending, Attempts: 1, Wait: time.Minute}},
		"looked_in_vain": {func(id int64) outbox.Outcome { return outbox.Outcome{ID: id, State: models.Sending, Looked: true} }, row{State: models.Sending, Attempts: 1, Looks: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newTable(t)
			id, run := o.add(), uuid.New()
			_, err := o.take(t.Context(), run)
			require.NoError(t, err)
			require.NoError(t, outbox.Record(t.Context(), o.db.Pool, run, []outbox.Outcome{c.outcome(id)}))
			got := o.row(id)
			require.InDelta(t, c.want.Wait, got.Wait, float64(10*time.Second))
			got.Wait = c.want.Wait
			require.Equal(t, c.want, got)
		})
	}

	t.Run("a_run_that_is_over_is_not_believed", func(t *testing.T) {
		t.Parallel()
		o := newTable(t)
		id, over, now := o.add(), uuid.New(), uuid.New()
		_, err := o.take(t.Context(), now)
		require.NoError(t, err)
		require.NoError(t, outbox.Record(t.Context(), o.db.Pool, over, []outbox.Outcome{outbox.Parked(id, busy)}))
		require.Equal(t, models.Sending, o.row(id).State)
		require.NoError(t, outbox.Record(t.Context(), o.db.Pool, now, []outbox.Outcome{outbox.Delivered(id, "00T1")}))
		require.NoError(t, outbox.Record(t.Context(), o.db.Pool, now, []outbox.Outcome{outbox.Parked(id, busy)}))
		require.Equal(t, models.Delivered, o.row(id).State, "what is done stays done")
	})

	t.Run("what_happened_outside_is_stored_while_the_program_stops", func(t *testing.T) {
		t.Parallel()
		o := newTable(t)
		id, run := o.add(), uuid.New()
		_, err := o.take(t.Context(), run)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		require.NoError(t, outbox.Record(ctx, o.db.Pool, run, []outbox.Outcome{outbox.Delivered(id, "00T1")}))
		require.Equal(t, models.Delivered, o.row(id).State)
	})

	t.Run("with_what_stands_beside_it_or_not_at_all", func(t *testing.T) {
		t.Parallel()
		o := newTable(t)
		id, run := o.add(), uuid.New()
		_, err := o.take(t.Context(), run)
		require.NoError(t, err)
		err = outbox.Record(t.Context(), o.db.Pool, run, []outbox.Outcome{outbox.Delivered(id, "00T1")}, func(b *pgx.Batch) { b.Queue(`SELECT 1/0`) })
		require.Error(t, err)
		require.Equal(t, models.Sending, o.row(id).State)
	})

	t.Run("an_error_is_forgotten_once_it_went_well", func(t *testing.T) {
		t.Parallel()
		o := newTable(t)
		id, run := o.add(), uuid.New()
		for _, outcome := range []outbox.Outcome{outbox.Later(id, busy, 0), outbox.Delivered(id, "00T1")} {
			_, err := o.take(t.Context(), run)
			require.NoError(t, err)
			require.NoError(t, outbox.Record(t.Context(), o.db.Pool, run, []outbox.Outcome{outcome}))
		}
		require.Empty(t, o.row(id).Code)
		require.Equal(t, 2, o.row(id).Attempts)
	})
}

func TestAgain(t *testing.T) {
	t.Parallel()
	soon := failure.Failure{Retry: failure.Soon, Tries: 3, After: time.Minute}
	require.Equal(t, models.Pending, outbox.Again(1, 2, soon).State)
	require.GreaterOrEqual(t, outbox.Again(1, 2, soon).Wait, time.Minute, "no sooner than they ask")
	require.Equal(t, models.Failed, outbox.Again(1, 3, soon).State, "so often and no more")
	require.Equal(t, models.Pending, outbox.Again(1, 1000, failure.Failure{Retry: failure.Soon}).State, "without a number, for as long as it takes")
	require.Equal(t, time.Hour, outbox.Again(1, 1000, failure.Failure{Retry: failure.Slow}).Wait)
	require.Equal(t, models.Failed, outbox.Again(1, 1, failure.Failure{Retry: failure.Never}).State)
}

func TestBackoffGrowsAndHasAnEnd(t *testing.T) {
	t.Parallel()
	for attempts, most := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 10: 5 * time.Minute, 1000: 5 * time.Minute} {
		for range 200 {
			wait := outbox.Backoff(attempts)
			require.GreaterOrEqual(t, wait, most/10, "%d", attempts)
			require.LessOrEqual(t, wait, most+most/10, "%d", attempts)
		}
	}
}

func TestHalve(t *testing.T) {
	t.Parallel()
	unsent := func(id int64) outbox.Outcome { return outbox.Unsent(id, 0) }

	t.Run("the_row_to_blame_stands_alone_in_the_end", func(t *testing.T) {
		t.Parallel()
		var send func(rows []int64) ([]outbox.Outcome, error)
		send = func(rows []int64) ([]outbox.Outcome, error) {
			bad := false
			for _, id := range rows {
				bad = bad || id == 5
			}
			switch {
			case !bad:
				return outbox.ForAll(rows, func(id int64) outbox.Outcome { return outbox.Delivered(id, "x") }), nil
			case len(rows) == 1:
				return []outbox.Outcome{outbox.Parked(rows[0], failure.Failure{})}, nil
			}
			return outbox.Halve(rows, unsent, send)
		}
		outcomes, err := send([]int64{1, 2, 3, 4, 5, 6, 7})
		require.NoError(t, err)
		states := map[int64]models.DeliveryState{}
		for _, o := range outcomes {
			states[o.ID] = o.State
		}
		d := models.Delivered
		require.Equal(t, map[int64]models.DeliveryState{1: d, 2: d, 3: d, 4: d, 5: models.Failed, 6: d, 7: d}, states)
		require.Len(t, outcomes, 7)
	})

	t.Run("what_ends_the_first_half_ends_the_second", func(t *testing.T) {
		t.Parallel()
		over := errors.New("the quota is spent")
		outcomes, err := outbox.Halve([]int64{1, 2, 3}, unsent, func(rows []int64) ([]outbox.Outcome, error) {
			return outbox.ForAll(rows, unsent), over
		})
		require.ErrorIs(t, err, over)
		require.Len(t, outcomes, 3, "each has an outcome")
		for _, o := range outcomes {
			require.True(t, o.Unsent)
		}
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	one, two, waiting, held, done := o.add(), o.add(), o.add(), o.add(), o.add()
	set := func(id int64, set string) {
		_, err := o.db.Pool.Exec(t.Context(), `UPDATE deliveries SET `+set+` WHERE id = $1`, id)
		require.NoError(t, err)
	}
	set(one, `state = 'failed', error_code = 'A'`)
	set(two, `state = 'failed', error_code = 'B'`)
	set(waiting, `error_code = 'A', due_at = now() + interval '1 hour'`)
	set(held, `hold = 'record'`)
	set(done, `state = 'delivered'`)
	retry := func(w outbox.Which) int64 {
		n, err := outbox.Retry(t.Context(), o.db.Pool, w)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, retry(outbox.Which{ID: done}), "what is there is not sent again")
	require.Zero(t, retry(outbox.Which{Destination: models.ToMarketo}))
	code := "A"
	require.EqualValues(t, 2, retry(outbox.Which{Destination: models.ToSalesforce, Code: &code}), "what waits for its next try goes too")
	require.Equal(t, models.Pending, o.row(one).State)
	require.LessOrEqual(t, o.row(waiting).Wait, time.Duration(0))
	require.Equal(t, models.Failed, o.row(two).State)
	require.EqualValues(t, 1, retry(outbox.Which{ID: two}))
	require.Equal(t, models.Delivered, o.row(done).State)
}
