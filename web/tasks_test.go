package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

// addTask creates a task of a rep, due some days from the server's today.
func (b *bundle) addTask(name, rep string, days int, person int64) models.Task {
	b.t.Helper()
	kind, due := models.TaskCall, b.clock.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly)
	task, err := b.engine.CreateTask(b.t.Context(), syncengine.TaskFields{Kind: &kind, Name: &name, Rep: &rep, DueOn: &due}, syncengine.PersonRef{PersonID: person}, "user:"+rep)
	require.NoError(b.t, err)
	return task
}

// task reads a task as it is.
func (b *bundle) task(t models.Task) models.Task {
	b.t.Helper()
	found, err := models.FindTask(b.t.Context(), b.db.Gorm, t.ID)
	require.NoError(b.t, err)
	return found
}

func TestTasksAreListedByWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	v.get("/tasks").status(http.StatusOK).says("You have no open task.")
	b.addTask("Was due", "rita@example.com", -3, 1)
	b.addTask("Due today", "rita@example.com", 0, 2)
	b.addTask("Due soon", "rita@example.com", 1, 0)
	b.addTask("Of another", "otto@example.com", 0, 0)

	page := v.get("/tasks").status(http.StatusOK).says("Yours: 1 overdue, 1 for today, 1 later")
	var shown []string
	page.doc.Find("#tasks tbody th, #tasks tbody a.strong").Each(func(_ int, s *selection) { shown = append(shown, s.Text()) })
	require.Equal(t, []string{"Overdue", "Was due", "Today", "Due today", "Upcoming", "Due soon"}, shown)
	require.Equal(t, "/people/1", page.doc.Find("#tasks a[href^='/people/']").First().AttrOr("href", ""))

	v.get("/tasks?who=all").says("Of another")
	v.get("/tasks?person=1&who=all").says("about Person 0001")
	require.Equal(t, 1, v.get("/tasks?person=1").doc.Find("#tasks tr[id]").Length())
	v.get("/tasks?kind=email").says("No task meets these filters.")
	v.get("/tasks?show=done").says("Nothing is complete yet")
	for _, wrong := range []string{"kind=fax", "person=x", "cursor=x"} {
		v.get("/tasks?" + wrong).status(http.StatusBadRequest)
	}

	v.header.Set("HX-Request", "true")
	require.Zero(t, v.get("/tasks").doc.Find("nav[aria-label=Main]").Length(), "only the part that moves")
}

func TestTheReadersZoneDecidesWhichDayIsToday(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Advance(time.Date(2026, 5, 4, 23, 30, 0, 0, time.UTC).Sub(b.clock.Now()))
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	b.addTask("On the fourth", "rita@example.com", 0, 0)
	for zone, group := range map[string]string{"America/Los_Angeles": "Today", "Pacific/Auckland": "Overdue", "": "Today"} {
		v.setCookie("zone", zone)
		require.Equal(t, group, v.get("/tasks").status(http.StatusOK).doc.Find("#tasks th[scope=rowgroup]").Text(), zone)
	}
}

