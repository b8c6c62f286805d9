package budget_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
)

func TestPace(t *testing.T) {
	t.Parallel()

	t.Run("replicas_and_restarts_share_one_clock", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			var sent journal
			l := limits()
			l.Rate, l.Window = 20, time.Second
			var group sync.WaitGroup
			for _, holder := range []string{"a", "b", "c"} { // c starts while a and b have used the allowance
				for range 10 {
					group.Go(func() {
						b, err := budget.New(t.Context(), w.pool, newWrongClock(0), holder, l)
						if err == nil {
							err = call(t.Context(), b, sent.system())
						}
						if err != nil {
							t.Error(err)
						}
					})
				}
			}
			group.Wait()
			require.Len(t, sent.arrivals, 30)
			require.LessOrEqual(t, sent.mostWithin(time.Second), 20)
			// 30 calls at 20 a second, spaced evenly, take 29 spaces.
			require.GreaterOrEqual(t, sent.arrivals[29].Sub(sent.arrivals[0]), 29*51*time.Millisecond)
		})
	})

	t.Run("people_who_wait_take_the_next_tick_before_background_work_that_waits", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			var background, people journal
			l := limits()
			l.Rate, l.Concurrency = 80, 6
			const tick = 255 * time.Millisecond
			ctx, cancel := context.WithCancel(t.Context())
			var group sync.WaitGroup
			began := time.Now()
			for _, holder := range []string{"a", "b"} {
				w.workers(ctx, &group, 8, w.budget(holder, l), background.system()) // always more than may be in flight
			}
			b := w.budget("c", l)
			for n := range 5 {
				w.pass(3*tick + time.Duration(n)*50*time.Millisecond)
				asked := time.Now()
				require.NoError(t, call(asUser(t.Context()), b, people.system()))
				require.LessOrEqual(t, background.between(asked, people.arrivals[n]), 1, "at most the one that was on its way")
			}
			ticks := int(time.Since(began) / tick)
			cancel()
			group.Wait()
			require.GreaterOrEqual(t, len(background.arrivals)+len(people.arrivals), ticks, "background work that waits loses no tick")
		})
	})
}

// TestWrongClocks: neither replicas whose clocks differ nor a clock that steps make the
// program exceed what it allows itself.
func TestWrongClocks(t *testing.T) {
	t.Parallel()
	l := limits()
	l.Rate, l.Concurrency, l.Daily = 50, 5, 1_000_000
	const step = 5 * time.Second

	// work lets two replicas call for some windows, and changes a clock four times.
	work := func(t *testing.T, w *world, change func(n int, b *wrongClock)) *journal {
		sent := &journal{takes: func() time.Duration { return rand.N(3 * time.Second) }}
		ahead, right := newWrongClock(step), newWrongClock(0)
		one, other := w.budgetAt(right, "a", l), w.budgetAt(ahead, "b", l)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, b := range []*budget.Budget{one, other} {
			w.workers(ctx, &group, 6, b, sent.system())
			w.workers(asUser(ctx), &group, 1, b, sent.system())
		}
		for n := range 4 {
			change(n, ahead)
			w.pass(25 * time.Second)
		}
		cancel()
		group.Wait()
		require.LessOrEqual(t, sent.most, l.Concurrency)
		require.Greater(t, sent.mostWithin(l.Window), l.Rate*8/10, "they use what they may")
		return sent
	}

	t.Run("replicas_whose_clocks_differ_and_step_keep_the_rate_and_the_places", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			sent := work(t, w, func(n int, b *wrongClock) {
				b.step([]time.Duration{0, step, -4 * step, 24 * time.Hour}[n])
			})
			require.LessOrEqual(t, sent.mostWithin(l.Window), l.Rate)
		})
	})

	t.Run("a_shared_clock_that_is_put_back_makes_calls_wait", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			sent := work(t, w, func(n int, _ *wrongClock) {
				w.step.Store(int64([]time.Duration{0, -step, 0, -step}[n]))
			})
			require.LessOrEqual(t, sent.mostWithin(l.Window), l.Rate)
		})
	})

	t.Run("a_shared_clock_that_jumps_ahead_adds_no_more_than_the_calls_that_wait_for_their_tick", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			sent := work(t, w, func(n int, _ *wrongClock) {
				w.step.Store(int64(time.Duration(n) * step))
			})
			require.LessOrEqual(t, sent.mostWithin(l.Window), l.Rate+l.Concurrency)
		})
	})
}
