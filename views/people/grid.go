package people

import (
	"time"

	"github.com/a-h/templ"

	"salesactions/views"
	"salesactions/views/activity"
)

// GridPageProps are the smart grid as a page of its own, for browsers without scripts.
type GridPageProps struct {
	Page            views.Page
	Name, PersonURL string
	Grid            GridProps
}

// GridProps are the smart grid: weeks by kinds, and the list of what is selected.
type GridProps struct {
	URL     string // as it is selected now, to try again
	Live    bool   // in a browser with scripts, whose arrow keys go from cell to cell
	Trouble *GridTrouble
	Partial bool
	Weeks   []GridWeek
	Rows    []GridRow
	All     GridRow // the summary of each week
	Chosen  string  // in words: "Email in the week of 16 November"
	Events  []GridEvent
	More    string // "and 20 more"
	Account *GridAccount
}

// GridTrouble says why Marketo's part is missing.
type GridTrouble struct{ Text, Remedy string }

// GridWeek is a column.
type GridWeek struct {
	Label string // "16"
	Month string // "Nov", where one begins
}

// GridRow is a kind, or the summary of all.
type GridRow struct {
	Icon  activity.Icon
	Label GridCell // selects the kind in all weeks
	Cells []GridCell
}

// GridCell is a link that selects.
type GridCell struct {
	ID, URL  string
	Text     string
	Label    string // for those who do not see the columns
	Level    string // how dark: "0" to "4"
	Selected bool
}

// GridEvent is something that happened.
type GridEvent struct {
	Icon       activity.Icon
	At         time.Time
	What, Line string
	Here       bool // recorded here
	Who        *Link
	Details    []GridDetail
}

// GridDetail is what else is known.
type GridDetail struct{ Name, Value string }

// GridAccount is the choice to show the account's other people.
type GridAccount struct {
	URL   string // toggles; empty: it cannot be
	Shown bool
	Note  string
}

// tab takes all but the selected cell out of the row of tab stops, since arrow keys
// reach them.
func (p GridProps) tab(c GridCell) string {
	if p.Live && !c.Selected {
		return "-1"
	}
	return "0"
}

// gridLink is what a cell's link does: a page of its own, or its part of this one.
func gridLink(p GridProps, c GridCell) templ.Attributes {
	attributes := templ.Attributes{"hx-get": c.URL, "hx-target": "#smart-grid", "hx-swap": "outerMorph", "tabindex": p.tab(c)}
	if c.Selected {
		attributes["aria-current"] = "true"
	}
	return attributes
}
