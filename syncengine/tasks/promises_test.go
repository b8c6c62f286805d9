package tasks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/tasks"
)

// listed are all tasks by their names.
func (w *world) listed() map[string]models.Task {
	w.t.Helper()
	page, err := models.ListTasks(w.t.Context(), w.db.Gorm, models.TaskQuery{Order: models.TasksByID, Limit: 100})
	require.NoError(w.t, err)
	names := map[string]models.Task{}
	for _, task := range page.Tasks {
		names[task.Name] = task
	}
	return names
}

// template is what the subjects of Tasks are made of from now on.
func (w *world) template(text string) {
	w.t.Helper()
	logging, version, err := models.LoadLogging(w.t.Context(), w.db.Gorm)
	require.NoError(w.t, err)
	logging.SubjectTemplate = text
	require.NoError(w.t, models.SaveLogging(w.t.Context(), w.db.Gorm, logging, version, "test"))
	w.process = w.start(0)
}

// theirEdit is an edit of a task's Task in Salesforce.
func (w *world) theirEdit(id uuid.UUID, values map[string]any) {
	w.t.Helper()
	_, err := w.org.Act("update", "Task", *w.find(id).Sync.RemoteID, values)
	require.NoError(w.t, err)
}

// ourEdit is an edit here.
func (w *world) ourEdit(id uuid.UUID, f tasks.Fields) {
	w.t.Helper()
	require.NoError(w.t, f.Check())
	require.NoError(w.t, w.sync.Change(w.t.Context(), id, f, "user:"+rita))
}

func TestEveryKindHasItsTaskThere(t *testing.T) {
	t.Parallel()
	config := withKey()
	config.TaskTypes = []string{"Call", "Email", "email", "Other"} // no InMail
	w := newWorld(t, newDB(t), config)
	for kind, want := range map[models.TaskKind]struct {
		subject string
		kind    any
	}{
		models.TaskEmail: {"Email: Do it", "Email"}, models.TaskCall: {"Call: Do it", "Call"},
		models.TaskInMail: {"InMail: Do it", nil}, models.TaskCustom: {"Custom: Do it", nil},
	} {
		id := w.create("Do it", func(f *tasks.Fields) { f.Kind = ptr(kind) })
		w.quiet()
		theirs := w.theirs(id)
		require.Equal(t, want.subject, theirs["Subject"])
		require.Equal(t, want.kind, theirs["Type"], "a type that the org has not is left empty")
		require.Equal(t, []any{"Not Started", "Normal"}, []any{theirs["Status"], theirs["Priority"]})
	}
}

func TestATaskMadeInSalesforceIsATaskHere(t *testing.T) {
	t.Parallel()
	config := withKey()
	config.TaskTypes = []string{"Call", "Email", "InMail", "Meeting"}
	w := newWorld(t, newDB(t), config)
	w.quiet()
	for subject, values := range map[string]map[string]any{
		"an email": {"Type": "Email"}, "a call": {"Type": "Call"}, "an inmail": {"Type": "InMail"}, "a meeting": {"Type": "Meeting"}, "anything": {},
	} {
		values["Subject"], values["OwnerId"] = subject, w.users[rita]
		_, err := w.org.Act("create", "Task", "", values)
		require.NoError(t, err)
	}
	_, err := w.org.Act("create", "Task", "", map[string]any{"Subject": "whole", "OwnerId": w.users[alex], "Status": "Completed", "Priority": "High", "ActivityDate": "2026-12-24", "Description": "Twice.\r\nAt least."})
	require.NoError(t, err)
	w.quiet()
	here := w.listed()
	for subject, kind := range map[string]models.TaskKind{"an email": models.TaskEmail, "a call": models.TaskCall, "an inmail": models.TaskInMail,
		"a meeting": models.TaskCustom, "anything": models.TaskCustom} {
		require.Contains(t, here, subject)
		require.Equal(t, kind, here[subject].Kind, subject)
		require.Equal(t, models.FromSalesforce, here[subject].Origin)
		require.Equal(t, models.TaskOpen, here[subject].Status)
	}
	whole := here["whole"]
	require.Equal(t, []any{models.TaskComplete, models.TaskHigh, "2026-12-24", "Twice.\nAt least.", alex},
		[]any{whole.Status, whole.Priority, whole.DueOn.Format(time.DateOnly), whole.Details, *whole.RepEmail})
}

func TestOtherStatusesAndLowPriorityStayThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	id := w.create("Call Ada", func(f *tasks.Fields) { f.Priority = ptr(models.TaskHigh) })
	w.quiet()
	for _, status := range []string{"In Progress", "Waiting on someone else", "Deferred"} {
		w.theirEdit(id, map[string]any{"Status": status, "Priority": "Low"})
		w.quiet()
		task := w.find(id)
		require.Equal(t, []any{models.TaskOpen, models.TaskHigh}, []any{task.Status, task.Priority}, status)
		require.Equal(t, []any{status, "Low"}, []any{w.theirs(id)["Status"], w.theirs(id)["Priority"]}, "and nobody here changes them back")
	}
	w.ourEdit(id, tasks.Fields{Details: ptr("Something else.")})
	w.quiet()
	require.Equal(t, []any{"Deferred", "Low"}, []any{w.theirs(id)["Status"], w.theirs(id)["Priority"]}, "an edit of another field leaves them")
	w.ourEdit(id, tasks.Fields{Status: ptr(models.TaskComplete)})
	w.quiet()
	require.Equal(t, "Completed", w.theirs(id)["Status"])
}

func TestTasksStayHereUntilSomebodySwitchesTheSyncOn(t *testing.T) {
	t.Parallel()
	logging, _, err := models.LoadLogging(t.Context(), newDB(t).Gorm)
	require.NoError(t, err)
	require.False(t, logging.Tasks.On, "that is what a new workspace has")

	w := newWorld(t, newDB(t), withKey())
	w.switchTo(false)
	_, err = w.org.Act("create", "Task", "", map[string]any{"Subject": "Theirs", "OwnerId": w.users[rita]})
	require.NoError(t, err)
	id := w.create("Ours", nil)
	w.ourEdit(id, tasks.Fields{Status: ptr(models.TaskComplete)})
	calls := w.org.Calls()
	w.quiet()
	require.Equal(t, calls, w.org.Calls(), "Salesforce is not even asked")
	require.Len(t, w.listed(), 1)
	require.Nil(t, w.find(id).Sync)
}

func TestTheSubjectGoesThroughTheTemplateAndDoesNotComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	w.template("[{{activity_type}}] {{activity_subject}} {{call_outcome}}")
	id := w.create("Call Ada", nil)
	w.quiet()
	require.Equal(t, "[Call] Call Ada", w.theirs(id)["Subject"], "a value that is absent is nothing")
	w.theirEdit(id, map[string]any{"Subject": "Ring her", "Priority": "High"})
	w.quiet()
	task := w.find(id)
	require.Equal(t, "Call Ada", task.Name)
	require.Equal(t, models.TaskHigh, task.Priority, "what else was edited does come back")
	require.Equal(t, "Ring her", w.theirs(id)["Subject"], "and theirs is left as it is")
	w.ourEdit(id, tasks.Fields{Name: ptr("Call Ada again")})
	w.quiet()
	require.Equal(t, "[Call] Call Ada again", w.theirs(id)["Subject"], "until it is renamed here")

	long := w.create(strings.Repeat("n", 255), nil)
	w.quiet()
	require.Len(t, w.theirs(long)["Subject"], 255)
}

func TestTheSubjectOfATaskThatWasMadeThereComesAndGoesAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	_, err := w.org.Act("create", "Task", "", map[string]any{"Subject": "Theirs", "OwnerId": w.users[rita]})
	require.NoError(t, err)
	w.quiet()
	id := w.listed()["Theirs"].ID
	w.theirEdit(id, map[string]any{"Subject": "Theirs, renamed"})
	w.quiet()
	require.Equal(t, "Theirs, renamed", w.find(id).Name)
	w.ourEdit(id, tasks.Fields{Name: ptr("Renamed here")})
	w.quiet()
	require.Equal(t, "Renamed here", w.theirs(id)["Subject"], "without the template: it is not ours")
}

