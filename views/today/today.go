// Package today has the page that a rep's day begins with: what is due, who answered,
// and what was done of late.
package today

import (
	"time"

	"salesactions/views"
	"salesactions/views/activity"
)

// Props are the page.
type Props struct {
	Page  views.Page
	Date  string // "Wednesday, 25 November"
	Tasks TasksProps
	Feed  FeedProps
	Chart ChartProps
}

// TasksProps are the tasks that are due; without groups there is none.
type TasksProps struct {
	CSRF   string
	Status string // "3 tasks are due", for who hears the page
	Groups []Group
}

// Group are tasks that are due alike.
type Group struct {
	Key, Title string
	Count      string
	Tasks      []Task
	More       string // "12 more"; empty: all are shown
}

// Task is one task.
type Task struct {
	ID, URL, Complete string // Complete is where the form goes that completes it
	Icon              activity.Icon
	Kind, Name        string
	Person, PersonURL string
	Day               string // as machines write it
	Due               string // "20 Nov, 5 days ago"
	High              bool
}

// FeedProps are what people did with emails.
type FeedProps struct {
	Rows  []Engagement
	Live  string // address of this part as it is now, without what came since
	Fresh string // what came since: "3 new"
	Empty *Empty
	Hint  *Empty // what would show more
}

// Empty says what is missing, and what helps.
type Empty struct{ Text, Action, URL string }

// Engagement is one thing that somebody did with an email.
type Engagement struct {
	ID     string
	Icon   activity.Icon
	Reply  bool
	Person activity.Person
	Verb   string // "opened"
	What   string // the subject, quoted
	URL    string
	Line   string // what was answered or clicked, and whose email it was
	At     time.Time
}

// ChartProps are what was done on the days up to this one; without days there was
// nothing.
type ChartProps struct {
	Days   []Day
	Series []Series
}

// Series is one kind of bar with its sum.
type Series struct{ Key, Name, Sum string }

// Day is one day of the chart; Values are in the order of the series.
type Day struct {
	Name   string // "Wed 25 Nov"
	Values []int64
	Text   string // "5 emails sent, 2 calls, 7 opens, clicks and replies"
}

// The icons of the list of tasks.
const (
	tick activity.Icon = "M4 8.5 7 11.5 12.5 5"
	done activity.Icon = "M14 8A6 6 0 1 1 2 8 6 6 0 0 1 14 8M5.2 8.3 7.2 10.3 11 6"
)
