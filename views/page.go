// Package views has the frame of every page; the pages of a group have a package
// of their own beside it. Views take values and give HTML: they ask nothing.
package views

import "salesactions/views/ui"

// Page is what the frame of a page shows.
type Page struct {
	Title   string // of the window
	User    string // empty: nobody is signed in
	Email   string
	Admin   bool
	CSRF    string
	Active  string // of the rail: "people", "settings"
	Section string // of the settings: "sync", "marketo", …
	Search  string // in the field of the bar
	Flashes []Flash
}

// Flash is a message of the form that was sent before.
type Flash struct {
	Tone   ui.Tone
	Text   string
	Secret string // shown this once
}

// entry is a place to go to.
type entry struct{ key, label, path string }

var rail = []entry{{"people", "People", "/people"}, {"settings", "Settings", "/settings/sync"}}

var settingsNav = []entry{
	{"sync", "Data sync", "/settings/sync"}, {"marketo", "Marketo", "/settings/marketo"}, {"users", "Users", "/settings/users"},
	{"tokens", "API tokens", "/settings/tokens"}, {"jobs", "Jobs", "/settings/jobs/"}, {"audit", "Audit log", "/settings/audit"},
}

func (p Page) rail() []entry {
	if p.Admin {
		return rail
	}
	return rail[:1]
}

// palette is everything that can be gone to by name.
func (p Page) palette() []entry {
	places := []entry{{"people", "People", "/people"}}
	if p.Admin {
		for _, e := range settingsNav {
			places = append(places, entry{e.key, "Settings: " + e.label, e.path})
		}
	}
	return append(places, entry{"account", "Account", "/account"}, entry{"docs", "API documents", "/api/docs"})
}
