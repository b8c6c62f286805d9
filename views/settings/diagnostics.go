package settings

import (
	"strings"
	"time"

	"salesactions/views"
	"salesactions/views/ui"
)

// DiagnosticsProps are the page of what was not delivered, and why.
type DiagnosticsProps struct {
	Page     views.Page
	Well     bool // nothing failed, waits too long or is paused
	Pauses   []PauseRow
	Counts   []CountRow
	Groups   []FailureRow // which somebody must act on
	Retrying []FailureRow // which are tried again by themselves
	Failed   int64        // deliveries of Groups
}

// PauseRow is why nothing is sent to a destination.
type PauseRow struct {
	Tone                     ui.Tone
	Destination, Class, Code string
	Text, Remedy             string
	Since                    time.Time
	RetryAt                  *time.Time
}

// CountRow is how many deliveries of a destination are not done.
type CountRow struct {
	Destination string
	Facts       []FactRow
	Oldest      *time.Time // since when the first of those that wait could be sent
}

// FailureRow is all deliveries to a destination that failed for one reason.
type FailureRow struct {
	Destination, To, Code string // To is the destination as forms send it
	Class                 string
	Tone                  ui.Tone
	Text, Remedy          string
	Count                 string // "12 deliveries of 9 people"
	First, Last           time.Time
	URL                   string // of the list of them
}

// title names the destination, where what happened does not begin with it.
func (r FailureRow) title() string {
	if strings.HasPrefix(r.Text, r.Destination) {
		return r.Text
	}
	return r.Destination + ": " + r.Text
}

// FailuresProps are the list of failed deliveries of one group.
type FailuresProps struct {
	Page        views.Page
	Group       *FailureRow // nil: nothing fails for this reason any more
	Rows        []FailedRow
	First, Next string
}

// FailedRow is one failed delivery.
type FailedRow struct {
	Kind, URL         string
	Person, PersonURL string
	Rep, Text, Tries  string
	At                time.Time
	Retry             string // where the form goes that tries it again
}

// CodesProps are the page of all error codes.
type CodesProps struct {
	Page    views.Page
	Text    string
	Systems []ui.Option
	Count   string
	Codes   []CodeRow
}

// CodeRow is what one code of another system means.
type CodeRow struct {
	System, Code, Class string
	Tone                ui.Tone
	Text, Remedy, Retry string
}
