package views_test

import (
	"time"

	"github.com/a-h/templ"

	"salesactions/views"
	"salesactions/views/access"
	"salesactions/views/activity"
	"salesactions/views/people"
	"salesactions/views/settings"
	"salesactions/views/tasks"
	"salesactions/views/today"
	"salesactions/views/ui"
)

var (
	at     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	page   = views.Page{Title: "Test", User: "Ada Lovelace", Email: "ada@acme.example", Admin: true, CSRF: "token", Active: "people", Section: "sync"}
	nobody = views.Page{Title: "Test", CSRF: "token"}
	roles  = []ui.Option{{Value: "rep", Label: "Rep", Chosen: true}, {Value: "admin", Label: "Admin"}}
)

// pages are all pages, each in the states that look different.
func pages() map[string]templ.Component {
	told := page
	told.Flashes = []views.Flash{{Tone: ui.Good, Text: "Made."}, {Tone: ui.Bad, Text: "Not made.", Secret: "s3cret"}}
	all := map[string]templ.Component{
		"signin":             access.Signin(access.SigninProps{Page: nobody, Next: "/people"}),
		"signin refused":     access.Signin(access.SigninProps{Page: nobody, Email: "ada@acme.example", Problem: "Not right."}),
		"invitation":         access.Invitation(access.InvitationProps{Page: nobody, Action: "/invitations/x", Email: "ada@acme.example", Wrong: "Too short."}),
		"account":            access.Account(access.AccountProps{Page: told, Name: "Ada", Email: "ada@acme.example", Role: "Admin", WrongOld: "Not right."}),
		"problem":            views.Problem(page, "There is nothing here", "The address is wrong.", "request-1"),
		"problem signed out": views.Problem(nobody, "There is nothing here", "The address is wrong.", "request-1"),
		"docs": views.Docs(views.DocsProps{Page: page, Intro: "People.", Operations: []views.Operation{{
			Method: "GET", Path: "/people", Summary: "Lists people", Text: "All.", Access: "read",
			Parameters: []views.Parameter{{Name: "q", In: "query", Text: "Words."}}, Example: "{}",
		}}}),
		"users": settings.Users(settings.UsersProps{Page: page, Roles: roles, Wrong: map[string]string{"email": "Enter one."}, Users: []settings.UserRow{
			{ID: "1", Name: "Ada", Email: "ada@acme.example", State: "active", Roles: roles, Self: true, Active: true, Seen: &at},
			{ID: "2", Name: "Rita", Email: "rita@example.com", State: "invited", Roles: roles, Active: true, Invited: true},
			{ID: "3", Name: "Otto", Email: "otto@example.com", State: "inactive", Roles: roles},
		}}),
		"tokens": settings.Tokens(settings.TokensProps{Page: told, Scopes: roles, Tokens: []settings.TokenRow{
			{ID: "1", Name: "CRM", Scope: "read", Hint: "sa_…", Made: at, Used: &at}, {ID: "2", Name: "Old", Made: at, Revoked: &at},
		}}),
		"audit":       settings.Audit(settings.AuditProps{Page: page, Rows: []settings.AuditRow{{At: at, Who: "Ada", What: "users.add"}}, Next: "/settings/audit?cursor=x"}),
		"audit empty": settings.Audit(settings.AuditProps{Page: page}),
	}
	for _, group := range []map[string]templ.Component{todayPages(), peoplePages(), syncPages(), marketoPages(), taskPages(), taskSyncPages(), unsubscribePages()} {
		for name, component := range group {
			all[name] = component
		}
	}
	return all
}

func todayPages() map[string]templ.Component {
	full := today.Props{Page: page, Date: "Sunday, 1 March", Tasks: today.TasksProps{CSRF: "token", Groups: []today.Group{
		{Key: "overdue", Title: "Overdue", Count: "2", More: "1 more", Tasks: []today.Task{{ID: "1", URL: "/tasks/1", Complete: "/tasks/1/complete", Icon: activity.Remind, Kind: "Custom",
			Name: "Prepare", Person: "Ada", PersonURL: "/people/1", Day: "2026-02-27", Due: "27 Feb, 2 days ago", High: true}}},
		{Key: "today", Title: "Today", Count: "1", Tasks: []today.Task{{ID: "2", URL: "/tasks/2", Complete: "/tasks/2/complete", Name: "Call", Day: "2026-03-01", Due: "1 Mar"}}},
	}}, Feed: today.FeedProps{Live: "/today/feed?top=1", Fresh: "3 new", Hint: &today.Empty{Text: "Nobody is linked.", Action: "Link", URL: "/settings/users"}, Rows: []today.Engagement{
		{ID: "1", Reply: true, Person: activity.Person{Name: "Ada", URL: "/people/1"}, Verb: "replied to", What: "“Hello”", URL: "/activity/1", Line: "Thursday works.", At: at},
		{ID: "2", Person: activity.Person{Name: "otto@example.com"}, Verb: "opened", What: "an email", URL: "/activity/2", At: at},
	}}, Chart: today.ChartProps{Series: []today.Series{{Key: "sent", Name: "emails sent", Sum: "3"}}, Days: []today.Day{
		{Name: "Sat 28 Feb", Values: []int64{0}, Text: "0 emails sent"}, {Name: "Sun 1 Mar", Values: []int64{3}, Text: "3 emails sent"},
	}}}
	return map[string]templ.Component{
		"today":       today.Today(full),
		"today empty": today.Today(today.Props{Page: page, Feed: today.FeedProps{Live: "/today/feed", Empty: &today.Empty{Text: "Nobody answered."}}}),
	}
}

