package settings

import (
	"time"

	"salesactions/views"
	"salesactions/views/ui"
)

// TasksProps are the page of how reminder tasks are kept the same in Salesforce.
type TasksProps struct {
	Page      views.Page
	Connected bool
	Switches  []SwitchProps
	Now       string // what switching it on would do now
	State     TaskState
	Fields    []TaskField
}

// TaskState is how far both sides are.
type TaskState struct {
	On      bool
	CSRF    string
	Tone    ui.Tone
	Title   string
	Text    string
	ReadAt  *time.Time // when Salesforce's changes were last read
	Facts   []FactRow
	Failed  string // in words; empty: nothing failed
	Trouble *Trouble
}

// TaskField is a field of a task, its counterpart and what comes over.
type TaskField struct{ Here, There, Rule string }
