// Package settings has the pages of the settings.
package settings

import (
	"time"

	"salesactions/views"
	"salesactions/views/ui"
)

// FieldRow is one of the 13 fields, and where Marketo keeps it.
type FieldRow struct {
	Marketo, Ours, Note string
	Tone                ui.Tone
	State               string // "found", "missing", "not asked yet"
}

// Trouble is what is wrong, and what to do.
type Trouble struct {
	Tone                ui.Tone
	Title, Text, Remedy string
	RetryAt             *time.Time
}

// SyncProps are the page of the data sync.
type SyncProps struct {
	Page   views.Page
	Fields []FieldRow
	Live   LiveProps
	Report *ReportProps
	Runs   []RunRow
}

// LiveProps are the part of the page that moves.
type LiveProps struct {
	CSRF      string
	State     string // of the handler: "not_connected", "ready", "copying", "paused", "failed", "following"
	Tone      ui.Tone
	Title     string
	Text      string
	Trouble   *Trouble
	Count     string // the preview in one sentence
	Counting  bool
	Progress  *ProgressProps
	Reconcile *ProgressProps
	Facts     []FactRow
}

// FactRow is a figure with its name.
type FactRow struct{ Name, Value string }

// ProgressProps are a run's progress in real numbers.
type ProgressProps struct {
	Done, Total int64 // Total 0: not known yet
	Facts       []FactRow
	Rates       []float64
	RateText    string // what the line shows, in words
}

// RunRow is a run of the table.
type RunRow struct {
	Kind, By, Outcome string
	Tone              ui.Tone
	Started           time.Time
	Took              string
	Read, Created     string
	Updated, Archived string
	Calls             string
	Error             string
}

// ReportProps are a reconciliation's report.
type ReportProps struct {
	At          time.Time
	By          string
	Tone        ui.Tone
	Verdict     string
	Slices      []SliceRow
	Differences []DifferenceRow
	More        string // "and 200 more"
}

// SliceRow compares a part of both sides.
type SliceRow struct {
	Label, Marketo, Workspace, Checksum string
	Tone                                ui.Tone
	Verdict                             string
}

// DifferenceRow is a person who was not the same.
type DifferenceRow struct {
	Name, URL, Kind, Changes, Healed string
}

// MarketoProps are the page of the connection to Marketo.
type MarketoProps struct {
	Page            views.Page
	Connected       bool
	FromEnvironment bool
	Endpoint        string
	ClientID        string
	SecretSet       bool
	Saved           string // "saved 3 days ago by …"
	Wrong           map[string]string
	Test            *TestProps
	Types           TypesProps
	Budget          BudgetProps
	Webhook         WebhookProps
	Rule            RuleProps
	MarketoWeb      string
	SalesforceWeb   string
	LinksVersion    string
}

// TestProps are what the last test found.
type TestProps struct {
	Tone    ui.Tone
	Title   string
	At      time.Time
	Text    string
	Remedy  string
	Notes   []string
	Fields  []FieldRow
	Summary string
}

// BudgetProps are the calls of today.
type BudgetProps struct {
	Spent, Budget int64
	Text          string
	Rows          []FactRow
	Blocked       string
}

// WebhookProps are how Marketo pushes changes.
type WebhookProps struct {
	URL             string
	FromEnvironment bool
	State           string
}

// RuleProps are the rule that selects people.
type RuleProps struct {
	Modes                    []ui.Option
	ListID, ListName         string
	Owners, LinkedIn, Source string
	Version                  string
}

// UsersProps are the page of the users.
type UsersProps struct {
	Page        views.Page
	Users       []UserRow
	Email, Name string
	Roles       []ui.Option
	Wrong       map[string]string
	Reps        RepsProps
}

// UserRow is a user.
type UserRow struct {
	ID                 string
	Name, Email, State string
	Tone               ui.Tone
	Roles              []ui.Option
	Seen               *time.Time
	Self, Active       bool
	Invited            bool
}

// TokensProps are the page of the API tokens.
type TokensProps struct {
	Page   views.Page
	Tokens []TokenRow
	Name   string
	Scopes []ui.Option
	Wrong  map[string]string
}

// TokenRow is an API token.
type TokenRow struct {
	ID, Name, Scope, Hint, By string
	Made                      time.Time
	Used, Revoked             *time.Time
}

// AuditProps are the page of the audit log.
type AuditProps struct {
	Page          views.Page
	Actor, Action string
	Rows          []AuditRow
	Next          string
}

// AuditRow is a line of the audit log.
type AuditRow struct {
	At                                           time.Time
	Who, What, Action, Subject, Details, Address string
}

func secretHint(set bool) string {
	if set {
		return "Saved and sealed; it is never shown. Leave this empty to keep it."
	}
	return "In the same place. It is kept sealed and never shown."
}
