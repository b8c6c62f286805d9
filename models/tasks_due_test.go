package models_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestListDueTasks(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	today := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	o.task("late", rita, "2026-03-09", "")
	o.task("later still", rita, "2026-02-01", "")
	o.task("now", rita, "2026-03-10", "")
	o.task("now and urgent", rita, "2026-03-10", "priority = 'high'")
	o.task("soon", rita, "2026-03-11", "")
	o.task("in two days", rita, "2026-03-12", "")
	o.task("some day", rita, "", "")
	o.task("done", rita, "2026-03-10", "status = 'complete', completed_at = now()")
	o.task("gone", rita, "2026-03-10", "deleted_at = now()")
	o.task("another's", "otto@example.com", "2026-03-10", "")
	names := func(s models.TaskShare) []string {
		var names []string
		for _, task := range s.Tasks {
			names = append(names, task.Name)
		}
		return names
	}

	due, err := models.ListDueTasks(t.Context(), o.db.Gorm, rita, today, 10)
	require.NoError(t, err)
	require.Equal(t, []string{"later still", "late"}, names(due.Overdue))
	require.Equal(t, []string{"now and urgent", "now"}, names(due.Today))
	require.Equal(t, []string{"soon"}, names(due.Tomorrow))
	require.Equal(t, "Person 1", due.Today.Tasks[0].PersonName)

	t.Run("each part has a limit of its own", func(t *testing.T) {
		due, err := models.ListDueTasks(t.Context(), o.db.Gorm, rita, today, 1)
		require.NoError(t, err)
		require.Equal(t, []string{"later still"}, names(due.Overdue))
		require.EqualValues(t, 2, due.Overdue.Total)
		require.Equal(t, []string{"soon"}, names(due.Tomorrow))
	})
}
