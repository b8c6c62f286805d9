package outbox

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"salesactions/clock"
	"salesactions/models"
)

var real = clockwork.NewRealClock()

type laneFunc func(ctx context.Context) (int, error)

func (f laneFunc) Round(ctx context.Context, _ uuid.UUID) (int, error) { return f(ctx) }

// driven runs lanes to their end.
func driven(ctx context.Context, linger time.Duration, lanes ...Lane) error {
	group, working := errgroup.WithContext(ctx)
	o := New(nil, clockwork.NewRealClock()) // synctest's, in its bubble
	ending := &ending{clock: o.clock, linger: linger, moved: time.Now()}
	d := o.NewDeliverer(models.ToMarketo, Config{}, nil)
	for _, l := range lanes {
		group.Go(func() error { return d.drive(working, l, uuid.New(), ending) })
	}
	return group.Wait()
}

func TestLanes(t *testing.T) {
	t.Parallel()

	t.Run("one_without_work_stays_as_long_as_another_has_some", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			looked := 0
			busy := laneFunc(func(ctx context.Context) (int, error) {
				if time.Since(began) > 30*time.Second {
					return 0, nil
				}
				return 1, clock.Sleep(ctx, real, 100*time.Millisecond)
			})
			late := laneFunc(func(context.Context) (int, error) {
				if time.Since(began) > 20*time.Second && looked == 0 {
					looked++
					return 1, nil
				}
				return 0, nil
			})
			require.NoError(t, driven(t.Context(), 5*time.Second, busy, late))
			require.Equal(t, 1, looked)
			require.InDelta(t, 35, time.Since(began).Seconds(), 1, "both end together")
		})
	})

	t.Run("one_in_a_long_call_keeps_the_others", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			called := false
			slow := laneFunc(func(ctx context.Context) (int, error) {
				if called {
					return 0, nil
				}
				called = true
				return 1, clock.Sleep(ctx, real, time.Minute)
			})
			var last time.Duration
			other := laneFunc(func(context.Context) (int, error) { last = time.Since(began); return 0, nil })
			require.NoError(t, driven(t.Context(), 5*time.Second, slow, other))
			require.Greater(t, last, time.Minute)
		})
	})

	t.Run("at_the_end_of_their_time_they_take_up_nothing_and_end_what_they_began", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var begun, ended atomic.Int64
			lane := laneFunc(func(ctx context.Context) (int, error) {
				begun.Add(1)
				if err := clock.Sleep(ctx, real, 40*time.Second); err != nil { // a call
					return 0, err
				}
				ended.Add(1)
				return 1, nil
			})
			require.NoError(t, driven(Until(t.Context(), real, time.Minute), 5*time.Second, lane))
			require.EqualValues(t, 2, begun.Load())
			require.EqualValues(t, 2, ended.Load(), "the call was not cut")
			n, err := (&Pace{}).Ready(Until(t.Context(), real, 0))
			require.NoError(t, err)
			require.Zero(t, n, "nothing is claimed any more")
		})
	})
}
