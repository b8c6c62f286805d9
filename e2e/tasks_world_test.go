package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// taskWorld is a deployment whose tasks change on both sides, and what is known of them.
type taskWorld struct {
	*delivering
	random *rand.Rand
	rita   string // the rep's user in Salesforce
	n      int
	known  map[string]*knownTask // by name, which nobody changes
}

// knownTask is what must be true of a task in the end.
type knownTask struct {
	sure     bool // it was created: whoever did so was told
	deleted  bool // likewise
	doubtful bool // nobody was told whether a deletion came to pass
	due      []string
	priority string
	done     bool
}

func newTaskWorld(t *testing.T, keyField, settings string) *taskWorld {
	t.Helper()
	w := &taskWorld{delivering: newDelivering(t, keyField), random: rand.New(rand.NewPCG(7, 8)), known: map[string]*knownTask{}}
	w.env = append(w.env, "TASK_POLL_INTERVAL=300ms")
	w.token = strings.TrimSpace(command(t, w.env, "token", "add", "--name", "e2e", "--scope", "admin"))
	command(t, w.env, "user", "add", "--email", "rep@example.com", "--role", "rep", "--name", "Rita")
	serveFor(t, w.env, func() {
		command(t, w.env, "sync", "start")
		command(t, w.env, "sync", "status", "--wait")
	})
	p := w.serve()
	w.ready("the program")
	require.NoError(t, w.call("PATCH", "/settings", []byte(settings), nil))
	var page struct{ Items []person }
	require.NoError(t, w.call("GET", "/people?limit=100", nil, &page))
	w.people = page.Items
	require.NoError(t, p.Process.Signal(interrupt))
	require.NoError(t, p.Wait())
	for _, user := range w.records("User") {
		if user["Email"] == "rep@example.com" {
			w.rita = user["Id"].(string)
		}
	}
	return w
}

func (w *taskWorld) ready(what string) {
	w.t.Helper()
	eventually(w.t, what, func() bool { return w.call("GET", "/sync", nil, nil) == nil })
}

// act does something in Salesforce as a user; false says that it was refused.
func (w *taskWorld) act(do, id string, values map[string]any) bool {
	w.t.Helper()
	raw, err := json.Marshal(map[string]any{"do": do, "object": "Task", "id": id, "values": values})
	require.NoError(w.t, err)
	resp, err := http.Post(w.sandbox.Salesforce.LoginURL+"/_sandbox/act", "application/json", strings.NewReader(string(raw)))
	require.NoError(w.t, err)
	require.NoError(w.t, resp.Body.Close())
	return resp.StatusCode < 300
}

// behave ends Salesforce's misbehaviour.
func (w *taskWorld) behave() {
	w.t.Helper()
	for _, url := range []string{w.sandbox.Salesforce.LoginURL, w.sandbox.Marketo.Endpoint} {
		req, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete, url+"/_sandbox/faults", nil)
		require.NoError(w.t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(w.t, err)
		require.NoError(w.t, resp.Body.Close())
	}
}

// workUntil lets people work on both sides. What is asked of a program that is not up, or
// was killed, has no answer.
func (w *taskWorld) workUntil(deadline time.Time) {
	w.t.Helper()
	for time.Now().Before(deadline) {
		w.n++
		if w.random.IntN(3) > 0 {
			w.workHere()
		} else {
			w.workThere()
		}
		time.Sleep(10 * time.Millisecond) // so that the program has some time for its own work
	}
}

// taskHere is a task as the API tells it.
type taskHere struct {
	ID, Name, Status, Priority string
	DueOn                      string `json:"due_on"`
	Details                    string
	Rep                        string
	SalesforceID               string `json:"salesforce_id"`
	Sync                       map[string]any
}

// here are all tasks here; false says that there was no answer.
func (w *taskWorld) here() ([]taskHere, bool) {
	w.t.Helper()
	var all []taskHere
	for cursor := ""; ; {
		var page struct {
			Items      []taskHere
			NextCursor string `json:"next_cursor"`
		}
		if w.call("GET", "/tasks?limit=500&cursor="+cursor, nil, &page) != nil {
			return nil, false
		}
		all = append(all, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			return all, true
		}
	}
}

func (w *taskWorld) workHere() {
	w.t.Helper()
	tasks, ok := w.here()
	if !ok {
		time.Sleep(50 * time.Millisecond) // it is still starting
		return
	}
	chance := w.random.IntN(10)
	if len(tasks) == 0 || chance < 4 {
		name, due := fmt.Sprintf("here %d", w.n), w.day()
		body := fmt.Sprintf(`{"kind":"call","name":%q,"due_on":%q,"rep":"rep@example.com","person_id":%q}`, name, due, w.people[w.n%len(w.people)].ID)
		w.known[name] = &knownTask{sure: w.call("POST", "/tasks", []byte(body), nil) == nil, due: []string{due}, priority: "normal"}
		return
	}
	task := tasks[w.random.IntN(len(tasks))]
	known := w.known[task.Name]
	require.NotNil(w.t, known, "%s came from nowhere", task.Name)
	change := func(body string) bool { return w.call("PATCH", "/tasks/"+task.ID, []byte(body), nil) == nil }
	switch {
	case chance < 7:
		due := w.day()
		if known.due = append(known.due, due); change(fmt.Sprintf(`{"due_on":%q}`, due)) {
			known.due = []string{due}
		}
	case chance < 8:
		change(fmt.Sprintf(`{"details":"Written here, %d"}`, w.n))
	case chance < 9:
		known.done = change(`{"status":"complete"}`) || known.done
	default:
		if known.doubtful = true; w.call("DELETE", "/tasks/"+task.ID, nil, nil) == nil {
			known.deleted = true
		}
	}
}

