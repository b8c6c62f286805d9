package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"salesactions/clock"
	"salesactions/models"
	"salesactions/syncengine"
)

const (
	twoWayPeople = 2_000
	twoWayTries  = 40
	benchPoll    = time.Second // how often Salesforce's changes of tasks are read
	lookEvery    = 10 * time.Millisecond
	lookMost     = 30 * time.Second // after which a change is given up
	asleep       = 6 * time.Second  // longer than a run of deliveries waits for more
)

// twoWay is the program beside both sandboxes, idle but for what is measured.
type twoWay struct {
	*benchmark
	app    *app
	api    *caller
	org    *caller // Salesforce's rows, as its own API tells them
	acts   *caller // Salesforce's users
	faults *caller // Marketo's misbehaviour
	people []person
}

// person is somebody with a record in Salesforce.
type person struct {
	ID      string  `json:"id"`
	Email   *string `json:"email"`
	Contact *string `json:"salesforce_contact_id"`
	Lead    *string `json:"salesforce_lead_id"`
}

// twoWay measures reminder tasks, unsubscribes and the check before a send, in a
// workspace and an org of their own: what is being synced besides is counted above.
func (b *benchmark) twoWay(ctx context.Context) error {
	box, err := startSandboxProcess(ctx, twoWayPeople)
	if err != nil {
		return err
	}
	defer box.stop()
	if err := b.begin(ctx); err != nil {
		return err
	}
	if _, _, err := b.copy(ctx, box.Endpoint); err != nil {
		return err
	}
	config := syncengine.Config{Work: true, Rate: 1 << 20, DailyBudget: 1 << 40, Concurrency: 10, SalesforceDaily: 1 << 40, TaskPoll: benchPoll,
		Marketo:    syncengine.Credentials{Endpoint: box.Endpoint, ClientID: sandboxClientID, ClientSecret: sandboxClientSecret},
		Salesforce: syncengine.SalesforceCredentials{LoginURL: box.OrgURL, ClientID: sandboxAppID, ClientSecret: sandboxAppSecret}}
	return b.serving(ctx, config, func(a *app, token string) error {
		w := &twoWay{benchmark: b, app: a, api: newCaller(a.url()+"/api/v1", token), org: newCaller(box.OrgURL+"/services/data/v60.0/sobjects", box.OrgToken),
			acts: newCaller(box.OrgURL+"/_sandbox", ""), faults: newCaller(box.Endpoint+"/_sandbox", "")}
		if err := w.prepare(ctx); err != nil {
			return err
		}
		return errors.Join(w.tasksThere(ctx), w.tasksHere(ctx), w.unsubscribes(ctx), w.checks(ctx))
	})
}

// prepare switches on what is measured, and finds people.
func (w *twoWay) prepare(ctx context.Context) error {
	on, off := true, false
	if _, err := w.store.createUser(ctx, models.User{Email: demoRep, Name: "Rita Rep", Role: models.RoleRep}, demoPassword); err != nil && !errors.Is(err, models.ErrConflict) {
		return err
	}
	if err := w.app.engine.ChangeLogging(ctx, syncengine.LoggingChange{Tasks: &on}, actor); err != nil {
		return err
	}
	if err := w.app.engine.ChangeUnsubscribing(ctx, syncengine.UnsubscribingChange{Check: &on, Nightly: &off}, actor); err != nil {
		return err
	}
	var page struct {
		Items []person `json:"items"`
	}
	if err := w.api.call(ctx, http.MethodGet, "/people?limit=500", nil, &page); err != nil {
		return err
	}
	w.people = slices.DeleteFunc(page.Items, func(p person) bool { return p.record() == "" })
	if len(w.people) < 2*twoWayTries {
		return fmt.Errorf("only %d people have a record in Salesforce", len(w.people))
	}
	return nil
}

// record is where a person is among Salesforce's rows; a contact goes before a lead.
func (p person) record() string {
	switch {
	case p.Contact != nil && *p.Contact != "":
		return "/Contact/" + *p.Contact
	case p.Lead != nil && *p.Lead != "":
		return "/Lead/" + *p.Lead
	}
	return ""
}

// benchTask is a task as the API tells it.
type benchTask struct {
	ID           string  `json:"id"`
	Priority     string  `json:"priority"`
	SalesforceID *string `json:"salesforce_id"`
}

// newTask creates a task about the nth person.
func (w *twoWay) newTask(ctx context.Context, n int) (task benchTask, err error) {
	err = w.api.call(ctx, http.MethodPost, "/tasks", map[string]any{"kind": "call", "name": fmt.Sprintf("Call back (%d)", n), "rep": demoRep,
		"person_id": w.people[n%len(w.people)].ID, "due_on": w.store.clock.Now().Format(time.DateOnly)}, &task)
	return task, err
}

// tasksThere measures how long what a rep does takes to be in Salesforce: a new task, a
// change of one that has been there for a while, and one in the second in which its Task
// came to be, which Salesforce's stamps cannot tell from the creation.
func (w *twoWay) tasksThere(ctx context.Context) error {
	tasks := make([]benchTask, twoWayTries)
	err := w.measure(ctx, "new task, here → Salesforce", 2*time.Second, func(n int) (began time.Time, err error) {
		began = w.store.clock.Now()
		if tasks[n], err = w.newTask(ctx, n); err != nil {
			return began, err
		}
		return began, w.untilCreated(ctx, tasks[n])
	})
	if err != nil {
		return err
	}
	err = w.measure(ctx, "changed task, here → Salesforce", 2*time.Second, func(n int) (time.Time, error) { return w.raise(ctx, tasks[n]) })
	if err != nil {
		return err
	}
	return w.measure(ctx, "task changed once created, here → Salesforce", 2*time.Second, func(n int) (time.Time, error) {
		task, err := w.newTask(ctx, n)
		if err == nil {
			err = w.untilCreated(ctx, task)
		}
		if err != nil {
			return time.Time{}, err
		}
		return w.raise(ctx, task)
	})
}

