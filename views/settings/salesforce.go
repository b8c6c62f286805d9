package settings

import (
	"time"

	"salesactions/views"
	"salesactions/views/ui"
)

// SalesforceProps are the page of the connection to Salesforce.
type SalesforceProps struct {
	Page            views.Page
	LoginURL        string
	ClientID        string
	SecretSet       bool
	FromEnvironment bool
	Configured      bool // key and secret are there, so that Connect can be pressed
	Connected       bool
	Tone            ui.Tone
	State           string // "connected", "not connected", "must be connected anew"
	Trouble         *Trouble
	Callback        string // the address that the app in Salesforce must list
	Facts           []FactRow
	Wrong           map[string]string
	Budget          BudgetProps
	Org             *OrgProps
}

// OrgProps are what the org has for our Tasks.
type OrgProps struct {
	At      time.Time
	Tone    ui.Tone
	Title   string
	Text    string
	Remedy  string
	Doubles string // how doubles are kept out
	Better  string // how that could be better; empty: it cannot
	Types   []FieldRow
	Fields  []FieldRow
}

// LoggingProps are the page of what is logged to Salesforce.
type LoggingProps struct {
	Page      views.Page
	Connected bool
	Switches  []SwitchProps
	Template  string
	Fields    []SubjectFieldRow
	Preview   PreviewProps
	KeyField  string
	Marker    string
	Backfill  BackfillProps
	Wrong     map[string]string
}

// SwitchProps are one choice, which is saved at once.
type SwitchProps struct {
	CSRF        string
	Name        string // "emails"
	Title, Text string
	On          bool
	Disabled    bool // another choice must be on first
	Saved       bool // just now
	Since       *time.Time
	Next        *time.Time // when it does something next
	Sub         bool       // belongs to the one before
	Action      string     // where the form goes
	More, About string     // a link to where more of it stands, and its words
}

// SubjectFieldRow is an insertable field.
type SubjectFieldRow struct{ Insert, Description string }

// PreviewProps are what the template makes of a real activity.
type PreviewProps struct {
	Subject string
	Example string
	At      *time.Time
	Wrong   string
}

// BackfillProps are the form that logs activities of the past.
type BackfillProps struct {
	CSRF                   string
	Since                  string
	Emails, Replies, Calls bool
	Counted                string // "1,204 Tasks would be created."
	Startable              bool   // there is something to log
	Wrong                  string
}

// TypesProps are our activity types in Marketo.
type TypesProps struct {
	CSRF      string
	Connected bool
	At        *time.Time
	Tone      ui.Tone
	Title     string
	Text      string
	Remedy    string
	Rows      []FieldRow
}

// RepsProps are the reps and their users in Salesforce.
type RepsProps struct {
	CSRF  string
	Wrong string
	Rows  []RepRow
}

// RepRow is a rep of recorded activities, or a user here.
type RepRow struct {
	Email, User, UserID, Activities string
	Tone                            ui.Tone
	State                           string
	Linked                          bool
}

// about is who that is in Salesforce, where anybody, and how much they did.
func (r RepRow) about() string {
	if r.User == "" {
		return r.Activities
	}
	return r.User + " · " + r.Activities
}