func (w *taskWorld) day() string {
	return time.Now().AddDate(0, 0, w.n%300).Format(time.DateOnly)
}

func (w *taskWorld) workThere() {
	w.t.Helper()
	records := slices.DeleteFunc(w.records("Task"), func(r map[string]any) bool { return r["IsDeleted"] == true })
	chance := w.random.IntN(10)
	if len(records) == 0 || chance < 3 {
		name := fmt.Sprintf("there %d", w.n)
		due := w.day()
		if w.act("create", "", map[string]any{"Subject": name, "OwnerId": w.rita, "Status": "Not Started", "Priority": "Normal", "ActivityDate": due}) {
			w.known[name] = &knownTask{sure: true, due: []string{due}, priority: "normal"}
		}
		return
	}
	record := records[w.random.IntN(len(records))]
	known, id := w.known[nameThere(record)], record["Id"].(string)
	require.NotNil(w.t, known, "%v came from nowhere", record["Subject"])
	switch {
	case chance < 7:
		priority := []string{"High", "Normal"}[w.random.IntN(2)]
		if w.act("update", id, map[string]any{"Priority": priority}) {
			known.priority = strings.ToLower(priority)
		}
	case chance < 8:
		w.act("update", id, map[string]any{"Description": fmt.Sprintf("Written there, %d", w.n)})
	case chance < 9:
		known.done = w.act("update", id, map[string]any{"Status": "Completed"}) || known.done
	default:
		known.deleted = w.act("delete", id, nil) || known.deleted
	}
}

// nameThere is a Task's name here: what was created here has its kind before it.
func nameThere(record map[string]any) string {
	return strings.TrimPrefix(fmt.Sprint(record["Subject"]), "Call: ")
}

// agreed waits until both sides are the same, and holds them against what is known.
func (w *taskWorld) agreed() {
	w.t.Helper()
	var differences []string
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("%d differences: %s", len(differences), strings.Join(differences[:min(len(differences), 20)], "\n"))
		}
	})
	began := time.Now()
	eventually(w.t, "both sides to agree", func() bool {
		differences = w.differences()
		return len(differences) == 0
	})
	w.t.Logf("%d tasks agreed after %v", len(w.known), time.Since(began).Round(time.Millisecond))
}

// differences says what is not the same on both sides, or is not as it was left.
func (w *taskWorld) differences() (found []string) {
	w.t.Helper()
	differ := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	tasks, ok := w.here()
	if !ok {
		return []string{"the program does not answer"}
	}
	here, there, all := map[string]taskHere{}, map[string]map[string]any{}, map[string]map[string]any{}
	for _, task := range tasks {
		if _, twice := here[task.Name]; twice {
			require.FailNow(w.t, "twice here: "+task.Name)
		}
		here[task.Name] = task
	}
	for _, record := range w.records("Task") {
		name := nameThere(record)
		require.Nil(w.t, all[name], "%s is twice in Salesforce: %v", name, record)
		if all[name] = record; record["IsDeleted"] != true {
			there[name] = record
		}
	}
	for name, known := range w.known {
		task, isHere := here[name]
		record, isThere := there[name]
		switch {
		case isHere != isThere:
			differ("%s: here %v, there %v: %+v", name, isHere, isThere, task)
		case isHere && known.deleted:
			differ("%s was deleted and is back", name)
		case !isHere && known.sure && !known.deleted && !known.doubtful:
			differ("%s is lost", name)
		case isHere:
			found = append(found, known.differences(task, record)...)
		}
	}
	for name := range there {
		if w.known[name] == nil {
			differ("%s came from nowhere", name)
		}
	}
	return found
}

func (k *knownTask) differences(task taskHere, record map[string]any) (found []string) {
	text := func(field string) string { s, _ := record[field].(string); return s }
	status := map[bool]string{true: "complete", false: "open"}[text("Status") == "Completed"]
	for field, values := range map[string][2]string{"id": {task.SalesforceID, text("Id")}, "status": {task.Status, status},
		"priority": {task.Priority, strings.ToLower(text("Priority"))}, "due_on": {task.DueOn, text("ActivityDate")}, "details": {task.Details, text("Description")}} {
		if values[0] != values[1] {
			found = append(found, fmt.Sprintf("%s: %s is %q here and %q there (%v)", task.Name, field, values[0], values[1], task.Sync))
		}
	}
	switch {
	case !slices.Contains(k.due, task.DueOn):
		found = append(found, fmt.Sprintf("%s: due_on is %s, and was set to %v", task.Name, task.DueOn, k.due))
	case task.Priority != k.priority:
		found = append(found, fmt.Sprintf("%s: priority is %s, and was set to %s", task.Name, task.Priority, k.priority))
	case k.done && task.Status != "complete":
		found = append(found, task.Name+" was completed and is open")
	}
	return found
}
