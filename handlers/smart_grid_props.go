package handlers

import (
	"strconv"
	"time"

	"salesactions/syncengine"
	"salesactions/views/activity"
	view "salesactions/views/people"
)

// maxGridEvents is how many events of a selection are listed.
const maxGridEvents = 200

// gridKinds are the rows of the grid.
var gridKinds = map[syncengine.GridKind]struct {
	name string
	icon activity.Icon
}{
	syncengine.GridEmail: {"Emails", activity.Sent}, syncengine.GridCall: {"Calls", activity.Called},
	syncengine.GridMoment: {"Moments", activity.Moment}, syncengine.GridWeb: {"Web visits", activity.Visited},
}

func gridProps(g gridChoice, grid syncengine.SmartGrid) view.GridProps {
	props := view.GridProps{URL: g.url(), Partial: grid.Partial, Account: gridAccount(g, grid.Account)}
	if grid.Trouble != nil {
		props.Trouble = &view.GridTrouble{Text: grid.Trouble.Text, Remedy: grid.Trouble.Remedy}
	}
	for i, week := range grid.Weeks {
		w := view.GridWeek{Label: strconv.Itoa(week.Day())}
		if i == 0 || week.Month() != grid.Weeks[i-1].Month() {
			w.Month = week.Format("Jan")
		}
		props.Weeks = append(props.Weeks, w)
	}
	sums := make(map[time.Time]int, len(grid.Weeks))
	for _, kind := range syncengine.GridKinds() {
		row := gridRow(g, kind, gridKinds[kind].name, gridKinds[kind].icon, grid.Weeks, grid.Counts[kind])
		props.Rows = append(props.Rows, row)
		for week, n := range grid.Counts[kind] {
			sums[week] += n
		}
	}
	props.All = gridRow(g, "", "Everything", activity.Sum, grid.Weeks, sums)
	total := 0
	for _, e := range grid.Events {
		if (g.kind != "" && e.Kind != g.kind) || (!g.week.IsZero() && !syncengine.WeekOf(e.At).Equal(g.week)) {
			continue
		}
		if total++; total <= maxGridEvents {
			props.Events = append(props.Events, gridEvent(g, e, grid.Account.Names))
		}
	}
	if total > maxGridEvents {
		props.More = "And " + grouped(int64(total-maxGridEvents)) + " more: choose a week or a kind."
	}
	props.Chosen = g.words() + ": " + plural(int64(total), "event", "events")
	return props
}

func gridRow(g gridChoice, kind syncengine.GridKind, name string, icon activity.Icon, weeks []time.Time, counts map[time.Time]int) view.GridRow {
	id := "grid-" + string(kind)
	whole := g.of(kind, time.Time{})
	row := view.GridRow{Icon: icon, Label: view.GridCell{ID: id + "-all", URL: whole.url(), Text: name, Selected: g.kind == kind && g.week.IsZero()}}
	for _, week := range weeks {
		cell, n := g.of(kind, week), counts[week]
		c := view.GridCell{ID: id + "-" + week.Format(time.DateOnly), URL: cell.url(), Text: strconv.Itoa(n), Level: gridLevel(n),
			Label: cell.words() + ": " + strconv.Itoa(n), Selected: g.kind == kind && g.week.Equal(week)}
		if kind == "" {
			c.Level = "sum"
		}
		row.Cells = append(row.Cells, c)
	}
	return row
}

// gridLevel is how dark a cell is.
func gridLevel(n int) string {
	switch {
	case n == 0:
		return "0"
	case n == 1:
		return "1"
	case n < 4:
		return "2"
	case n < 8:
		return "3"
	default:
		return "4"
	}
}

// words say what is selected.
func (g gridChoice) words() string {
	what := "Everything"
	if g.kind != "" {
		what = gridKinds[g.kind].name
	}
	if g.week.IsZero() {
		return what + " of 90 days"
	}
	return what + " in the week of " + g.week.Format("2 January")
}

func gridEvent(g gridChoice, e syncengine.GridEvent, names map[int64]string) view.GridEvent {
	event := view.GridEvent{Icon: gridKinds[e.Kind].icon, At: e.At, What: e.What, Line: e.Line, Here: e.Here}
	if e.Person != g.person.ID {
		event.Who = &view.Link{Label: names[e.Person], URL: personURL(e.Person)}
	}
	for _, d := range e.Details {
		event.Details = append(event.Details, view.GridDetail{Name: d.Name, Value: d.Value})
	}
	return event
}

// gridAccount is the choice to show the account's others; nothing for who has none.
func gridAccount(g gridChoice, a syncengine.GridAccount) *view.GridAccount {
	if !a.Possible {
		return nil
	}
	other := g
	other.account = !a.Shown
	props := view.GridAccount{URL: other.url(), Shown: a.Shown}
	switch {
	case a.TooMany:
		props.URL, props.Note = "", "The account has more than "+strconv.Itoa(syncengine.MaxAccount)+" people, too many to show together."
	case a.Shown:
		props.Note = "With " + plural(int64(a.People), "colleague", "colleagues")
	}
	return &props
}
