package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// demoTask is a reminder task as the API tells it.
type demoTask struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// demoReminder is a task that is there when the demo begins.
type demoReminder struct {
	kind, name string
	priority   string
	due        int // days from today; never: none
	rep        string
	done       bool
}

const never = 1 << 20

// demoReminders are a week of two people at work: late, today, tomorrow and done.
var demoReminders = []demoReminder{
	{"call", "Ask how the trial went", "high", -4, demoRep, false},
	{"email", "Send the security questionnaire", "normal", -2, demoRep, false},
	{"call", "Call back about the quote", "normal", -1, demoAdmin, false},
	{"call", "Walk through the proposal", "high", 0, demoRep, false},
	{"email", "Send the notes of the call", "normal", 0, demoRep, false},
	{"inmail", "Congratulate on the new role", "normal", 0, demoRep, false},
	{"custom", "Prepare the renewal", "high", 0, demoAdmin, false},
	{"call", "Ask who signs", "normal", 1, demoRep, false},
	{"email", "Follow up on pricing", "normal", 1, demoAdmin, false},
	{"custom", "Invite to the webinar", "normal", 1, demoRep, false},
	{"inmail", "Ask for an introduction", "normal", 5, demoRep, false},
	{"call", "Agree on the start date", "normal", 9, demoAdmin, false},
	{"custom", "Find out about their budget year", "normal", never, demoRep, false},
	{"call", "First call", "normal", -6, demoRep, true},
	{"email", "Send the brochure", "normal", -3, demoRep, true},
	{"email", "Thank for the demo", "normal", 0, demoAdmin, true},
}

var (
	demoTaskKinds = []string{"email", "call", "inmail", "custom"}
	demoTaskNames = []string{"Call back", "Send the contract", "Ask about next quarter", "Check in", "Share the case study", "Book a demo"}
	demoNotes     = []string{"Prefers mornings.", "Ask for the project plan.", "Wants to see prices for 50 seats.\nMentioned a second team."}
	demoTold      = []string{"Asked on the phone", "Replied: please stop", "No longer in charge"}
)

// openTasks is how many open tasks the demo leaves its reps before they rather finish
// one than take on another.
const openTasks = 40

// reminders makes the tasks of the beginning, in a workspace that has none, and has both
// sides' unsubscribes compared once, so that there is something to see of either.
func (a *demoActors) reminders(ctx context.Context) error {
	var page struct {
		Items []demoTask `json:"items"`
	}
	if err := a.api.call(ctx, http.MethodGet, "/tasks?limit=1", nil, &page); err != nil || len(page.Items) > 0 {
		return err
	}
	for _, r := range demoReminders {
		task := map[string]any{"kind": r.kind, "name": r.name, "priority": r.priority, "rep": r.rep, "person_id": a.person(), "due_on": a.day(r.due)}
		if r.done {
			task["status"] = "complete"
		}
		if err := a.api.call(ctx, http.MethodPost, "/tasks", task, nil); err != nil {
			return err
		}
	}
	return a.api.call(ctx, http.MethodPost, "/unsubscribes/sync", nil, nil)
}

// day is a day from today on as the API has it, nil for none.
func (a *demoActors) day(from int) any {
	if from == never {
		return nil
	}
	return a.clock.Now().AddDate(0, 0, from).Format(time.DateOnly)
}

// work is what reps do beside: mostly nothing, often something about a task, seldom that
// they hear of somebody who wants no more email.
func (a *demoActors) work(ctx context.Context) error {
	switch chance := a.random.IntN(100); {
	case chance < 65:
		return nil
	case chance < 98:
		return a.task(ctx)
	default:
		told := map[string]any{"person_id": a.person(), "source": "api", "reason": pick(a.random, demoTold)}
		return a.api.call(ctx, http.MethodPost, "/unsubscribes", told, nil)
	}
}

// task lets a rep complete, edit or create a task.
func (a *demoActors) task(ctx context.Context) error {
	var page struct {
		Items []demoTask `json:"items"`
	}
	if err := a.api.call(ctx, http.MethodGet, "/tasks?limit=200&status=open", nil, &page); err != nil {
		return err
	}
	chance := a.random.IntN(10)
	if len(page.Items) == 0 || chance < 4 && len(page.Items) < openTasks {
		return a.api.call(ctx, http.MethodPost, "/tasks", a.newTask(), nil)
	}
	task := pick(a.random, page.Items)
	change := map[string]any{"status": "complete"}
	switch chance {
	case 4, 5:
		change = map[string]any{"due_on": a.day(1 + a.random.IntN(10))}
	case 6:
		change = map[string]any{"details": pick(a.random, demoNotes)}
	case 7:
		change = map[string]any{"priority": pick(a.random, []string{"normal", "high"})}
	}
	err := a.api.call(ctx, http.MethodPatch, "/tasks/"+task.ID, change, nil)
	if errors.Is(err, errGone) {
		return nil // somebody in Salesforce deleted it meanwhile
	}
	return err
}

func (a *demoActors) newTask() map[string]any {
	return map[string]any{"kind": pick(a.random, demoTaskKinds), "name": fmt.Sprintf("%s (%d)", pick(a.random, demoTaskNames), a.n), "rep": pick(a.random, []string{demoRep, demoRep, demoAdmin}),
		"person_id": a.person(), "due_on": a.day(a.random.IntN(8)), "priority": pick(a.random, []string{"normal", "normal", "high"})}
}
