package outbox_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

func TestInTurn(t *testing.T) {
	t.Parallel()
	run := uuid.New()
	var order []string
	lane := func(name string, moved int, err error) outbox.Lane {
		return laneFunc(func(_ context.Context, by uuid.UUID) (int, error) {
			require.Equal(t, run, by)
			order = append(order, name)
			return moved, err
		})
	}
	broken := errors.New("broken")

	moved, err := outbox.InTurn(lane("a", 2, nil), lane("b", 0, nil), lane("c", 3, nil)).Round(t.Context(), run)
	require.NoError(t, err)
	require.Equal(t, 5, moved, "all that were moved count")
	require.Equal(t, []string{"a", "b", "c"}, order, "in the order given")

	order = nil
	moved, err = outbox.InTurn(lane("a", 2, nil), lane("b", 1, broken), lane("c", 3, nil)).Round(t.Context(), run)
	require.ErrorIs(t, err, broken)
	require.Equal(t, 3, moved, "what was moved before it broke counts too")
	require.Equal(t, []string{"a", "b"}, order, "nothing goes after it")

	moved, err = outbox.InTurn().Round(t.Context(), run)
	require.NoError(t, err)
	require.Zero(t, moved)
}

func TestLanesInTurnAreNeverAtWorkTogetherAndOthersAre(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	o.add()
	var locking, most atomic.Int32
	var rounds sync.WaitGroup
	rounds.Add(2)
	lock := func() outbox.Lane {
		var once sync.Once
		return laneFunc(func(context.Context, uuid.UUID) (int, error) {
			if n := locking.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer locking.Add(-1)
			once.Do(rounds.Done)
			return 0, nil
		})
	}
	beside := laneFunc(func(ctx context.Context, run uuid.UUID) (int, error) {
		rounds.Wait() // until each of the others had its turn, beside this one
		return o.delivering()(ctx, run)
	})
	require.NoError(t, o.deliverer(quick(), ready, outbox.InTurn(lock(), lock()), beside).Run(t.Context()))
	require.EqualValues(t, 1, most.Load())
}

func TestARunDeliversWhatIsDueAndWhatComesMeanwhile(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	first := o.add()
	var second int64
	lane := laneFunc(func(ctx context.Context, run uuid.UUID) (int, error) {
		n, err := o.delivering()(ctx, run)
		if n > 0 && second == 0 {
			second = o.add()
		}
		return n, err
	})
	require.NoError(t, o.deliverer(quick(), ready, lane).Run(t.Context()))
	for _, id := range []int64{first, second} {
		require.Equal(t, models.Delivered, o.row(id).State)
	}
}

func TestARunWithNothingDueCallsNobody(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	asked := false
	prepare := func(context.Context) error {
		asked = true
		return nil
	}
	d := o.deliverer(quick(), prepare, o.delivering())
	require.NoError(t, d.Run(t.Context()))
	id := o.add()
	for _, waits := range []string{`hold = 'record'`, `hold = NULL, due_at = now() + interval '1 hour'`, `state = 'failed', due_at = now()`} {
		_, err := o.db.Pool.Exec(t.Context(), `UPDATE deliveries SET `+waits+` WHERE id = $1`, id)
		require.NoError(t, err)
		require.NoError(t, d.Run(t.Context()))
		require.False(t, asked, waits)
	}
	_, err := o.outbox.Retry(t.Context(), outbox.Failed{ID: id})
	require.NoError(t, err)
	require.NoError(t, d.Run(t.Context()))
	require.True(t, asked)
	require.Equal(t, models.Delivered, o.row(id).State)
}

func TestOneRunAtATimeAcrossReplicas(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	o.add()
	inside, leave := make(chan struct{}), make(chan struct{})
	slow := laneFunc(func(ctx context.Context, run uuid.UUID) (int, error) {
		select {
		case inside <- struct{}{}:
			<-leave
		default:
		}
		return o.delivering()(ctx, run)
	})
	first := o.deliverer(quick(), ready, slow)
	done := make(chan error, 1)
	go func() { done <- first.Run(t.Context()) }()
	<-inside
	require.True(t, first.Running())
	never := laneFunc(func(context.Context, uuid.UUID) (int, error) { return 0, errors.New("two runs at once") })
	require.NoError(t, o.deliverer(quick(), ready, never).Run(t.Context()), "it leaves the work to the other")
	require.False(t, o.paused())
	close(leave)
	require.NoError(t, <-done)
	require.False(t, first.Running())
}

func TestAnErrorPausesAndAPausedDestinationIsLeftAlone(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	id := o.add()
	tries := 0
	lane := laneFunc(func(context.Context, uuid.UUID) (int, error) {
		tries++
		return 0, why("broken")
	})
	d := o.deliverer(quick(), ready, lane)
	require.NoError(t, d.Run(t.Context()), "it is shown, not returned")
	code, _, _ := o.pause()
	require.Equal(t, "broken", code)
	require.NoError(t, d.Run(t.Context()))
	require.Equal(t, 1, tries, "until its time comes")
	require.Equal(t, models.Pending, o.row(id).State)

	o.earlier(time.Minute)
	require.NoError(t, d.Run(t.Context()))
	require.Equal(t, 2, tries)
}

func TestAPreparationThatFailsPauses(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	o.add()
	prepare := func(context.Context) error { return why("not_connected") }
	never := laneFunc(func(context.Context, uuid.UUID) (int, error) { return 0, errors.New("nothing was prepared") })
	require.NoError(t, o.deliverer(quick(), prepare, never).Run(t.Context()))
	code, _, _ := o.pause()
	require.Equal(t, "not_connected", code)
}

