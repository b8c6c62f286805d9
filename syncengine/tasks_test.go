package syncengine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

func ptr[T any](v T) *T { return &v }

// theirTask is the Task of a task, once there is one.
func (o *office) theirTask(subject string) *sandboxsalesforce.Record {
	for r := range o.org.Records("Task", true) {
		if r.Values["Subject"] == subject {
			return &r
		}
	}
	return nil
}

// soon waits for what follows within seconds.
func (o *office) soon(what string, ok func() bool) {
	o.t.Helper()
	require.Eventually(o.t, ok, 60*time.Second, 20*time.Millisecond, "%s", what)
}

func TestBothSidesOfATaskFollowByThemselves(t *testing.T) {
	t.Parallel()
	config := deliveryConfig()
	config.TaskPoll = 200 * time.Millisecond
	o := newSmallOffice(t, sandboxsalesforce.Config{KeyField: models.DefaultKeyField}, config)
	_, err := o.db.Pool.Exec(t.Context(), `INSERT INTO users (email, name, role) VALUES ('rep@example.com', 'Rita Rep', 'rep')`)
	require.NoError(t, err)
	create := func(name string) models.Task {
		task, err := o.engine.CreateTask(t.Context(), syncengine.TaskFields{Kind: ptr(models.TaskCall), Name: &name, Rep: ptr("rep@example.com")},
			syncengine.PersonRef{PersonID: o.linked()}, "user:rep@example.com")
		require.NoError(t, err)
		return task
	}
	create("Before") // the sync is off unless somebody switches it on
	require.NoError(t, o.engine.ChangeLogging(t.Context(), syncengine.LoggingChange{Tasks: ptr(true)}, "admin"))
	task := create("Call Ada")
	o.soon("a task of ours to be there", func() bool { return o.theirTask("Call: Call Ada") != nil })
	theirs := o.theirTask("Call: Call Ada")
	person, err := models.FindPerson(t.Context(), o.db.Gorm, o.linked())
	require.NoError(t, err)
	require.Equal(t, models.NormalSalesforceID(*person.SalesforceContactID), theirs.Values["WhoId"])

	_, err = o.engine.ChangeTask(t.Context(), task.ID, syncengine.TaskFields{Status: ptr(models.TaskComplete)}, "user:rep@example.com")
	require.NoError(t, err)
	o.soon("a completion here to be there", func() bool { return o.theirTask("Call: Call Ada").Values["Status"] == "Completed" })
	find := func() models.Task {
		found, err := models.FindTask(t.Context(), o.db.Gorm, task.ID)
		require.NoError(t, err)
		return found
	}
	_, err = o.org.Act("update", "Task", theirs.ID, map[string]any{"Status": "Not Started", "ActivityDate": "2026-12-24"})
	require.NoError(t, err)
	o.soon("an edit there to be here", func() bool { return find().Status == models.TaskOpen && find().DueOn != nil })
	require.NoError(t, o.engine.DeleteTask(t.Context(), task.ID, "user:rep@example.com"))
	o.soon("a deletion here to be there", func() bool { return o.theirTask("Call: Call Ada").Deleted })

	id, err := o.org.Act("create", "Task", "", map[string]any{"Subject": "Theirs", "OwnerId": theirs.Values["OwnerId"]})
	require.NoError(t, err)
	named := func() *models.Task {
		page, err := models.ListTasks(t.Context(), o.db.Gorm, models.TaskQuery{Order: models.TasksByID})
		require.NoError(t, err)
		for _, found := range page.Tasks {
			if found.Name == "Theirs" && found.DeletedAt == nil {
				return &found
			}
		}
		return nil
	}
	o.soon("a task made there to be here", func() bool { return named() != nil })
	_, err = o.org.Act("delete", "Task", id, nil)
	require.NoError(t, err)
	o.soon("a deletion there to be here", func() bool { return named() == nil })
	require.Nil(t, o.theirTask("Call: Before"), "what existed before is not pushed")
	require.Empty(t, o.org.Violations())
}