func (w *twoWay) untilCreated(ctx context.Context, task benchTask) error {
	return w.until(ctx, "a new task to be in Salesforce", func() (bool, error) { return w.orgHas(ctx, task.row(), "Priority", "Normal") })
}

// raise gives a task a high priority and waits until Salesforce has it. It returns when
// it began.
func (w *twoWay) raise(ctx context.Context, task benchTask) (time.Time, error) {
	began := w.store.clock.Now()
	if err := w.api.call(ctx, http.MethodPatch, "/tasks/"+task.ID, map[string]any{"priority": "high"}, nil); err != nil {
		return began, err
	}
	return began, w.until(ctx, "a change of a task to be in Salesforce", func() (bool, error) { return w.orgHas(ctx, task.row(), "Priority", "High") })
}

// row is where a task is among Salesforce's rows.
func (t benchTask) row() string { return "/Task/" + models.DefaultKeyField + "/" + t.ID }

// tasksHere measures how long what somebody does in Salesforce takes to be here.
func (w *twoWay) tasksHere(ctx context.Context) error {
	task, err := w.newTask(ctx, 0)
	if err != nil {
		return err
	}
	err = w.until(ctx, "a task to be in Salesforce", func() (bool, error) {
		err := w.api.call(ctx, http.MethodGet, "/tasks/"+task.ID, nil, &task)
		return task.SalesforceID != nil, err
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("changed task, Salesforce → here, read every %v", benchPoll)
	return w.measure(ctx, what, benchPoll+time.Second, func(n int) (time.Time, error) {
		began := w.store.clock.Now()
		wanted := []string{"High", "Normal"}[n%2]
		if err := w.acts.call(ctx, http.MethodPost, "/act", map[string]any{"do": "update", "object": "Task", "id": *task.SalesforceID, "values": map[string]any{"Priority": wanted}}, nil); err != nil {
			return began, err
		}
		return began, w.until(ctx, "a change in Salesforce to be here", func() (bool, error) {
			err := w.api.call(ctx, http.MethodGet, "/tasks/"+task.ID, nil, &task)
			return task.Priority == []string{"high", "normal"}[n%2], err
		})
	})
}

// unsubscribes measures how long somebody's word takes to be in Salesforce, while the
// nightly run is off.
func (w *twoWay) unsubscribes(ctx context.Context) error {
	return w.measure(ctx, "unsubscribe, here → Salesforce", 2*time.Second, func(n int) (time.Time, error) {
		began := w.store.clock.Now()
		p := w.people[len(w.people)-1-n]
		if err := w.api.call(ctx, http.MethodPost, "/unsubscribes", map[string]any{"person_id": p.ID, "reason": "Asked for it"}, nil); err != nil {
			return began, err
		}
		return began, w.until(ctx, "an unsubscribe to be in Salesforce", func() (bool, error) { return w.orgHas(ctx, p.record(), models.StandardOptOut, true) })
	})
}

// orgHas says whether a row in Salesforce has a value; a row that is not there has none.
func (w *twoWay) orgHas(ctx context.Context, row, field string, value any) (bool, error) {
	var fields map[string]any
	err := w.org.call(ctx, http.MethodGet, row+"?fields="+field, nil, &fields)
	if errors.Is(err, errGone) {
		return false, nil
	}
	return fields[field] == value, err
}

// until waits for something that is looked for often.
func (w *twoWay) until(ctx context.Context, what string, ok func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lookMost, fmt.Errorf("waited %v for %s", lookMost, what))
	defer cancel()
	for {
		if done, err := ok(); err != nil || done {
			return err
		}
		if err := w.pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// measure times tries from when they say that they began, and prints their 95th
// percentile beside its limit. The pauses between them meet no rhythm of ours; one in
// ten is so long that whatever works has gone to sleep.
func (w *twoWay) measure(ctx context.Context, what string, limit time.Duration, try func(n int) (time.Time, error)) error {
	times := make([]time.Duration, twoWayTries)
	for n := range times {
		wait := time.Duration(n%10) * 100 * time.Millisecond
		if n%10 == 0 {
			wait = asleep
		}
		if err := w.pause(ctx, wait); err != nil {
			return err
		}
		began, err := try(n)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		times[n] = w.store.clock.Since(began)
	}
	median, p95 := spread(times)
	w.line(fmt.Sprintf("%s: p95 s (median %v)", what, median.Round(time.Millisecond)), p95.Seconds(), fmt.Sprintf("under %.0f", limit.Seconds()), p95 < limit)
	return nil
}

// spread returns the median of times and their 95th percentile, by the nearest rank.
func spread(times []time.Duration) (median, p95 time.Duration) {
	slices.Sort(times)
	rank := func(share float64) time.Duration { return times[int(math.Ceil(share*float64(len(times))))-1] }
	return rank(0.5), rank(0.95)
}

// pause waits, or says why not.
func (b *benchmark) pause(ctx context.Context, d time.Duration) error {
	if clock.Sleep(ctx, b.store.clock, d) != nil {
		return context.Cause(ctx)
	}
	return nil
}
