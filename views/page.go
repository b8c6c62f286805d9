// Package views has the frame of every page; the pages of a group have a package
// of their own beside it. Views take values and give HTML: they ask nothing.
package views

import (
	"net/url"
	"slices"

	"salesactions/views/ui"
)

// Page is what the frame of a page shows.
type Page struct {
	Title   string // of the window
	User    string // empty: nobody is signed in
	Email   string
	Admin   bool
	CSRF    string
	Cursor  string // of the stream of changes, from before anything was read
	Active  string // of the rail: "today", "people", "activity", "tasks", "settings"
	Section string // of the settings: "sync", "marketo", …
	Search  string // in the field of the bar
	Flashes []Flash
	Pauses  []Pause // destinations to which nothing is sent at present
}

// Events is where the page is told that topics changed since it was read.
func (p Page) Events(topics ...string) string {
	return "/events?" + url.Values{"topic": topics, "since": {p.Cursor}}.Encode()
}

// Pause says why nothing is sent to a destination; only admins see what to do.
type Pause struct {
	Destination, Text, Remedy string
	Passing                   bool // it ends by itself
}

// Flash is a message of the form that was sent before.
type Flash struct {
	Tone   ui.Tone
	Text   string
	Secret string // shown this once
}

// entry is a place to go to.
type entry struct{ key, label, path string }

// everyday is where everybody goes; admins have the settings as well.
var everyday = []entry{{"today", "Today", "/"}, {"people", "People", "/people"}, {"activity", "Activity", "/activity"}, {"tasks", "Tasks", "/tasks"}}

var settingsNav = []entry{
	{"sync", "Data sync", "/settings/sync"}, {"marketo", "Marketo", "/settings/marketo"},
	{"salesforce", "Salesforce", "/settings/salesforce"}, {"logging", "Logging", "/settings/logging"},
	{"tasks", "Reminder tasks", "/settings/tasks"}, {"unsubscribes", "Unsubscribes", "/settings/unsubscribes"}, {"users", "Users", "/settings/users"},
	{"tokens", "API tokens", "/settings/tokens"}, {"diagnostics", "Diagnostics", "/settings/diagnostics"}, {"jobs", "Jobs", "/settings/jobs/"}, {"audit", "Audit log", "/settings/audit"},
}

func (p Page) rail() []entry {
	if p.Admin {
		return append(slices.Clone(everyday), entry{"settings", "Settings", "/settings/sync"})
	}
	return everyday
}

// palette is everything that can be gone to by name.
func (p Page) palette() []entry {
	places := slices.Clone(everyday)
	if p.Admin {
		for _, e := range settingsNav {
			places = append(places, entry{e.key, "Settings: " + e.label, e.path})
		}
	}
	return append(places, entry{"account", "Account", "/account"}, entry{"docs", "API documents", "/api/docs"})
}

// tone is louder for who can do something about it.
func (p Pause) tone(admin bool) string {
	switch {
	case !admin:
		return string(ui.Neutral)
	case p.Passing:
		return string(ui.Warning)
	default:
		return string(ui.Bad)
	}
}
