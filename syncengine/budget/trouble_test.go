package budget_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
)

func TestTrouble(t *testing.T) {
	t.Parallel()

	t.Run("after_a_rate_error_nobody_calls_until_the_window_has_passed", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			var sent journal
			b, other := w.budget("a", limits()), w.budget("b", limits())
			require.NoError(t, b.Observe(t.Context(), budget.RateLimited))
			usage, err := other.Usage(t.Context())
			require.NoError(t, err)
			require.NotNil(t, usage.BlockedUntil)
			require.GreaterOrEqual(t, time.Until(*usage.BlockedUntil), 10*time.Second)
			require.LessOrEqual(t, time.Until(*usage.BlockedUntil), 20*time.Second)
			soon, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			defer cancel()
			require.ErrorIs(t, call(soon, other, sent.system()), context.DeadlineExceeded)
			require.Empty(t, sent.arrivals)
			require.NoError(t, call(t.Context(), other, sent.system()))
			require.False(t, sent.arrivals[0].Before(*usage.BlockedUntil))
			require.NoError(t, b.Observe(t.Context(), budget.RateLimited))
			require.NoError(t, b.Reset(t.Context()))
			again := time.Now()
			require.NoError(t, call(t.Context(), other, sent.system()))
			require.Less(t, time.Since(again), time.Second, "an admin who changed the connection need not wait")
		})
	})

	t.Run("several_broken_answers_in_a_row_open_the_breaker_and_a_good_one_closes_it", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			b := w.budget("a", limits())
			blocked := func() bool {
				usage, err := b.Usage(t.Context())
				require.NoError(t, err)
				return usage.BlockedUntil != nil
			}
			for range 4 {
				require.NoError(t, b.Observe(t.Context(), budget.Broken))
			}
			require.False(t, blocked())
			require.NoError(t, b.Observe(t.Context(), budget.Healthy))
			for range 4 {
				require.NoError(t, b.Observe(t.Context(), budget.Broken))
			}
			require.False(t, blocked())
			require.NoError(t, b.Observe(t.Context(), budget.Broken))
			require.True(t, blocked())
		})
	})

	t.Run("a_spent_quota_stops_all_calls_for_an_hour_at_most_and_says_until_when", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			b := w.budget("a", limits())
			var spent *budget.SpentError
			for _, c := range []struct{ passes, stops time.Duration }{{0, time.Hour}, {23*time.Hour + 40*time.Minute, 20 * time.Minute}} {
				w.pass(c.passes)
				require.NoError(t, b.Observe(t.Context(), budget.QuotaSpent))
				require.ErrorAs(t, call(t.Context(), b, nil), &spent)
				require.False(t, spent.Ours)
				require.Equal(t, c.stops, time.Until(spent.Until))
			}
			w.pass(20 * time.Minute)
			require.NoError(t, call(t.Context(), b, nil))
		})
	})
}
