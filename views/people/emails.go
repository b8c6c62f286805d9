package people

import (
	"time"

	"salesactions/views/activity"
	"salesactions/views/tasks"
)

// TasksProps are the tasks about a person.
type TasksProps struct {
	Groups         []tasks.Group
	List           tasks.RowsProps
	Live, New, All string // addresses of this part, of the form, and of the list
}

// EmailsProps are whether a person may be emailed.
type EmailsProps struct {
	Live         string
	Person, CSRF string
	Unsubscribed bool // here or in Salesforce
	Here         bool // here
	History      []Unsubscribe
	Answer       *Answer // where it was asked
}

// Unsubscribe is one of a person's unsubscribes.
type Unsubscribe struct {
	Text, Reason, By string
	At               time.Time
	ClearedAt        *time.Time
	ClearedBy        string
	Marks            []activity.Mark
}

// Answer is whether a person may be emailed, as a program would be told.
type Answer struct {
	Allowed bool
	Reasons []string
	At      time.Time
	Marketo bool // it was asked
}
