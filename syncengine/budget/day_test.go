package budget_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
)

func TestDay(t *testing.T) {
	t.Parallel()

	t.Run("background_work_leaves_the_reserve_to_people_who_wait", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			l := limits()
			l.Daily, l.Reserve = 5, 2
			b := w.budget("a", l)
			for range 3 {
				require.NoError(t, call(t.Context(), b, nil))
			}
			var spent *budget.SpentError
			require.ErrorAs(t, call(t.Context(), b, nil), &spent)
			require.True(t, spent.Ours)
			require.True(t, spent.Until.Equal(time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)))
			require.NoError(t, call(asUser(t.Context()), b, nil))
			require.NoError(t, call(asUser(t.Context()), b, nil))
			require.ErrorAs(t, call(asUser(t.Context()), b, nil), &spent)

			usage, err := b.Usage(t.Context())
			require.NoError(t, err)
			require.Equal(t, int64(5), usage.Calls)
			require.Equal(t, []budget.PurposeCalls{{Purpose: "other", Calls: 3}, {Purpose: "smart grid", Calls: 2}}, usage.ByPurpose)
		})
	})

	t.Run("replicas_whose_clocks_differ_agree_on_midnight", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			midnight, l := w.untilMidnight(15 * time.Second)
			var sent journal
			w.twoReplicas(l, 30*time.Second, &sent)
			require.Equal(t, int(l.Daily), sent.between(midnight.Add(-time.Hour), midnight))
			require.Equal(t, int(l.Daily), sent.between(midnight, midnight.Add(time.Hour)))
			b := w.budget("c", l)
			usage, err := b.Usage(t.Context())
			require.NoError(t, err)
			require.Equal(t, midnight.Format(time.DateOnly), usage.Day)
			require.Equal(t, l.Daily, usage.Calls)
			var spent *budget.SpentError
			require.ErrorAs(t, call(asUser(t.Context()), b, nil), &spent)
			require.True(t, spent.Until.Equal(midnight.AddDate(0, 0, 1)))
		})
	})

	t.Run("a_shared_clock_that_steps_across_midnight_and_back_adds_to_no_day", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			_, l := w.untilMidnight(15 * time.Second)
			var sent journal
			w.twoReplicas(l, 13*time.Second, &sent)
			for _, step := range []time.Duration{5 * time.Second, 0, -5 * time.Second, 0} {
				w.step.Store(int64(step))
				w.twoReplicas(l, 4*time.Second, &sent)
			}
			w.twoReplicas(l, 15*time.Second, &sent)
			var most int64
			require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT max(calls)::bigint FROM (SELECT sum(calls) AS calls FROM api_usage GROUP BY day) AS days`).Scan(&most))
			require.Equal(t, l.Daily, most)
			require.LessOrEqual(t, len(sent.arrivals), 2*int(l.Daily), "two days were used up, and some calls gave up before they were sent")
		})
	})
}

// untilMidnight lets time pass until shortly before the next midnight of Marketo's zone.
// The limits that it returns allow in a day what takes ten seconds.
func (w *world) untilMidnight(before time.Duration) (time.Time, budget.Limits) {
	w.t.Helper()
	zone, err := time.LoadLocation("America/Chicago")
	require.NoError(w.t, err)
	l := limits()
	l.Zone, l.Rate, l.Daily = zone, 200, 100
	midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, zone)
	w.pass(time.Until(midnight.Add(-before)))
	return midnight, l
}

// twoReplicas lets replicas whose clocks are 5 s apart call for so long, people's calls
// among them.
func (w *world) twoReplicas(l budget.Limits, d time.Duration, sent *journal) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var group sync.WaitGroup
	for holder, ahead := range map[string]time.Duration{"a": -2 * time.Second, "b": 3 * time.Second} {
		b := w.budgetAt(newWrongClock(ahead), holder, l)
		w.workers(ctx, &group, 3, b, sent.system())
		w.workers(asUser(ctx), &group, 1, b, sent.system())
	}
	w.pass(d)
	cancel()
	group.Wait()
}
