// Package people has the list of people and the page of a person.
package people

import (
	"time"

	"salesactions/views"
	"salesactions/views/activity"
)

// ListProps are the list.
type ListProps struct {
	Page    views.Page
	Filter  Filter
	Results ResultsProps
}

// Filter is the form above the list, as it was sent.
type Filter struct {
	Text, Owner, Company, Source        string
	Opportunity, Unsubscribed, Archived bool
	Linked                              bool // it is known whose people the reader's are
	Mine                                bool
	Sort, Order                         string // kept by the form
	Set                                 bool   // anything but the text is set
}

// ResultsProps are the part of the list that a search replaces.
type ResultsProps struct {
	Count    string // "about 1,200 people"
	Columns  []Column
	Rows     []Row
	Previous string // addresses of the pages beside this one; empty where there is none
	Next     string
	Export   string
	Empty    *Empty
}

// Column is a head of the table; URL sorts by it.
type Column struct {
	Label, URL string
	Sorted     string // "ascending", "descending" or nothing
}

// Row is a person of the list.
type Row struct {
	URL, Name, Company, Title, Email, Phone, Owner, Source string
	Sharing                                                string // "2 people share this email"
	SharingURL                                             string
	Updated                                                time.Time
	Unsubscribed                                           bool
}

// Empty says why there is nobody, and what helps.
type Empty struct {
	Title, Text, Action, URL string
}

// PersonProps are the page of a person.
type PersonProps struct {
	Page                  views.Page
	Name, Line            string // "VP Sales · Acme"
	Archived              string // why the person left; empty while in the workspace
	ArchivedAt            *time.Time
	MergedName, MergedURL string
	Unsubscribed          bool
	Kind                  string // "Lead" or "Contact"
	Owner                 string
	Fields                []Field
	Links                 []Link
	Sharing               []Link
	History               []Change // of the whole person: archived, returned, owner
	Since                 string   // "Initial sync"
	ReadAt, SyncedAt      time.Time
	Timeline              activity.TimelineProps
	GridURL               string
	Tasks                 TasksProps
	Emails                EmailsProps
}

// Field is one of the 13 fields with where its value came from.
type Field struct {
	Label, Value, URL string
	Changes           []Change // newest first
}

// Change is a line of provenance.
type Change struct {
	Old, New, Run string
	At            time.Time
}

// Link leads to another record.
type Link struct{ Label, URL string }

// blank marks a cell without a value, which cards on a phone leave out.
func blank(value string) string {
	if value == "" {
		return "blank"
	}
	return ""
}

// shown writes a missing value so that it is seen to be missing.
func shown(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}
