package tasks_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/sandbox/fault"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/sftask"
	"salesactions/syncengine/tasks"
)

var (
	histories = flag.Int("histories", 150, "how many random histories TestRandomHistories goes through")
	seed      = flag.Int("seed", -1, "the first one's seed; by default that of the day, so that a week's days go through all seeds")
)

const seeds = 1000

// firstSeed is what TestRandomHistories begins with.
func firstSeed(now time.Time) int {
	if *seed >= 0 {
		return *seed
	}
	return int(now.Unix()/int64(24*time.Hour/time.Second)) * *histories % seeds
}

// TestRandomHistories lets reps here and in Salesforce create, edit, complete, delete
// and restore tasks in any order, in the middle of reads and writes too, while calls
// fail and the process is killed; and holds both sides against each other when all is
// quiet: they agree on every field, no task is there twice, and no value was
// overwritten that does not stand in the history. A subtest's name is its seed; "-seed N
// -histories 1" goes through that history alone.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	workers, first := max(runtime.GOMAXPROCS(0), 2), firstSeed(time.Now())
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			db := newDB(t)
			for n := worker; n < *histories; n += workers {
				seed := (first + n) % seeds
				if !t.Run(fmt.Sprint(seed), func(t *testing.T) { story(t, db, uint64(seed)) }) {
					return
				}
			}
		})
	}
}

// history is one sequence of random events.
type history struct {
	*world
	random *rand.Rand
	ids    []uuid.UUID // of tasks that were created here
	late   []*sandboxsalesforce.Transaction
	gone   []overwritten
	unrest bool
	n      int
}

// overwritten is a value of Salesforce's that we replaced or deleted.
type overwritten struct{ remote, field, value string }

func story(t *testing.T, db *postgres.DB, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	config := sandboxsalesforce.Config{Seed: int64(seed)}
	switch random.IntN(3) {
	case 0:
		config.KeyField = models.DefaultKeyField
	case 1:
		config.MarkerField = "Sales_Actions_Marker__c"
	}
	h := &history{world: newWorld(t, db, config), random: random}
	if config.MarkerField != "" {
		logging, version, err := models.LoadLogging(t.Context(), db.Gorm)
		require.NoError(t, err)
		logging.MarkerField = config.MarkerField
		require.NoError(t, models.SaveLogging(t.Context(), db.Gorm, logging, version, "test"))
		h.process = h.start(0)
	}
	h.before, h.unrest = h.meddle, true
	for range 20 + random.IntN(20) {
		h.step()
	}
	h.before, h.unrest = h.note, false
	for _, late := range h.late {
		_ = late.Commit() // what it changes may be gone
	}
	h.org.ClearFaults()
	h.process = h.start(0)
	h.quiet()
	h.check()
}

func (h *history) chance(n int) bool { return h.random.IntN(n) == 0 }

func (h *history) step() {
	h.t.Helper()
	switch h.random.IntN(12) {
	case 0, 1:
		h.actHere()
	case 2, 3:
		h.actThere()
	case 4:
		h.clock.pass(time.Duration(h.random.IntN(4000)) * time.Millisecond)
	case 5, 6:
		h.due()
		_ = h.push() // what fails is tried again
	case 7, 8:
		_, err := h.db.Pool.Exec(h.t.Context(), `DELETE FROM leases`)
		require.NoError(h.t, err)
		_ = h.sync.Pull(h.t.Context())
	case 9:
		h.process = h.start(1 + int64(h.random.IntN(60))) // and dies somewhere on its way
	case 10:
		h.misbehave()
	default:
		h.org.ClearFaults()
		h.openOrCommit()
	}
	if h.life.over.Load() {
		h.process = h.start(0)
	}
}

