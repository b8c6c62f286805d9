package tasks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/tasks"
)

// withKey is an org with a key field.
func withKey() sandboxsalesforce.Config {
	return sandboxsalesforce.Config{KeyField: models.DefaultKeyField}
}

func TestATaskGoesToSalesforce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	id := w.create("Call Ada", func(f *tasks.Fields) {
		f.DueOn, f.Details, f.Priority = ptr("2026-12-24"), ptr("About the pilot.\nTwice."), ptr(models.TaskHigh)
	})
	w.quiet()
	theirs := w.theirs(id)
	require.Equal(t, "Call: Call Ada", theirs["Subject"], "through the template of logged activities")
	require.Equal(t, "Not Started", theirs["Status"])
	require.Equal(t, "High", theirs["Priority"])
	require.Equal(t, "2026-12-24", theirs["ActivityDate"])
	require.Equal(t, "About the pilot.\nTwice.", theirs["Description"])
	require.Equal(t, w.users[rita], theirs["OwnerId"])
	require.Equal(t, "Call", theirs["Type"])
	require.Equal(t, id.String(), theirs[models.DefaultKeyField])
}

func TestEditsTravelBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	id := w.create("Call Ada", nil)
	w.quiet()
	require.NoError(t, w.sync.Change(t.Context(), id, tasks.Fields{DueOn: ptr("2026-12-24"), Status: ptr(models.TaskComplete)}, "user:"+rita))
	w.quiet()
	theirs := w.theirs(id)
	require.Equal(t, "2026-12-24", theirs["ActivityDate"])
	require.Equal(t, "Completed", theirs["Status"])
	_, err := w.org.Act("update", "Task", *w.find(id).Sync.RemoteID, map[string]any{"ActivityDate": nil, "Status": "Not Started", "Priority": "High", "Description": "Said no.", "OwnerId": w.users[alex]})
	require.NoError(t, err)
	w.quiet()
	task := w.find(id)
	require.Nil(t, task.DueOn)
	require.Equal(t, models.TaskOpen, task.Status)
	require.Equal(t, models.TaskHigh, task.Priority)
	require.Equal(t, "Said no.", task.Details)
	require.Equal(t, alex, *task.RepEmail)
	history, err := models.TaskHistory(t.Context(), w.db.Gorm, id, 100)
	require.NoError(t, err)
	require.Equal(t, "Rita Rep", history[0].Actor, "whoever did it there is named")
}

func TestTheFirstTimeBringsTheLastDayAndPushesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	w.switchTo(false)
	before := w.create("Was here before", nil)
	old, err := w.org.Act("create", "Task", "", map[string]any{"Subject": "Two days old", "OwnerId": w.users[rita]})
	require.NoError(t, err)
	w.clock.pass(48 * time.Hour)
	_, err = w.org.Act("create", "Task", "", map[string]any{"Subject": "Of today", "OwnerId": w.users[rita], "Status": "In Progress", "Priority": "Low", "ActivityDate": "2026-12-01"})
	require.NoError(t, err)
	_, err = w.org.Act("create", "Task", "", map[string]any{"Subject": "Of somebody who is nobody here", "OwnerId": w.users["u3@example.com"]})
	require.NoError(t, err)
	_, err = w.org.Act("create", "Task", "", map[string]any{"Subject": "An email that was logged", "OwnerId": w.users[rita], "TaskSubtype": "Email", "Status": "Completed"})
	require.NoError(t, err)
	w.switchTo(true)
	w.quiet()
	page, err := models.ListTasks(t.Context(), w.db.Gorm, models.TaskQuery{Order: models.TasksByID})
	require.NoError(t, err)
	names := map[string]models.Task{}
	for _, task := range page.Tasks {
		names[task.Name] = task
	}
	require.Len(t, names, 2)
	require.Nil(t, w.find(before).Sync, "what existed is not pushed")
	of := names["Of today"]
	require.Equal(t, models.FromSalesforce, of.Origin)
	require.Equal(t, []any{models.TaskOpen, models.TaskNormal, rita}, []any{of.Status, of.Priority, *of.RepEmail}, "what does not map stays there and is the usual here")
	require.Equal(t, "In Progress", w.theirs(of.ID)["Status"], "and is left untouched there")
	after := w.create("Made afterwards", nil)
	w.quiet()
	require.Equal(t, "Call: Made afterwards", w.theirs(after)["Subject"])

	_, err = w.org.Act("update", "Task", old, map[string]any{"Subject": "Touched again"})
	require.NoError(t, err)
	w.quiet()
	page, err = models.ListTasks(t.Context(), w.db.Gorm, models.TaskQuery{Order: models.TasksByID})
	require.NoError(t, err)
	require.Len(t, page.Tasks, 4, "an older one comes once it changes")
}

