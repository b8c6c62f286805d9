package salesforce

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// asks is what a call's headers ask of its changes (Salesforce REST: headers). What
// people do in the org asks for nothing, and meets no such rule.
type asks struct {
	assign     bool      // let assignment rules run
	duplicates bool      // let duplicate rules block
	unmodified time.Time // change nothing that has changed since; zero: whatever has
}

func asked(h http.Header, aboutOne bool) asks {
	options := strings.FieldsFunc(lower(h.Get("Sforce-Duplicate-Rule-Header")), func(r rune) bool { return strings.ContainsRune(",; ", r) })
	a := asks{
		assign:     !strings.EqualFold(h.Get("Sforce-Auto-Assign"), "FALSE"),
		duplicates: !slices.Contains(options, "allowsave=true"),
	}
	if aboutOne { // Collections have no conditions
		a.unmodified = dateIn(h, "If-Unmodified-Since")
	}
	return a
}

// dateIn is the date of a condition in RFC 1123's form, zero if there is none or it is
// malformed.
func dateIn(h http.Header, name string) time.Time {
	date, err := time.Parse(http.TimeFormat, h.Get(name))
	if err != nil {
		return time.Time{}
	}
	return date
}

// changedSince refuses what has changed since a date, by stamps of whole seconds: a
// second change within that second goes unnoticed. The documentation does not say
// which code the error has (inferred).
func (r *record) changedSince(date time.Time) *recordError {
	if date.IsZero() || !r.stamp.After(date) {
		return nil
	}
	return refused("PRECONDITION_FAILED", "The record has been modified since the date that was given")
}

// blocked is what the org's duplicate rule says to a lead or contact that is saved.
func (t *Transaction) blocked(ch *change) *recordError {
	if !t.server.cfg.DuplicateRule || !ch.asks.duplicates || ch.object.name != "Lead" && ch.object.name != "Contact" {
		return nil
	}
	return refused("DUPLICATES_DETECTED", "Use one of these records?")
}

// assigned gives a lead that is saved to whom the org's assignment rule finds: somebody
// who does not have it.
func (t *Transaction) assigned(ch *change, values map[string]any) {
	if !t.server.cfg.AssignmentRule || !ch.asks.assign || ch.object.name != "Lead" {
		return
	}
	for _, user := range slices.Backward(t.server.tables["user"].order) {
		if user.flag("IsActive") && user.id != values["OwnerId"] {
			values["OwnerId"] = user.id
			return
		}
	}
}
