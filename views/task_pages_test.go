package views_test

import (
	"github.com/a-h/templ"

	"salesactions/views/activity"
	"salesactions/views/people"
	"salesactions/views/tasks"
	"salesactions/views/ui"
)

var (
	taskRow = tasks.Row{ID: "7", URL: "/tasks/7", Name: "Call Ada", Kind: "Call", Icon: activity.Called, Details: "About the pilot", Person: activity.Person{Name: "Ada", URL: "/people/1"},
		Rep: "rita@example.com", Due: &tasks.Due{Day: "2026-03-01", Text: "today", Overdue: true}, High: true, Marks: []activity.Mark{{Tone: ui.Good, Destination: "Salesforce", Text: "in step"}}}
	taskDone = tasks.Row{ID: "8", URL: "/tasks/8", Name: "Done", Kind: "Email", Icon: activity.Opened, DoneAt: &at}
)

func taskPages() map[string]templ.Component {
	filter := tasks.Filter{Who: roles, Show: roles, Kinds: roles, Person: "1"}
	groups := []tasks.Group{{Title: "Overdue", Tone: ui.Bad, Rows: []tasks.Row{taskRow}}, {Rows: []tasks.Row{taskDone}}}
	form := tasks.FormProps{Page: page, Title: "New task", Action: "/tasks", Button: "Create", Cancel: "/tasks", New: true, Kinds: roles, Reps: roles}
	about, edit := form, form
	about.PersonName, about.Values.Person = "Ada", "1"
	edit.New, edit.Wrong = false, map[string]string{"name": "Say what.", "details": "Too long.", "due_on": "Give a day.", "rep": "No."}
	return map[string]templ.Component{
		"tasks": tasks.List(tasks.ListProps{Page: page, Filter: filter, Results: tasks.ResultsProps{About: "Yours: 1 overdue", Groups: groups, Live: "/tasks", First: "/tasks", Next: "/tasks?cursor=n",
			List: tasks.RowsProps{CSRF: "token", Back: "/tasks", Everybody: true}}}),
		"tasks empty": tasks.List(tasks.ListProps{Page: page, Filter: filter, Results: tasks.ResultsProps{Empty: &tasks.Empty{Title: "Nothing to do", Text: "You have no open task.", Action: "New task", URL: "/tasks/new"}}}),
		"task": tasks.Show(tasks.ShowProps{Page: page, Row: taskRow, Details: "First\nSecond", Facts: []activity.Fact{{Name: "Who does it", Value: "rita@example.com"}},
			Sync:    tasks.SyncProps{Marks: taskRow.Marks, Error: &activity.Error{Code: "C", Text: "No.", Remedy: "Ask."}, Retry: "/settings/diagnostics/deliveries/1/retry"},
			History: []tasks.Line{{At: at, By: "Rita", Text: "Created"}, {At: at, By: "Salesforce", Text: "Due", Old: "a", New: "b", Values: true}, {At: at, By: "Rita", Text: "Name", Old: "a", New: "b", Values: true, Lost: true}}}),
		"task deleted": tasks.Show(tasks.ShowProps{Page: page, Row: taskDone, Deleted: &at, Sync: tasks.SyncProps{Text: "Only here."}}),
		"task new":     tasks.Form(form),
		"task about":   tasks.Form(about),
		"task wrong":   tasks.Form(edit),
		"emails":       people.EmailsPage(page, "/people/1", people.EmailsProps{Live: "/people/1/emails", Person: "1", CSRF: "token", Answer: &people.Answer{Allowed: true, At: at, Marketo: true}}),
		"emails refused": people.EmailsPage(page, "/people/1", people.EmailsProps{Live: "/people/1/emails", CSRF: "token", Unsubscribed: true, Here: true, Answer: &people.Answer{Reasons: []string{"Unsubscribed here"}, At: at},
			History: []people.Unsubscribe{{Text: "Marked by a rep", Reason: "Said so", By: "Rita", At: at, ClearedAt: &at, ClearedBy: "by Ada", Marks: taskRow.Marks}}}),
	}
}
