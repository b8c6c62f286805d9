package syncengine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

func ptr[T any](v T) *T { return &v }

// theirTask is the Task of a task, once there is one.
func theirTask(o *enginetest.Office, subject string) *sandboxsalesforce.Record {
	for r := range o.Org.Records("Task", true) {
		if r.Values["Subject"] == subject {
			return &r
		}
	}
	return nil
}

// soon waits for what follows within seconds.
func soon(o *enginetest.Office, what string, ok func() bool) {
	o.T.Helper()
	require.Eventually(o.T, ok, 60*time.Second, 20*time.Millisecond, "%s", what)
}

func TestBothSidesOfATaskFollowByThemselves(t *testing.T) {
	t.Parallel()
	config := enginetest.DeliveryConfig()
	config.TaskPoll = 200 * time.Millisecond
	o := newSmallOffice(t, sandboxsalesforce.Config{KeyField: models.DefaultKeyField}, config)
	_, err := o.DB.Pool.Exec(t.Context(), `INSERT INTO users (email, name, role) VALUES ('rep@example.com', 'Rita Rep', 'rep')`)
	require.NoError(t, err)
	create := func(name string) models.Task {
		task, err := o.Engine.CreateTask(t.Context(), syncengine.TaskFields{Kind: ptr(models.TaskCall), Name: &name, Rep: ptr("rep@example.com")},
			syncengine.PersonRef{PersonID: o.Linked()}, "user:rep@example.com")
		require.NoError(t, err)
		return task
	}
	create("Before") // the sync is off unless somebody switches it on
	require.NoError(t, o.Engine.ChangeLogging(t.Context(), syncengine.LoggingChange{Tasks: ptr(true)}, "admin"))
	task := create("Call Ada")
	soon(o, "a task of ours to be there", func() bool { return theirTask(o, "Call: Call Ada") != nil })
	theirs := theirTask(o, "Call: Call Ada")
	person, err := models.FindPerson(t.Context(), o.DB.Gorm, o.Linked())
	require.NoError(t, err)
	require.Equal(t, models.NormalSalesforceID(*person.SalesforceContactID), theirs.Values["WhoId"])

	_, err = o.Engine.ChangeTask(t.Context(), task.ID, syncengine.TaskFields{Status: ptr(models.TaskComplete)}, "user:rep@example.com")
	require.NoError(t, err)
	soon(o, "a completion here to be there", func() bool { return theirTask(o, "Call: Call Ada").Values["Status"] == "Completed" })
	find := func() models.Task {
		found, err := models.FindTask(t.Context(), o.DB.Gorm, task.ID)
		require.NoError(t, err)
		return found
	}
	_, err = o.Org.Act("update", "Task", theirs.ID, map[string]any{"Status": "Not Started", "ActivityDate": "2026-12-24"})
	require.NoError(t, err)
	soon(o, "an edit there to be here", func() bool { return find().Status == models.TaskOpen && find().DueOn != nil })
	require.NoError(t, o.Engine.DeleteTask(t.Context(), task.ID, "user:rep@example.com"))
	soon(o, "a deletion here to be there", func() bool { return theirTask(o, "Call: Call Ada").Deleted })

	id, err := o.Org.Act("create", "Task", "", map[string]any{"Subject": "Theirs", "OwnerId": theirs.Values["OwnerId"]})
	require.NoError(t, err)
	named := func() *models.Task {
		page, err := models.ListTasks(t.Context(), o.DB.Gorm, models.TaskQuery{Order: models.TasksByID})
		require.NoError(t, err)
		for _, found := range page.Tasks {
			if found.Name == "Theirs" && found.DeletedAt == nil {
				return &found
			}
		}
		return nil
	}
	soon(o, "a task made there to be here", func() bool { return named() != nil })
	_, err = o.Org.Act("delete", "Task", id, nil)
	require.NoError(t, err)
	soon(o, "a deletion there to be here", func() bool { return named() == nil })
	require.Nil(t, theirTask(o, "Call: Before"), "what existed before is not pushed")
	require.Empty(t, o.Org.Violations())
}