func TestARunThatIsStoppedPausesNothing(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	o.add()
	ctx, stop := context.WithCancel(t.Context())
	lane := laneFunc(func(ctx context.Context, _ uuid.UUID) (int, error) {
		stop()
		return 0, ctx.Err()
	})
	require.NoError(t, o.deliverer(quick(), ready, lane).Run(ctx))
	require.False(t, o.paused())
	var leases int
	require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM leases`).Scan(&leases))
	require.Zero(t, leases, "the next run can begin at once")
}

func TestARunThatLostItsLeaseEnds(t *testing.T) {
	t.Parallel()
	o := newTable(t)
	o.add()
	config := quick()
	config.Lease = 200 * time.Millisecond
	lane := laneFunc(func(ctx context.Context, _ uuid.UUID) (int, error) {
		if _, err := o.db.Pool.Exec(ctx, `UPDATE leases SET holder = 'another', expires_at = clock_timestamp() + interval '1 hour'`); err != nil {
			return 0, err
		}
		<-ctx.Done() // as a call that is under way would
		return 0, ctx.Err()
	})
	require.NoError(t, o.deliverer(config, ready, lane).Run(t.Context()))
	require.False(t, o.paused(), "the other one delivers")
	var holder string
	require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT holder FROM leases`).Scan(&holder))
	require.Equal(t, "another", holder)
}

func TestARunTakesOverWhatAnotherLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		operation models.Operation
		columns   string // that the other run had set
		want      models.DeliveryState
	}{
		{"a_creation_is_looked_for", models.Create, `scheme = 'key'`, models.Sending},
		{"a_creation_that_was_not_noted_is_looked_for_in_Marketo", models.Create, `scheme = NULL`, models.Sending},
		{"a_change_is_made_again", models.Update, `scheme = NULL`, models.Pending},
		{"an_opt_out_is_made_again", models.OptOut, `scheme = NULL`, models.Pending},
		{"a_task_that_was_being_created_is_looked_for", models.Sync, `scheme = 'key'`, models.Sending},
		{"a_task_that_was_not_noted_as_sent_is_sent", models.Sync, `scheme = NULL`, models.Pending},
		{"a_change_of_a_task_is_read_again_and_made", models.Sync, `scheme = 'key', remote_id = '00T1'`, models.Pending},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newTable(t)
			id := o.addTo(outbox.Queue{To: models.ToSalesforce, Operation: c.operation})
			other, later := uuid.New(), time.Now().Add(time.Hour)
			_, err := o.db.Pool.Exec(t.Context(), `UPDATE deliveries SET state = 'sending', sender = $1, due_at = $2, `+c.columns, other, later)
			require.NoError(t, err)
			require.NoError(t, o.outbox.Reclaim(t.Context(), other, models.ToSalesforce))
			require.Equal(t, &other, o.row(id).Sender, "what is its own it keeps")
			require.NoError(t, o.outbox.Reclaim(t.Context(), uuid.New(), models.ToMarketo))
			require.Equal(t, &other, o.row(id).Sender, "and what is for another system")

			require.NoError(t, o.outbox.Reclaim(t.Context(), uuid.New(), models.ToSalesforce))
			got := o.row(id)
			require.Equal(t, c.want, got.State)
			require.Nil(t, got.Sender)
			require.LessOrEqual(t, got.Wait, time.Duration(0), "at once")
		})
	}
}

// TestWhatARequeuedDeliveryForgets: with an error that is over, a pending delivery would
// be listed as one that is tried again.
func TestWhatARequeuedDeliveryForgets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reset    outbox.Reset
		attempts int
		code     string
	}{{outbox.Fresh, 0, ""}, {outbox.Again, 3, "X"}} {
		t.Run(string(c.reset), func(t *testing.T) {
			t.Parallel()
			o := newTable(t)
			id := o.add()
			for _, state := range []string{`'pending', reason = NULL`, `'failed', reason = NULL`, `'delivered', reason = NULL`, `'skipped', reason = 'cleared'`} {
				_, err := o.db.Pool.Exec(t.Context(), `UPDATE deliveries SET state = `+state+`, attempts = 3, error_code = 'X', error_class = 'other', error_text = 'X', error_remedy = 'X',
					error_times = 3, looks = 2, doubts = 4, doubts_left = 1, doubted_at = now(), due_at = now() + interval '1 hour'`)
				require.NoError(t, err)
				n, err := o.outbox.Requeue(outbox.These(id), c.reset, "").Exec(t.Context(), o.db.Pool)
				require.NoError(t, err)
				require.EqualValues(t, 1, n)
				got := o.row(id)
				require.LessOrEqual(t, got.Wait, time.Duration(0), "due now")
				got.Wait = 0
				require.Equal(t, row{State: models.Pending, Attempts: c.attempts, Code: c.code, Class: map[string]string{"X": "other"}[c.code]}, got)
				var doubted, counts bool
				require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT doubted_at IS NOT NULL, error_times + doubts + looks = 0 AND doubts_left IS NULL FROM deliveries`).Scan(&doubted, &counts))
				require.True(t, doubted, "it may be there all the same")
				require.True(t, counts, "counters begin again")
			}
			_, err := o.db.Pool.Exec(t.Context(), `UPDATE deliveries SET state = 'sending'`)
			require.NoError(t, err)
			n, err := o.outbox.Requeue(outbox.These(id), c.reset, "").Exec(t.Context(), o.db.Pool)
			require.NoError(t, err)
			require.Zero(t, n, "what is being sent is the run's")
		})
	}
}
