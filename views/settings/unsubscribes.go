package settings

import (
	"time"

	"salesactions/views"
	"salesactions/views/ui"
)

// UnsubscribesProps are the page of who wants no sales email.
type UnsubscribesProps struct {
	Page      views.Page
	Connected bool
	Switches  []SwitchProps
	State     UnsubscribeState
	Field     OptOutProps
	Filter    UnsubscribeFilter
	List      UnsubscribeList
}

// UnsubscribeState is how far both sides are, with the last runs.
type UnsubscribeState struct {
	CSRF    string
	Live    string // where the part is taken anew
	Running bool
	Facts   []FactRow
	Runs    []UnsubscribeRun
}

// UnsubscribeRun is one comparison of both sides.
type UnsubscribeRun struct {
	By                  string
	Started             time.Time
	Tone                ui.Tone
	Outcome             string
	Error, Remedy       string
	Read, Taken, Pushed string
}

// OptOutProps are the choice of the field in Salesforce.
type OptOutProps struct {
	CSRF    string
	At      *time.Time // when the org was looked at; nil: never
	Choices []OptOutChoice
	Other   string // the API name that was typed
	Wrong   string
}

// OptOutChoice is a field that may be chosen.
type OptOutChoice struct {
	Value, Label, Name, Hint string
	Chosen                   bool
	Found                    []FieldRow // on leads and on contacts
}

// UnsubscribeFilter are the filters as they are set.
type UnsubscribeFilter struct {
	Sources        []ui.Option
	Stuck, Cleared bool
}

// UnsubscribeList is the part that a filter replaces.
type UnsubscribeList struct {
	CSRF        string
	Live        string // where the part is taken anew
	Here        string // its address, to come back to
	About       string
	Empty       *EmptyProps
	Rows        []UnsubscribeRow
	First, Next string
}

// EmptyProps say why a list is empty, and what helps.
type EmptyProps struct{ Title, Text, Action, URL string }

// UnsubscribeRow is one unsubscribe.
type UnsubscribeRow struct {
	ID                     string
	Name, URL, Email       string // URL is empty for somebody who is not here
	Source, Reason         string
	At                     time.Time
	By, Address            string
	Tone                   ui.Tone
	State, Note, StateURL  string
	Retry                  string // where the form goes that tries it again
	Cleared                bool
	ClearedAt              *time.Time
	ClearedBy, ClearAction string
}

// question is asked before an unsubscribe is cleared.
func (r UnsubscribeRow) question() string {
	return "Clear the unsubscribe of " + r.Name + " here? Programs may email them again as far as we know. Salesforce and Marketo are not told: clear it there by hand too, or the answer stays no."
}