func (h *history) misbehave() {
	kinds := []fault.Kind{fault.DropBefore, fault.DropAfter, fault.HTML, fault.Truncate, fault.ExpireToken, fault.CommitThen503, fault.RecordCode}
	h.org.Fault(fault.Rule{Kind: kinds[h.random.IntN(len(kinds))], Probability: 0.1 + 0.4*h.random.Float64(), Path: "/services/data",
		Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access"})
}

// openOrCommit lets somebody's change of a Task last longer than it should.
func (h *history) openOrCommit() {
	if len(h.late) > 0 && h.chance(2) {
		_ = h.late[0].Commit() // what it changes may be gone
		h.late = h.late[1:]
		return
	}
	if id := h.someTask(false); id != "" {
		late := h.org.Open()
		if _, err := late.Act("update", "Task", id, h.someValue()); err != nil {
			late.Rollback()
			return
		}
		h.late = append(h.late, late)
	}
}

// actHere is something that a rep does in the workspace. The app is another process
// than the one that syncs, which may die.
func (h *history) actHere() {
	h.t.Helper()
	here := outbox.New(h.db.Pool, h.clock)
	o := org.New(h.db.Pool, h.db.Gorm, here, nil)
	app := tasks.New(h.db.Pool, h.db.Gorm, here, o, sftask.New(here, o), tasks.Config{})
	if len(h.ids) == 0 || h.chance(3) {
		h.n++
		f := h.someFields()
		f.Kind, f.Name = ptr(models.TaskKinds()[h.random.IntN(4)]), ptr(fmt.Sprint("Task ", h.n))
		f.Rep = ptr([]string{rita, alex, "guest@example.com"}[h.random.IntN(3)])
		require.NoError(h.t, f.Check())
		id, err := app.Create(h.t.Context(), f, nil, "user:"+rita)
		require.NoError(h.t, err)
		h.ids = append(h.ids, id)
		return
	}
	var all []uuid.UUID
	rows, err := h.db.Pool.Query(h.t.Context(), `SELECT id FROM tasks ORDER BY id`)
	require.NoError(h.t, err)
	for rows.Next() {
		var id uuid.UUID
		require.NoError(h.t, rows.Scan(&id))
		all = append(all, id)
	}
	id := all[h.random.IntN(len(all))]
	switch h.random.IntN(8) {
	case 0:
		require.NoError(h.t, app.Delete(h.t.Context(), id, "user:"+rita))
	case 1:
		require.NoError(h.t, app.Restore(h.t.Context(), id, "user:"+rita))
	default:
		f := h.someFields()
		require.NoError(h.t, f.Check())
		_ = app.Change(h.t.Context(), id, f, "user:"+rita) // a deleted one takes none
	}
}

// someFields are one or two values.
func (h *history) someFields() tasks.Fields {
	var f tasks.Fields
	for range 1 + h.random.IntN(2) {
		h.n++
		switch h.random.IntN(6) {
		case 0:
			f.Name = ptr(fmt.Sprint("Name ", h.n))
		case 1:
			f.Status = ptr([]models.TaskStatus{models.TaskOpen, models.TaskComplete}[h.random.IntN(2)])
		case 2:
			f.Priority = ptr([]models.TaskPriority{models.TaskNormal, models.TaskHigh}[h.random.IntN(2)])
		case 3:
			f.DueOn = ptr([]string{"", fmt.Sprintf("2027-01-%02d", 1+h.n%28)}[h.random.IntN(2)])
		case 4:
			f.Details = ptr(fmt.Sprint("Details ", h.n))
		default:
			f.Rep = ptr([]string{rita, alex}[h.random.IntN(2)])
		}
	}
	return f
}

// someTask is a Task in Salesforce, or "".
func (h *history) someTask(deleted bool) string {
	var ids []string
	for r := range h.org.Records("Task", true) {
		if r.Deleted == deleted {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return ids[h.random.IntN(len(ids))]
}

// actThere is something that somebody does in Salesforce.
func (h *history) actThere() {
	h.t.Helper()
	switch h.random.IntN(8) {
	case 0:
		h.n++
		_, err := h.org.Act("create", "Task", "", map[string]any{"Subject": fmt.Sprint("Theirs ", h.n), "OwnerId": h.users[rita], "Priority": "High"})
		require.NoError(h.t, err)
	case 1:
		if id := h.someTask(false); id != "" {
			_, _ = h.org.Act("delete", "Task", id, nil) // somebody may hold its lock
		}
	case 2:
		if id := h.someTask(true); id != "" {
			_, _ = h.org.Act("undelete", "Task", id, nil) // another may have its key by now
		}
	default:
		if id := h.someTask(false); id != "" {
			_, _ = h.org.Act("update", "Task", id, h.someValue())
		}
	}
}

func (h *history) someValue() map[string]any {
	h.n++
	switch h.random.IntN(6) {
	case 0:
		return map[string]any{"Subject": fmt.Sprint("Subject ", h.n)}
	case 1:
		return map[string]any{"Status": []string{"Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"}[h.random.IntN(5)]}
	case 2:
		return map[string]any{"Priority": []string{"High", "Normal", "Low"}[h.random.IntN(3)]}
	case 3:
		return map[string]any{"ActivityDate": []any{nil, fmt.Sprintf("2027-02-%02d", 1+h.n%28)}[h.random.IntN(2)]}
	case 4:
		return map[string]any{"OwnerId": []string{h.users[rita], h.users[alex], h.users["u3@example.com"]}[h.random.IntN(3)]}
	default:
		return map[string]any{"CallDisposition": fmt.Sprint("Result ", h.n)} // nothing of ours
	}
}

// meddle lets something happen on either side between a call's making and its arrival.
func (h *history) meddle(r *http.Request) {
	if h.chance(4) {
		h.clock.pass(time.Duration(h.random.IntN(1500)) * time.Millisecond)
	}
	for h.chance(3) {
		if h.chance(2) {
			h.actThere()
		} else {
			h.actHere()
		}
	}
	h.note(r)
}

// note keeps the values that a call of ours is about to replace or delete. While there
// is unrest, somebody is often a moment faster with the very same field.
func (h *history) note(r *http.Request) {
	if !strings.Contains(r.URL.Path, "/composite") {
		return
	}
	raw, err := io.ReadAll(r.Body)
	require.NoError(h.t, err)
	r.Body = io.NopCloser(strings.NewReader(string(raw)))
	var parts struct {
		CompositeRequest []struct {
			URL  string
			Body map[string]any
		}
	}
	_ = json.Unmarshal(raw, &parts) // other calls have other bodies
	for _, p := range parts.CompositeRequest {
		id := p.URL[strings.LastIndex(p.URL, "/")+1:]
		if _, dated := p.Body["ActivityDate"]; dated && h.unrest && h.chance(3) {
			h.n++
			_, _ = h.org.Act("update", "Task", id, map[string]any{"ActivityDate": fmt.Sprintf("2027-%02d-%02d", 3+h.n%9, 1+h.n%28)})
		}
		h.keep(id, p.Body)
	}
	for _, id := range strings.Split(r.URL.Query().Get("ids"), ",") {
		h.keep(id, nil)
	}
}

// names are Salesforce's fields and ours, but for the subject: of tasks that were
// created here it does not come back.
var names = map[string]string{"Status": "status", "Priority": "priority", "ActivityDate": "due_on", "Description": "details", "OwnerId": "rep"}

func (h *history) keep(id string, replaced map[string]any) {
	for r := range h.org.Records("Task", false) {
		if r.ID != id {
			continue
		}
		for theirs, ours := range names {
			if value, replaces := replaced[theirs]; (replaced == nil || replaces) && value != r.Values[theirs] {
				h.gone = append(h.gone, overwritten{id, ours, h.translate(theirs, r.Values[theirs])})
			}
		}
	}
}

// translate is a value of Salesforce's in our words; "?" has none.
func (h *history) translate(name string, value any) string {
	text, _ := value.(string)
	switch name {
	case "Status":
		return map[string]string{"Not Started": "open", "Completed": "complete"}[text] + map[bool]string{true: "", false: "?"}[text == "Not Started" || text == "Completed"]
	case "Priority":
		return map[string]string{"Normal": "normal", "High": "high"}[text] + map[bool]string{true: "", false: "?"}[text == "Normal" || text == "High"]
	case "OwnerId":
		return map[string]string{h.users[rita]: rita, h.users[alex]: alex}[text]
	case "Description":
		for _, rest := range []string{"\n\n[sa:", "[sa:", "\n\nSales rep: ", "Sales rep: "} {
			text, _, _ = strings.Cut(text, rest)
		}
		return text
	}
	return text
}

// check holds both sides against each other.
func (h *history) check() {
	h.t.Helper()
	there := map[string]sandboxsalesforce.Record{}
	for r := range h.org.Records("Task", true) {
		there[r.ID] = r
	}
	rows, err := h.db.Pool.Query(h.t.Context(), `SELECT t.id FROM tasks t ORDER BY t.id`)
	require.NoError(h.t, err)
	var ids []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		require.NoError(h.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	has := map[string]uuid.UUID{}
	for _, id := range ids {
		task := h.find(id)
		require.NotNil(h.t, task.Sync, "every task was made while the sync was on")
		require.Equal(h.t, models.Delivered, task.Sync.State, "%+v", task.Sync)
		if task.Sync.RemoteID == nil {
			require.NotNil(h.t, task.DeletedAt, "only one that was deleted at once never came to be there")
			continue
		}
		r, found := there[*task.Sync.RemoteID]
		require.True(h.t, found)
		has[r.ID] = id
		require.Equal(h.t, r.Deleted, task.DeletedAt != nil, "%s %s", task.Name, r.ID)
		if !r.Deleted {
			h.agree(task, r.Values)
		}
	}
	for id, r := range there {
		ours := r.Values["OwnerId"] == h.users[rita] || r.Values["OwnerId"] == h.users[alex]
		if _, known := has[id]; !known && !r.Deleted && ours {
			require.Fail(h.t, "a Task that is no task here", "%v", r.Values)
		}
	}
	h.nothingLost()
}

// agree compares the fields of a task and its Task.
func (h *history) agree(task models.Task, values map[string]any) {
	h.t.Helper()
	closed := values["Status"] == "Completed"
	due := ""
	if task.DueOn != nil {
		due = task.DueOn.Format(time.DateOnly)
	}
	theirDue, _ := values["ActivityDate"].(string)
	if h.translate("Status", values["Status"]) != "?" {
		require.Equal(h.t, closed, task.Status == models.TaskComplete, task.Name)
	}
	if h.translate("Priority", values["Priority"]) != "?" {
		require.Equal(h.t, values["Priority"] == "High", task.Priority == models.TaskHigh, task.Name)
	}
	require.Equal(h.t, theirDue, due, task.Name)
	require.Equal(h.t, h.translate("Description", values["Description"]), task.Details, task.Name)
	if task.Origin == models.FromSalesforce {
		require.Equal(h.t, values["Subject"], task.Name)
	}
	if rep := task.RepEmail; rep == nil || *rep != "guest@example.com" {
		require.Equal(h.t, h.translate("OwnerId", values["OwnerId"]), value(rep), task.Name)
	}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// nothingLost looks for each value that we replaced or deleted in the history of its task.
func (h *history) nothingLost() {
	h.t.Helper()
	rows, err := h.db.Pool.Query(h.t.Context(), `
		SELECT r.id, h.field, coalesce(h.old, ''), coalesce(h.new, '') FROM task_history h JOIN tasks t ON t.id = h.task_id LEFT JOIN deliveries d ON d.task_id = t.id
		CROSS JOIN LATERAL unnest(t.former_ids || d.remote_id) AS r (id) WHERE h.field <> ''
		UNION ALL SELECT r.id, f.name, f.value, f.value FROM tasks t LEFT JOIN deliveries d ON d.task_id = t.id CROSS JOIN LATERAL unnest(t.former_ids || d.remote_id) AS r (id)
		CROSS JOIN LATERAL (VALUES ('status', t.status), ('priority', t.priority), ('due_on', coalesce(t.due_on::text, '')), ('details', t.details), ('rep', coalesce(t.rep_email, ''))) AS f (name, value)`)
	require.NoError(h.t, err)
	known := map[string][]string{}
	for rows.Next() {
		var id, field, old, next *string
		require.NoError(h.t, rows.Scan(&id, &field, &old, &next))
		if id != nil {
			known[*id+*field] = append(known[*id+*field], *old, *next)
		}
	}
	for _, o := range h.gone {
		if strings.HasSuffix(o.value, "?") || o.field == "rep" && o.value == "" {
			continue
		}
		require.True(h.t, slices.Contains(known[o.remote+o.field], o.value), "%s of %s was %q, and the history knows only %q", o.field, o.remote, o.value, known[o.remote+o.field])
	}
}
