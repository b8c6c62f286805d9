// Package tasks has the list of reminder tasks, the page of one, and its form.
package tasks

import (
	"time"

	"salesactions/views"
	"salesactions/views/activity"
	"salesactions/views/ui"
)

// ListProps are the list.
type ListProps struct {
	Page    views.Page
	Filter  Filter
	Results ResultsProps
}

// Filter is the form above the list, as it was sent.
type Filter struct {
	Who, Show, Kinds []ui.Option
	Person           string // id; kept by the form
}

// ResultsProps are the part of the list that a filter replaces, and that is taken anew
// when tasks move.
type ResultsProps struct {
	About  string // in words: "2 overdue, 1 today"
	Groups []Group
	Live   string // address of this part
	First  string // addresses of other pages; empty where there is none
	Next   string
	Empty  *Empty
	List   RowsProps
}

// RowsProps are what all rows of a list have in common.
type RowsProps struct {
	CSRF      string
	Back      string // where a form of a row leads back to
	Everybody bool   // the reps are shown
	InContext bool   // on the page of the person, who is not named again
}

// Group is the tasks of one part of the list, such as those that are overdue.
type Group struct {
	Title string
	Tone  ui.Tone
	Rows  []Row
}

// Row is one task.
type Row struct {
	ID, URL, Name, Kind string
	Icon                activity.Icon
	Details             string // its first line
	Person              activity.Person
	Rep                 string
	Due                 *Due
	DoneAt              *time.Time
	High                bool
	Marks               []activity.Mark
}

// Due is the day by which a task is due.
type Due struct {
	Day     string // "2026-11-25"
	Text    string // "today", "Mon 30 Nov"
	Overdue bool
}

// Empty says why there is nothing, and what helps.
type Empty struct{ Title, Text, Action, URL string }

// ShowProps are the page of one task.
type ShowProps struct {
	Page    views.Page
	Row     Row
	Details string
	Facts   []activity.Fact
	Sync    SyncProps
	History []Line
	Deleted *time.Time
}

// SyncProps are how far a task is in Salesforce.
type SyncProps struct {
	Text  string // of one that is not to be there
	Marks []activity.Mark
	Error *activity.Error
	Retry string // where to send the form that tries again; empty: it cannot be
}

// Line is something that happened to a task.
type Line struct {
	At       time.Time
	By       string // "Rita", "Salesforce"
	Text     string // "Name changed"
	Old, New string
	Values   bool // there is an old and a new value
	Lost     bool // it gave way to another
}

// FormProps are the form of a new task, or of one that is changed.
type FormProps struct {
	Page                  views.Page
	Title, Action, Button string
	Cancel                string
	New                   bool
	Values, Was           Values // as they are shown, and as they were when the form was first shown
	Kinds, Reps           []ui.Option
	PersonName            string // of whom it is about
	Wrong                 map[string]string
}

// Values are a task's as a form holds them.
type Values struct {
	Kind, Name, Priority, DueOn, Details, Rep, Person, Status string
}

// blank marks a cell without a value, which cards on a phone leave out.
func blank(there bool) string {
	if there {
		return ""
	}
	return "blank"
}

// columns is how many the list has.
func (p RowsProps) columns() string {
	switch {
	case p.InContext:
		return "4"
	case p.Everybody:
		return "6"
	default:
		return "5"
	}
}