func TestSwitchedOnAgainTheDeletionsOfFifteenDaysComeOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	deleted, edited, purged := w.create("Deleted meanwhile", nil), w.create("Edited meanwhile", nil), w.create("Purged meanwhile", nil)
	w.quiet()
	w.switchTo(false)
	for _, id := range []string{*w.find(deleted).Sync.RemoteID, *w.find(purged).Sync.RemoteID} {
		_, err := w.org.Act("delete", "Task", id, nil)
		require.NoError(t, err)
	}
	_, err := w.org.Act("update", "Task", *w.find(edited).Sync.RemoteID, map[string]any{"ActivityDate": "2026-12-24"})
	require.NoError(t, err)
	require.NoError(t, w.sync.Change(t.Context(), edited, tasks.Fields{Priority: ptr(models.TaskHigh)}, "user:"+rita))
	require.NoError(t, w.sync.Pull(t.Context()))
	require.Nil(t, w.find(deleted).DeletedAt, "nothing travels while it is off")
	w.clock.pass(10 * 24 * time.Hour)
	w.org.Purge()
	w.switchTo(true)
	w.quiet()
	require.NotNil(t, w.find(deleted).DeletedAt)
	require.NotNil(t, w.find(purged).DeletedAt)
	require.Equal(t, "2026-12-24", w.find(edited).DueOn.Format(time.DateOnly))
	require.Equal(t, "High", w.theirs(edited)["Priority"])
}

func TestDeletesAndRestoresTravelBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	id := w.create("Call Ada", nil)
	w.quiet()
	first := *w.find(id).Sync.RemoteID
	require.NoError(t, w.sync.Delete(t.Context(), id, "user:"+rita))
	w.quiet()
	require.Equal(t, true, w.theirs(id)["IsDeleted"])
	_, err := w.org.Act("undelete", "Task", first, nil)
	require.NoError(t, err)
	w.quiet()
	require.Nil(t, w.find(id).DeletedAt, "restored there, it is back here")
	_, err = w.org.Act("delete", "Task", first, nil)
	require.NoError(t, err)
	w.quiet()
	require.NotNil(t, w.find(id).DeletedAt)
	require.NoError(t, w.sync.Restore(t.Context(), id, "user:"+rita))
	w.quiet()
	second := *w.find(id).Sync.RemoteID
	require.NotEqual(t, first, second, "restored here, it is made anew there")
	require.Equal(t, false, w.theirs(id)["IsDeleted"])
}

func TestAnEditThatWasMadeWhileATransactionLastedIsNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	id := w.create("Call Ada", nil)
	w.quiet()
	long := w.org.Open()
	_, err := long.Act("update", "Task", *w.find(id).Sync.RemoteID, map[string]any{"ActivityDate": "2026-12-24"})
	require.NoError(t, err)
	w.clock.pass(9 * time.Minute)
	require.NoError(t, w.sync.Pull(t.Context()))
	require.Nil(t, w.find(id).DueOn)
	require.NoError(t, long.Commit())
	w.quiet()
	require.Equal(t, "2026-12-24", w.find(id).DueOn.Format(time.DateOnly), "its stamp is nine minutes old")
}

