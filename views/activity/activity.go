// Package activity has the feed of activities, the page of one, and the rows that the
// page of a person shows too.
package activity

import (
	"time"

	"salesactions/views"
	"salesactions/views/ui"
)

// FeedProps are the feed.
type FeedProps struct {
	Page    views.Page
	Filter  Filter
	Results ResultsProps
}

// Filter is the form above the feed, as it was sent.
type Filter struct {
	Kinds, States, Destinations []ui.Option
	Person, Rep, From, To       string
	Waiting                     bool
	Set                         bool // anything behind "More filters" is set
}

// ResultsProps are the part of the feed that a filter replaces.
type ResultsProps struct {
	About string // in words: "Newest first", "of Ada Lovelace"
	Rows  []Row
	Live  string // address of this part as it is now, without what came since
	Fresh *Fresh
	First string // addresses of other pages; empty where there is none
	Next  string
	Empty *Empty
}

// Fresh says that newer activities wait to be shown.
type Fresh struct{ Text, URL string }

// Empty says why there is nothing, and what helps.
type Empty struct{ Title, Text, Action, URL string }

// Row is one activity.
type Row struct {
	ID, URL   string
	Icon      Icon
	Kind      string
	At        time.Time
	Person    Person
	Line      string // the subject, the campaign, the outcome
	Link      string // the address that was clicked, as text
	Rep       string
	Marks     []Mark
	Happened  []Happened // to an email, on a person's page
	InContext bool       // on the page of its person, who is not named again
}

// Person is whom an activity is about.
type Person struct {
	Name, URL string // URL is empty until the person is in the workspace
	Note      string // "not in the workspace yet"
}

// Mark is what became of an activity in one destination.
type Mark struct {
	Tone        ui.Tone
	Destination string // "Marketo"
	Text        string // "logged"
	Note        string // why, and what to do
	URL         string // the record that was made, or where to see more
	Away        bool   // URL leads to another system
	At          *time.Time
}

// Happened is how often one thing happened to an email.
type Happened struct {
	Icon Icon
	Text string // "opened 3 times"
	Last time.Time
	Bad  string // "1 failed"
}

// ShowProps are the page of one activity.
type ShowProps struct {
	Page       views.Page
	Row        Row
	Facts      []Fact
	Deliveries []Delivery
	Story      []Row // of the email: itself, then what happened to it
	More       string
}

// Fact is what is known of an activity; URL leads to it.
type Fact struct {
	Name, Value, URL string
}

// Delivery is what became of an activity in one destination, in full.
type Delivery struct {
	Mark     Mark
	What     string // "Task", "the email's Task"
	Attempts string
	Often    bool // more than one
	Sent     *time.Time
	Error    *Error
	Retry    string // where to send the form that tries again; empty: it cannot be
}

// Error is why the last attempt failed.
type Error struct {
	Class, Code, Text, Remedy string
	Tone                      ui.Tone
}

// TimelineProps are the activities of one person.
type TimelineProps struct {
	Rows  []Row
	Live  string
	First string
	Next  string
}

// last leads to when it was sent: "sent 3 times, last 5 minutes ago".
func (d Delivery) last() string {
	if d.Often {
		return ", last "
	}
	return " "
}

// blank marks a cell without a value, which cards on a phone leave out.
func blank(value string) string {
	if value == "" {
		return "blank"
	}
	return ""
}

func blankMarks(marks []Mark) string {
	if len(marks) == 0 {
		return "blank"
	}
	return ""
}
