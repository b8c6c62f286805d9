package web

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

func TestFailedTasksAndOptOutsAreInDiagnostics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	b.logEmails()
	on := true
	require.NoError(t, b.engine.ChangeLogging(t.Context(), syncengine.LoggingChange{Tasks: &on}, "cli"))
	activity := b.record(email(1, "One"))[0]
	task, gone := b.remind(2, "Call back"), b.unsubscribe(3, models.ByAPI)
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE deliveries SET `+failedForAField+` WHERE destination = 'salesforce'`)
	require.NoError(t, err)

	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	admin.get("/settings/diagnostics").says("3 deliveries of 3 people")
	page := admin.get("/settings/diagnostics/failures?destination=salesforce&code=REQUIRED_FIELD_MISSING").
		says("Reminder task").says("Opt-out").says("Send Sales Email").says("Person 0002").says("Person 0003").says("rita@example.com")
	for _, url := range []string{"/activity/" + activity.String(), "/tasks/" + task.ID.String(), "/people/3"} {
		require.NotZero(t, page.doc.Find("tbody td:first-child a[href='"+url+"']").Length(), url)
	}
	export := admin.get("/settings/diagnostics.csv").body
	require.Contains(t, export, task.ID.String())
	require.Contains(t, export, ",reminder_task,")
	require.Contains(t, export, ",opt_out,")
	require.Contains(t, export, ","+id(gone.ID)+"\n")
	page.post("/settings/diagnostics/retry").redirects("/settings/diagnostics")
	var failed int64
	require.NoError(t, b.db.Gorm.Raw(`SELECT count(*) FROM deliveries WHERE state = 'failed'`).Scan(&failed).Error)
	require.Zero(t, failed)
	require.Equal(t, 1, admin.get("/settings/diagnostics/codes?q=no_opt_out_field").doc.Find("tbody tr").Length())
	admin.get("/settings/diagnostics/codes?q=NOT_FOUND").says("reminder task")
}