func peoplePages() map[string]templ.Component {
	results := people.ResultsProps{
		Count: "2 people", Export: "/people.csv?q=ada", Previous: "/people?cursor=p", Next: "/people?cursor=n",
		Columns: []people.Column{{Label: "Name", URL: "/people?dir=desc", Sorted: "ascending"}, {Label: "Phone"}},
		Rows:    []people.Row{{URL: "/people/1", Name: "Ada", Email: "ada@acme.example", Sharing: "2 people share this email", SharingURL: "/people?q=a", Updated: at, Unsubscribed: true}},
	}
	changes := []people.Change{{Old: "", New: "Countess", Run: "Initial sync", At: at}}
	return map[string]templ.Component{
		"people": people.List(people.ListProps{Page: page, Results: results, Filter: people.Filter{Text: "ada", Set: true, Sort: "company", Order: "desc"}}),
		"people empty": people.List(people.ListProps{Page: page, Results: people.ResultsProps{
			Count: "0 people", Export: "/people.csv", Empty: &people.Empty{Title: "Nobody found", Text: "None.", Action: "Clear filters", URL: "/people"},
		}}),
		"person": people.Person(people.PersonProps{Page: page, Name: "Ada", Line: "Countess · Acme", Kind: "Lead", Fields: []people.Field{
			{Label: "Title", Value: "Countess", Changes: changes}, {Label: "LinkedIn", Value: "in/ada", URL: "https://www.linkedin.com/in/ada"}, {Label: "Phone"},
		}, Links: []people.Link{{Label: "Open in Marketo", URL: "https://app.example"}}, ReadAt: at, SyncedAt: at, Emails: people.EmailsProps{CSRF: "token"}, Tasks: people.TasksProps{Groups: []tasks.Group{{Rows: []tasks.Row{taskRow}}}, List: tasks.RowsProps{CSRF: "token"}}}),
		"person merged": people.Person(people.PersonProps{
			Page: page, Name: "Ada", Archived: "was merged", ArchivedAt: &at, MergedName: "Ada King", MergedURL: "/people/2",
			Unsubscribed: true, Sharing: []people.Link{{Label: "Ada King", URL: "/people/2"}}, History: changes, ReadAt: at, SyncedAt: at, Emails: people.EmailsProps{CSRF: "token"},
		}),
	}
}

func syncPages() map[string]templ.Component {
	progress := &settings.ProgressProps{Done: 400, Total: 1000, Facts: []settings.FactRow{{Name: "People", Value: "400 of 1,000"}}, Rates: []float64{1, 5, 3}, RateText: "People per second"}
	trouble := &settings.Trouble{Tone: ui.Bad, Title: "Somebody must act", Text: "Marketo refuses the client id.", Remedy: "Enter a new one.", RetryAt: &at}
	live := map[string]settings.LiveProps{
		"not connected": {State: "not_connected", Title: "Not connected"},
		"counting":      {State: "ready", Title: "Ready", Count: "Counting…", Counting: true},
		"ready":         {State: "ready", Title: "Ready", Count: "2,409 people qualify."},
		"copying":       {State: "copying", Tone: ui.Waiting, Title: "Copying", Progress: progress},
		"starting":      {State: "copying", Tone: ui.Waiting, Title: "Copying", Progress: &settings.ProgressProps{}},
		"paused":        {State: "paused", Tone: ui.Warning, Title: "Paused", Progress: progress},
		"failed":        {State: "failed", Tone: ui.Bad, Title: "Stopped", Trouble: trouble},
		"following":     {State: "following", Tone: ui.Good, Title: "Up to date", Reconcile: progress, Facts: progress.Facts},
	}
	report := &settings.ReportProps{
		At: at, By: "Ada", Tone: ui.Warning, Verdict: "1 difference", More: "and 200 more",
		Slices:      []settings.SliceRow{{Label: "2026", Marketo: "2", Workspace: "1", Checksum: "ab", Tone: ui.Warning, Verdict: "different"}},
		Differences: []settings.DifferenceRow{{Name: "Ada", URL: "/people/1", Kind: "changed", Changes: "title", Healed: "healed"}},
	}
	made := make(map[string]templ.Component, len(live))
	for name, l := range live {
		l.CSRF = page.CSRF
		made["sync "+name] = settings.Sync(settings.SyncProps{
			Page: page, Live: l, Report: report, Fields: []settings.FieldRow{{Marketo: "title", Ours: "Title", Tone: ui.Bad, State: "missing", Note: "Ask."}},
			Runs: []settings.RunRow{{Kind: "Initial sync", By: "Ada", Outcome: "failed", Tone: ui.Bad, Started: at, Error: "Marketo refused."}},
		})
	}
	return made
}

func marketoPages() map[string]templ.Component {
	connected := settings.MarketoProps{
		Page: page, Connected: true, Endpoint: "https://123-ABC-456.mktorest.com/rest", ClientID: "id", SecretSet: true, Wrong: map[string]string{"endpoint": "Wrong."},
		Test:   &settings.TestProps{Tone: ui.Good, Title: "works", At: at, Text: "Signed in.", Remedy: "None.", Summary: "13 of 13.", Notes: []string{"Few owners."}},
		Budget: settings.BudgetProps{Spent: 10, Budget: 100, Text: "10 of 100", Rows: []settings.FactRow{{Name: "initial sync", Value: "10"}}, Blocked: "Until tomorrow."},
		Rule:   settings.RuleProps{Modes: roles},
	}
	fixed := connected
	fixed.FromEnvironment, fixed.Webhook.FromEnvironment, fixed.Test = true, true, nil
	return map[string]templ.Component{
		"marketo new": settings.Marketo(settings.MarketoProps{Page: page, Rule: settings.RuleProps{Modes: roles}}), "marketo": settings.Marketo(connected), "marketo fixed": settings.Marketo(fixed),
	}
}
