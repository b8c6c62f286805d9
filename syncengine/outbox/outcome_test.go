package outbox_test

import (
	"context"
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
		outcome func(c outbox.Claimed) outbox.Outcome
		want    row
	}{
		"delivered": {func(c outbox.Claimed) outbox.Outcome { return outbox.Delivered(c, "00T1") }, row{State: models.Delivered, Attempts: 1, Remote: "00T1"}},
		"skipped":   {func(c outbox.Claimed) outbox.Outcome { return outbox.Skipped(c, models.SkippedOff) }, row{State: models.Skipped, Attempts: 1}},
		"parked":    {func(c outbox.Claimed) outbox.Outcome { return outbox.Parked(c, busy) }, row{State: models.Failed, Attempts: 1, Code: busy.Code, Class: string(busy.Class)}},
		"later":     {func(c outbox.Claimed) outbox.Outcome { return outbox.Later(c, busy, time.Hour) }, row{State: models.Pending, Attempts: 1, Code: busy.Code, Class: string(busy.Class), Wait: time.Hour}},
		"unsent":    {func(c outbox.Claimed) outbox.Outcome { return outbox.Unsent(c, 0) }, row{State: models.Pending}},
		"unknown":   {func(c outbox.Claimed) outbox.Outcome { return outbox.Unknown(c, time.Minute) }, row{State: models.Sending, Attempts: 1, Wait: time.Minute}},
		"looked_in_vain": {func(c outbox.Claimed) outbox.Outcome {
			return outbox.Outcome{ID: c.ID, State: models.Sending, Looked: true}
		}, row{State: models.Sending, Attempts: 1, Looks: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newTable(t)
			id, run := o.add(), uuid.New()
			o.record(run, c.outcome(o.claim(run)))
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
		c := o.claim(now)
		o.record(over, outbox.Parked(c, busy))
		require.Equal(t, models.Sending, o.row(id).State)
		o.record(now, outbox.Delivered(c, "00T1"))
		o.record(now, outbox.Parked(c, busy))
		require.Equal(t, models.Delivered, o.row(id).State, "what is done stays done")
	})

	t.Run("what_happened_outside_is_stored_while_the_program_stops", func(t *testing.T) {
		t.Parallel()
		o := newTable(t)
		id, run := o.add(), uuid.New()
		c := o.claim(run)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		require.NoError(t, o.outbox.Record(ctx, run, []outbox.Outcome{outbox.Delivered(c, "00T1")}))
		require.Equal(t, models.Delivered, o.row(id).State)
	})

	t.Run("with_what_stands_beside_it_or_not_at_all", func(t *testing.T) {
		t.Parallel()
		o := newTable(t)
		id, run := o.add(), uuid.New()
		c := o.claim(run)
		err := o.outbox.Record(t.Context(), run, []outbox.Outcome{outbox.Delivered(c, "00T1")}, func(b *pgx.Batch) { b.Queue(`SELECT 1/0`) })
		require.Error(t, err)
		require.Equal(t, models.Sending, o.row(id).State)
	})

	t.Run("an_error_is_forgotten_once_it_went_well", func(t *testing.T) {
		t.Parallel()
		o := newTable(t)
		id, run := o.add(), uuid.New()
		o.record(run, outbox.Later(o.claim(run), busy, 0))
		o.record(run, outbox.Delivered(o.claim(run), "00T1"))
		require.Empty(t, o.row(id).Code)
		require.Equal(t, 2, o.row(id).Attempts)
	})
}

// tried is a delivery that was tried so often with an error, this attempt left out.
func tried(times int) outbox.Claimed {
	return outbox.Claimed{ID: 1, ErrorCode: "X", ErrorTimes: times - 1}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	refused := func(times int, what failure.Failure) outbox.Outcome {
		what.Code = "X"
		return outbox.Refused(tried(times), what, 1, false)
	}
	soon := failure.Failure{Retry: failure.Soon, Tries: 3, After: time.Minute}
	require.Equal(t, models.Pending, refused(2, soon).State)
	require.GreaterOrEqual(t, refused(2, soon).Wait, time.Minute, "no sooner than they ask")
	require.Equal(t, models.Failed, refused(3, soon).State, "so often and no more")
	require.Equal(t, models.Pending, refused(1000, failure.Failure{Retry: failure.Soon}).State, "without a number, for as long as it takes")
	require.Equal(t, time.Hour, refused(1000, failure.Failure{Retry: failure.Slow}).Wait)
	require.Equal(t, models.Failed, refused(1, failure.Failure{Retry: failure.Never}).State)

	another := outbox.Refused(tried(9), failure.Failure{Code: "Y", Retry: failure.Soon, Tries: 3}, 1, false)
	require.Equal(t, models.Pending, another.State, "another error begins again")

	mended := failure.Failure{Code: "X", Retry: failure.Never, Heal: failure.HealDropField}
	require.Equal(t, models.Pending, outbox.Refused(tried(outbox.HealAttempts-1), mended, 1, true).State, "what was mended is tried again")
	require.Equal(t, models.Failed, outbox.Refused(tried(outbox.HealAttempts), mended, 1, true).State, "but not for ever")

	tooMany := failure.Failure{Code: "X", Retry: failure.Never, Heal: failure.HealSmallerBatch}
	require.Equal(t, models.Pending, outbox.Refused(tried(9), tooMany, 2, false).State, "fewer may fit")
	require.Equal(t, models.Failed, outbox.Refused(tried(9), tooMany, 1, false).State)
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
	retry := func(f outbox.Failed) int64 {
		n, err := o.outbox.Retry(t.Context(), f)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, retry(outbox.Failed{ID: done}), "what is there is not sent again")
	require.Zero(t, retry(outbox.Failed{Destination: models.ToMarketo}))
	code := "A"
	require.EqualValues(t, 2, retry(outbox.Failed{Destination: models.ToSalesforce, Code: &code}), "what waits for its next try goes too")
	require.Equal(t, models.Pending, o.row(one).State)
	require.LessOrEqual(t, o.row(waiting).Wait, time.Duration(0))
	require.Equal(t, models.Failed, o.row(two).State)
	require.EqualValues(t, 1, retry(outbox.Failed{ID: two}))
	require.Equal(t, models.Delivered, o.row(done).State)
}
