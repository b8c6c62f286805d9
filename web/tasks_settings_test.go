package web

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

// remind adds a reminder task about a person, and has it wait for Salesforce.
func (b *bundle) remind(person int64, name string) models.Task {
	b.t.Helper()
	kind, rep := models.TaskCall, "rita@example.com"
	task, err := b.engine.CreateTask(b.t.Context(), syncengine.TaskFields{Kind: &kind, Name: &name, Rep: &rep}, syncengine.PersonRef{PersonID: person}, "user:rita@example.com")
	require.NoError(b.t, err)
	return task
}

func TestTheSyncOfTasksIsSwitchedAndAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(1)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/tasks").status(http.StatusOK).says("Salesforce is not connected").says("It was never on so far.").
		says("in the last 24 hours are imported").says("in the last 15 days").says("Low stays in Salesforce")
	require.Equal(t, "false", page.doc.Find("#switch-sync").AttrOr("aria-checked", ""), "nothing is sent unless an admin says so")
	require.Zero(t, page.doc.Find("form[action='/settings/tasks/pull']").Length())
	page.post("/settings/tasks/pull").redirects("/settings/tasks")
	admin.get("/settings/tasks").says("Switch the sync on first.")

	page.submit("form[action='/settings/tasks/sync']").redirects("/settings/tasks")
	page = admin.get("/settings/tasks").says("Saved.")
	page.submit("form[action='/settings/tasks/pull']").redirects("/settings/tasks")
	require.Equal(t, "true", admin.get("/settings/logging").doc.Find("#switch-tasks").AttrOr("aria-checked", ""), "one choice in two places")

	b.remind(1, "Call back")
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE deliveries SET `+failedForAField+` WHERE task_id IS NOT NULL`)
	require.NoError(t, err)
	_, err = b.db.Pool.Exec(t.Context(), `INSERT INTO salesforce_cursors (stream, read_to, switched_on) VALUES ('tasks', now(), now())`)
	require.NoError(t, err)
	page = admin.get("/settings/tasks").says("some failed").says("1 task did not arrive").says("last read")
	require.Equal(t, 1, page.doc.Find("#task-sync a[href='/settings/diagnostics']").Length())

	admin.header.Set("HX-Request", "true")
	part := page.submit("form[action='/settings/tasks/sync']").status(http.StatusOK).says("Saved.")
	require.Equal(t, "false", part.doc.Find("#switch-sync").AttrOr("aria-checked", ""))
	admin.header.Del("HX-Request")
	admin.get("/settings/tasks").says("It was on before.")
	admin.get("/settings/audit?action=logging.change").says("reminder tasks in step with Salesforce: yes").says("reminder tasks in step with Salesforce: no")
}
