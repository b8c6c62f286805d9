package views_test

import (
	"github.com/a-h/templ"

	"salesactions/views/settings"
	"salesactions/views/ui"
	"salesactions/views/unsubscribe"
)

func taskSyncPages() map[string]templ.Component {
	facts := []settings.FactRow{{Name: "in Salesforce", Value: "12"}, {Name: "failed", Value: "1"}}
	on := []settings.SwitchProps{{CSRF: "token", Name: "sync", Title: "Sync", On: true, Saved: true, Since: &at, Action: "/settings/tasks/sync"}}
	off := []settings.SwitchProps{{CSRF: "token", Name: "sync", Title: "Sync", Action: "/settings/tasks/sync"}}
	fields := []settings.TaskField{{Here: "Name", There: "Subject", Rule: "From here."}}
	trouble := &settings.Trouble{Tone: ui.Bad, Title: "Nothing is sent", Text: "Salesforce refuses.", Remedy: "Connect.", RetryAt: &at}
	return map[string]templ.Component{
		"task sync off": settings.Tasks(settings.TasksProps{Page: page, Switches: off, Now: "It was never on so far.", Fields: fields,
			State: settings.TaskState{CSRF: "token", Title: "off", Text: "Nothing is read or sent.", Facts: facts}}),
		"task sync": settings.Tasks(settings.TasksProps{Page: page, Connected: true, Switches: on, Fields: fields,
			State: settings.TaskState{CSRF: "token", On: true, Tone: ui.Bad, Title: "some failed", ReadAt: &at, Facts: facts, Failed: "1 task did not arrive", Trouble: trouble}}),
	}
}

func unsubscribePages() map[string]templ.Component {
	switches := []settings.SwitchProps{
		{CSRF: "token", Name: "check", Title: "Ask Marketo", On: true, Action: "/settings/unsubscribes/check"},
		{CSRF: "token", Name: "nightly", Title: "Each night", On: true, Since: &at, Next: &at, Action: "/settings/unsubscribes/nightly"},
	}
	found := []settings.FieldRow{{Ours: "Leads", Tone: ui.Good, State: "there and editable"}, {Ours: "Contacts", Tone: ui.Warning, State: "not there, or hidden"}}
	field := settings.OptOutProps{CSRF: "token", At: &at, Other: "nope", Wrong: "Enter an API name.", Choices: []settings.OptOutChoice{
		{Value: "HasOptedOutOfEmail", Label: "Email opt out", Name: "HasOptedOutOfEmail", Hint: "Salesforce's own.", Found: found}, {Value: "other", Label: "Another", Chosen: true},
	}}
	rows := []settings.UnsubscribeRow{
		{ID: "1", Name: "Ada", URL: "/people/1", Email: "ada@acme.example", Source: "Unsubscribe link", At: at, By: "by the person", Address: "203.0.113.7",
			Tone: ui.Bad, State: "failed", Note: "No such field.", Retry: "/settings/diagnostics/deliveries/7/retry", ClearAction: "/settings/unsubscribes/1/clear"},
		{ID: "2", Name: "new@acme.example", Source: "Told by a program", At: at, Tone: ui.Good, State: "opted out", StateURL: "https://org.example/1", Cleared: true, ClearedAt: &at, ClearedBy: "by Ada"},
	}
	runs := []settings.UnsubscribeRun{{By: "by itself", Started: at, Tone: ui.Bad, Outcome: "failed", Error: "No answer.", Remedy: "Wait.", Read: "1", Taken: "0", Pushed: "0"}}
	state := settings.UnsubscribeState{CSRF: "token", Live: "/settings/unsubscribes", Facts: []settings.FactRow{{Name: "collected here", Value: "1"}}}
	busy := state
	busy.Running, busy.Runs = true, runs
	return map[string]templ.Component{
		"unsubscribes": settings.Unsubscribes(settings.UnsubscribesProps{Page: page, Connected: true, Switches: switches, State: busy, Field: field, Filter: settings.UnsubscribeFilter{Sources: roles, Stuck: true},
			List: settings.UnsubscribeList{CSRF: "token", Live: "/settings/unsubscribes?stuck=1", Here: "/settings/unsubscribes?stuck=1", About: "2 on this page.", Rows: rows, First: "/settings/unsubscribes", Next: "/settings/unsubscribes?cursor=1"}}),
		"unsubscribes empty": settings.Unsubscribes(settings.UnsubscribesProps{Page: page, Switches: switches, State: state, Field: settings.OptOutProps{CSRF: "token"},
			List: settings.UnsubscribeList{CSRF: "token", Live: "/settings/unsubscribes", Empty: &settings.EmptyProps{Title: "Nobody", Text: "None.", Action: "Show all", URL: "/settings/unsubscribes"}}}),
		"unsubscribe":        unsubscribe.Page(unsubscribe.Props{Page: nobody, Title: "Unsubscribe?", Address: "a…@acme.example", Action: "/u/x", Text: "Press."}),
		"unsubscribe done":   unsubscribe.Page(unsubscribe.Props{Page: nobody, Title: "You are unsubscribed", Address: "a…@acme.example", Done: true}),
		"unsubscribe forged": unsubscribe.Page(unsubscribe.Props{Page: nobody, Title: "This link is not whole", Text: "Nothing was changed."}),
	}
}