func TestATaskIsCreatedEditedCompletedAndDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(4)
	b.addUser("otto@example.com", models.RoleRep)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))

	form := v.get("/tasks/new?person=1").status(http.StatusOK).says("Person 0001")
	form.submit("form.form", "name", " Call  them ", "kind", "call", "due_on", "2026-12-01", "priority", "high", "details", "First\r\nSecond").status(http.StatusSeeOther)
	var task models.Task
	found, err := models.ListTasks(t.Context(), b.db.Gorm, models.TaskQuery{Order: models.TasksByDue, PersonID: 1})
	require.NoError(t, err)
	require.Len(t, found.Tasks, 1)
	task = found.Tasks[0]
	require.Equal(t, []any{"Call them", models.TaskHigh, "2026-12-01", "rita@example.com", "First\nSecond", "user:rita@example.com"},
		[]any{task.Name, task.Priority, task.DueOn.Format(time.DateOnly), *task.RepEmail, task.Details, task.CreatedBy})
	path := "/tasks/" + task.ID.String()
	v.get("/people/1").says("Call them")

	t.Run("an edit leaves alone what the form did not change", func(t *testing.T) {
		form := v.get(path + "/edit").status(http.StatusOK)
		other := "Named in Salesforce"
		_, err := b.engine.ChangeTask(t.Context(), task.ID, syncengine.TaskFields{Name: &other}, "salesforce")
		require.NoError(t, err)
		form.submit("form.form", "rep", "otto@example.com", "priority", "").redirects(path)
		now := b.task(task)
		require.Equal(t, []any{other, "otto@example.com", models.TaskNormal, "First\nSecond"}, []any{now.Name, *now.RepEmail, now.Priority, now.Details})
	})

	t.Run("what is wrong is said beside it, and what was typed stays", func(t *testing.T) {
		wrong := v.get(path+"/edit").submit("form.form", "name", strings.Repeat("n", 256), "details", "Kept").status(http.StatusUnprocessableEntity)
		require.Contains(t, wrong.doc.Find("#name-wrong").Text(), "longer than 255")
		require.Equal(t, "Kept", wrong.doc.Find("textarea").Text())
		wrong = v.get("/tasks/new").submit("form.form", "name", "x", "person", "nobody@example.com").status(http.StatusUnprocessableEntity)
		require.Contains(t, wrong.doc.Find("#person-wrong").Text(), "Nobody in the workspace")
	})

	t.Run("completed, it is in the other list, and can be opened again", func(t *testing.T) {
		v.get(path).submit("form[action$='/complete']").redirects(path)
		v.get("/tasks?show=done&who=all").says("Named in Salesforce").submit("form[action$='/reopen']").redirects("/tasks?show=done&who=all")
		require.Equal(t, models.TaskOpen, b.task(task).Status)
	})

	t.Run("deleted, it offers to be restored", func(t *testing.T) {
		v.get(path).submit("form[action$='/delete']").redirects(path)
		require.NotNil(t, b.task(task).DeletedAt)
		v.get("/tasks?who=all").says("Nobody has an open task.")
		v.get(path).says("This task was deleted.").submit("form[action$='/restore']").redirects(path)
		require.Nil(t, b.task(task).DeletedAt)
	})

	history := v.get(path).doc.Find("#task .history").Text()
	for _, line := range []string{"Created", "Deleted", "Restored", "Who does it: rita@example.com → otto@example.com", "Status: open → complete", "Salesforce"} {
		require.Contains(t, strings.Join(strings.Fields(history), " "), line)
	}
	for _, nothing := range []string{"/tasks/7", "/tasks/01a2148c-4ef9-7cfc-a712-b0d2c60d2934", "/tasks/x/edit"} {
		v.get(nothing).status(http.StatusNotFound)
	}
}

func TestATaskShowsHowFarItIsInSalesforce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin, rep := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin)), b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	before := b.addTask("From before", "rita@example.com", 0, 0)
	rep.get("/tasks/" + before.ID.String()).says("This task is only here.")
	on := true
	require.NoError(t, b.engine.ChangeLogging(t.Context(), syncengine.LoggingChange{Tasks: &on}, "cli"))
	task := b.addTask("To be there", "rita@example.com", 0, 0)
	path := "/tasks/" + task.ID.String()
	rep.get(path).says("on its way")
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE deliveries SET `+failedForAField+` WHERE task_id = $1`, task.ID)
	require.NoError(t, err)
	require.Zero(t, rep.get(path).says("Ask the Salesforce admin to drop the rule.").doc.Find("form[action*=retry]").Length())
	admin.get(path).submit("form[action*=retry]").redirects(path)
	_, err = b.db.Pool.Exec(t.Context(), `UPDATE deliveries SET state = 'delivered', remote_id = '00T000000000001AAA' WHERE task_id = $1`, task.ID)
	require.NoError(t, err)
	rep.get(path).says("in step")
}

func TestAPersonsPageSaysWhetherTheyMayBeEmailed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	v.get("/people/1").says("not unsubscribed here")
	v.get("/people/1/emails?ask=1").status(http.StatusOK).says("Marketo could not be asked, so nobody knows")
	v.get("/people/1").submit("form[action='/unsubscribes']", "reason", "Said so on the phone").redirects("/people/1")
	page := v.get("/people/1").says("Said so on the phone").says("Marked by a rep").says("rita@example.com")
	require.Zero(t, page.doc.Find("form[action='/unsubscribes']").Length(), "it is done")
	v.get("/people/1/emails?ask=1").says("Unsubscribed here")
	said, err := models.UnsubscribesOf(t.Context(), b.db.Gorm, 1)
	require.NoError(t, err)
	require.Len(t, said, 1)
	require.Equal(t, models.ByRep, said[0].Source)

	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	admin.get("/people/3").submit("form[action='/unsubscribes']").redirects("/people/3")
	admin.get("/people/3").says("Marked by an admin")
	for _, person := range []string{"", "x", "0"} {
		admin.get("/people/2").submit("form[action='/unsubscribes']", "person", person).status(http.StatusBadRequest)
	}
	admin.get("/people/2").submit("form[action='/unsubscribes']", "person", "999").redirects("/people")
}

func TestTheListMarksWhoUnsubscribedOnAnySide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(4)
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET unsubscribed = true WHERE id = 4`)
	require.NoError(t, err)
	_, _, err = b.engine.Unsubscribe(t.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{PersonID: 2}, Source: models.ByRep})
	require.NoError(t, err)
	page := b.signedIn(b.addUser("rita@example.com", models.RoleRep)).get("/people")
	require.Equal(t, []string{"Person 0002 unsubscribed", "Person 0004 unsubscribed"}, page.texts("#results tbody td:first-child:has(.badge)"))
}
