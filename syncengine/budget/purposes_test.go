package budget_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/budget"
)

var (
	declared = regexp.MustCompile(`(?m)^\t(\w+) +Purpose = "(.+?)"`)
	named    = regexp.MustCompile(`\bbudget\.([A-Z]\w+)`)
	spelled  = regexp.MustCompile(`\bbudget\.For\w*\([^,"]+, "|\bPurpose: +"|\bbudget\.Purpose\("`)
)

// TestPurposesAreInTheTable reads the program: each constant has a line in the table and
// a place that uses it, and no package spells a purpose as a text of its own.
func TestPurposesAreInTheTable(t *testing.T) {
	t.Parallel()
	used := map[string]bool{"Other": true} // by calls whose context names no purpose
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range named.FindAllSubmatch(text, -1) {
			used[string(name[1])] = true
		}
		require.Empty(t, string(spelled.Find(text)), "%s spells a purpose: use the constant", path)
		return err
	})
	require.NoError(t, err)
	source, err := os.ReadFile("purposes.go")
	require.NoError(t, err)
	constants := declared.FindAllSubmatch(source, -1)
	require.Len(t, budget.Classes, len(constants))
	for _, constant := range constants {
		require.Contains(t, budget.Classes, budget.Purpose(constant[2]), "%s is in no class", constant[1])
		require.True(t, used[string(constant[1])], "nothing uses %s", constant[1])
	}
}

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
