package budget_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
)

// TestDeliveriesAndOptOutsOutliveExtracts walks the table of purposes: each class stops
// where its part of the day's budget ends, and people who wait outlive both others.
func TestDeliveriesAndOptOutsOutliveExtracts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := limits()
		l.Daily = 100
		b := w.budget("a", l)
		last := map[budget.Class]int{budget.Extract: 80, budget.Logging: 90, budget.Interactive: 100}
		for purpose, class := range budget.Classes {
			require.Contains(t, last, class, purpose)
			w.exec(`DELETE FROM api_usage`)
			w.exec(`INSERT INTO api_usage (system, day, purpose, calls) VALUES ('marketo', '2000-01-01', 'before', $1)`, last[class]-1)
			ctx := budget.For(t.Context(), purpose)
			require.NoError(t, call(ctx, b, nil), purpose)
			var spent *budget.SpentError
			require.ErrorAs(t, call(ctx, b, nil), &spent, purpose)
			var counted int
			require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT calls FROM api_usage WHERE purpose = $1`, string(purpose)).Scan(&counted))
			require.Equal(t, 1, counted, purpose)
		}
	})
}

func TestAUserWhoWaitsForBackgroundWorkGoesFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := limits()
		l.Daily = 100
		b := w.budget("a", l)
		w.exec(`INSERT INTO api_usage (system, day, purpose, calls) VALUES ('marketo', '2000-01-01', 'before', 95)`)
		require.Error(t, call(budget.For(t.Context(), budget.ActivityTypes), b, nil))
		require.NoError(t, call(budget.ForUser(t.Context(), budget.ActivityTypes), b, nil))
	})
}
