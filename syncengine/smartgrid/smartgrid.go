// Package smartgrid reads what Marketo itself knows of a person, live: the emails,
// calls, interesting moments and web visits of the last 90 days. Nothing is stored;
// a minute's memory only spares the calls of somebody who looks around in one grid.
package smartgrid

import (
	"time"
)

// Days is how far back the grid goes. Marketo keeps activities of high volume, such
// as web visits and sent emails, for 90 days (Marketo REST: activities).
const Days = 90

// Kind is a row of the grid.
type Kind string

// The kinds.
const (
	Email  Kind = "email"
	Call   Kind = "call"
	Moment Kind = "moment"
	Web    Kind = "web"
)

// Kinds are all of them, in the order of the grid.
func Kinds() []Kind { return []Kind{Email, Call, Moment, Web} }

// Valid says whether the grid has such a row.
func (k Kind) Valid() bool { return k == Email || k == Call || k == Moment || k == Web }

// Event is something that happened to a person.
type Event struct {
	ID      string // Marketo's, or that of the activity here
	Person  int64  // Marketo id
	At      time.Time
	Kind    Kind
	What    string // "Opened an email"
	Line    string // the subject, the page, the outcome
	Details []Detail
	Here    bool // recorded here, and not read from Marketo
}

// Detail is what else is known of an event.
type Detail struct{ Name, Value string }

// Weeks are the first moments of the weeks that the last 90 days touch, oldest first.
// Weeks begin on Monday, in UTC.
func Weeks(now time.Time) []time.Time {
	var weeks []time.Time
	for week := WeekOf(Since(now)); !week.After(now); week = week.AddDate(0, 0, 7) {
		weeks = append(weeks, week)
	}
	return weeks
}

// Since is when the 90 days begin: at the start of a day, so that one place in the
// log serves all who ask on that day.
func Since(now time.Time) time.Time {
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -Days)
}

// WeekOf is the first moment of a time's week.
func WeekOf(at time.Time) time.Time {
	day := at.UTC().Truncate(24 * time.Hour)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// Count counts events by kind and week.
func Count(events []Event) map[Kind]map[time.Time]int {
	counts := make(map[Kind]map[time.Time]int, len(Kinds()))
	for _, kind := range Kinds() {
		counts[kind] = map[time.Time]int{}
	}
	for _, e := range events {
		counts[e.Kind][WeekOf(e.At)]++
	}
	return counts
}