func TestTasksThatLogActivitiesAreNoReminders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	var token int64
	require.NoError(t, w.db.Pool.QueryRow(t.Context(), `INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('test', 'record', '\x01', '', 'test') RETURNING id`).Scan(&token))
	const activity = "0193a1b2-0000-7000-8000-00000000000a"
	_, err := w.db.Pool.Exec(t.Context(), `INSERT INTO activities (id, token_id, key, kind, occurred_at) VALUES ($1, $2, 'k', 'email_sent', now())`, activity, token)
	require.NoError(t, err)
	_, err = w.org.Act("create", "Task", "", map[string]any{"Subject": "Email: Hello", "OwnerId": w.users[rita], "Status": "Completed", models.DefaultKeyField: activity})
	require.NoError(t, err)
	w.quiet()
	page, err := models.ListTasks(t.Context(), w.db.Gorm, models.TaskQuery{Order: models.TasksByID})
	require.NoError(t, err)
	require.Empty(t, page.Tasks)
}

func TestACopyOfATaskIsATaskOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), sandboxsalesforce.Config{}) // our id stands in the description, which is copied too
	id := w.create("Call Ada", nil)
	w.quiet()
	_, err := w.org.Act("create", "Task", "", map[string]any{"Subject": "Call: Call Ada", "Description": w.theirs(id)["Description"], "OwnerId": w.users[rita]})
	require.NoError(t, err)
	w.quiet()
	page, err := models.ListTasks(t.Context(), w.db.Gorm, models.TaskQuery{Order: models.TasksByID})
	require.NoError(t, err)
	require.Len(t, page.Tasks, 2)
}

func TestATaskOfNobodyThereIsTheConnectedUsersAndSaysWhose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	id := w.create("Call Ada", func(f *tasks.Fields) { f.Details = ptr("About the pilot.") })
	w.quiet()
	require.Equal(t, w.users[rita], w.theirs(id)["OwnerId"])

	require.NoError(t, w.sync.Change(t.Context(), id, tasks.Fields{Rep: ptr("uma@nowhere.example")}, "user:"+rita))
	w.quiet()
	self := w.theirs(id)["OwnerId"]
	require.NotContains(t, []any{w.users[rita], w.users[alex], "", nil}, self, "it is no rep's there")
	require.Equal(t, "About the pilot.\n\nSales rep: uma@nowhere.example", w.theirs(id)["Description"])
	require.Equal(t, []any{"uma@nowhere.example", "About the pilot."}, []any{*w.find(id).RepEmail, w.find(id).Details})

	require.NoError(t, w.sync.Change(t.Context(), id, tasks.Fields{Rep: ptr("")}, "user:"+rita))
	w.quiet()
	require.Equal(t, []any{self, "About the pilot."}, []any{w.theirs(id)["OwnerId"], w.theirs(id)["Description"]})

	require.NoError(t, w.sync.Change(t.Context(), id, tasks.Fields{Rep: ptr(alex), Kind: ptr(models.TaskEmail)}, "user:"+rita))
	w.quiet()
	require.Equal(t, []any{w.users[alex], "Email: Call Ada", "Email"}, []any{w.theirs(id)["OwnerId"], w.theirs(id)["Subject"], w.theirs(id)["Type"]}, "the kind stands in the subject")
}

func TestALoggedActivityIsNoReminderEvenWithoutItsMark(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	there, err := w.org.Act("create", "Task", "", map[string]any{"Subject": "Email: Hello", "OwnerId": w.users[rita], "Description": "tidied"})
	require.NoError(t, err)
	_, err = w.db.Pool.Exec(t.Context(), `
		WITH token AS (INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('Dialer', 'admin', '\x01', '', 'test') RETURNING id),
			a AS (INSERT INTO activities (id, token_id, key, kind, occurred_at, attributes) SELECT gen_random_uuid(), id, 'k', 'email_sent', now(), '{}' FROM token RETURNING id)
		INSERT INTO deliveries (activity_id, destination, operation, occurred_at, state, remote_id) SELECT id, 'salesforce', 'create', now(), 'delivered', $1 FROM a`, there)
	require.NoError(t, err)
	w.quiet()
	page, err := models.ListTasks(t.Context(), w.db.Gorm, models.TaskQuery{Order: models.TasksByID})
	require.NoError(t, err)
	require.Empty(t, page.Tasks)
}