func TestTwoEditsBetweenTwoSyncsAreMergedFieldByField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	id := w.create("Call Ada", func(f *tasks.Fields) { f.DueOn = ptr("2026-12-01") })
	w.quiet()
	w.ourEdit(id, tasks.Fields{DueOn: ptr("2026-12-02"), Details: ptr("Ours.")})
	w.clock.pass(10 * time.Second)
	w.theirEdit(id, map[string]any{"ActivityDate": "2026-12-03", "Priority": "High"})
	w.quiet()
	task := w.find(id)
	require.Equal(t, []any{"2026-12-03", "Ours.", models.TaskHigh}, []any{task.DueOn.Format(time.DateOnly), task.Details, task.Priority})
	require.Equal(t, []any{"2026-12-03", "Ours.", "High"}, []any{w.theirs(id)["ActivityDate"], w.theirs(id)["Description"], w.theirs(id)["Priority"]})

	w.theirEdit(id, map[string]any{"ActivityDate": "2026-12-04"})
	w.clock.pass(10 * time.Second)
	w.ourEdit(id, tasks.Fields{DueOn: ptr("2026-12-05")})
	w.quiet()
	require.Equal(t, "2026-12-05", w.find(id).DueOn.Format(time.DateOnly))
	require.Equal(t, "2026-12-05", w.theirs(id)["ActivityDate"])

	history, err := models.TaskHistory(t.Context(), w.db.Gorm, id, 100)
	require.NoError(t, err)
	lost := map[string]models.TaskOrigin{}
	for _, line := range history {
		if line.Event == models.TaskLost {
			lost[*line.New] = line.Source
		}
	}
	require.Equal(t, map[string]models.TaskOrigin{"2026-12-02": models.FromHere, "2026-12-04": models.FromSalesforce}, lost, "the loser is kept")
}

func TestATaskAboutSomebodyHangsOnTheirRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	var lead sandboxsalesforce.Record
	for r := range w.org.Records("Lead", false) {
		lead = r
		break
	}
	_, err := w.db.Pool.Exec(t.Context(), `INSERT INTO people (id, last_name, email_key, salesforce_lead_id, name_key, company_key, title_key, source_key, search, read_at, created_run_id)
		VALUES (77, 'Lead', '', $1, '', '', '', '', '', now(), 1) ON CONFLICT DO NOTHING`, lead.ID)
	require.NoError(t, err)
	kind, rep := models.TaskEmail, rita
	id, err := w.sync.Create(t.Context(), tasks.Fields{Kind: &kind, Name: ptr("Write"), Rep: &rep}, ptr(int64(77)), "user:"+rita)
	require.NoError(t, err)
	w.quiet()
	require.Equal(t, lead.ID, w.theirs(id)["WhoId"])

	_, err = w.org.Act("create", "Task", "", map[string]any{"Subject": "Theirs", "OwnerId": w.users[rita], "WhoId": lead.ID})
	require.NoError(t, err)
	w.quiet()
	theirs := w.listed()["Theirs"]
	require.NotNil(t, theirs.PersonID)
	require.EqualValues(t, 77, *theirs.PersonID)
}

func TestAReminderAboutAPersonWhoWasMergedTwiceHangsOnTheRecordOfWhoTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDB(t), withKey())
	var leads []string
	for r := range w.org.Records("Lead", false) {
		leads = append(leads, r.ID)
	}
	for n, into := range []any{72, 73, nil} {
		_, err := w.db.Pool.Exec(t.Context(), `INSERT INTO people (id, last_name, email_key, salesforce_lead_id, merged_into, name_key, company_key, title_key, source_key, search, read_at, created_run_id)
			VALUES ($1, 'Lead', '', $2, $3, '', '', '', '', '', now(), 1)`, 71+n, leads[n], into)
		require.NoError(t, err)
	}
	kind, rep := models.TaskEmail, rita
	id, err := w.sync.Create(t.Context(), tasks.Fields{Kind: &kind, Name: ptr("Write"), Rep: &rep}, ptr(int64(71)), "user:"+rita)
	require.NoError(t, err)
	w.quiet()
	require.Equal(t, leads[2], w.theirs(id)["WhoId"])
}
