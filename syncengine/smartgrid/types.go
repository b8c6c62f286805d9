package smartgrid

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"salesactions/syncengine/marketo"
)

// wanted is a type of Marketo's that the grid shows. Ten fit into one call. Our own
// types are not among them: what was recorded here comes from here, once.
type wanted struct {
	name  string
	usual int // its number, where the name is translated; 0: it has no published one
	kind  Kind
	what  string
	line  string // the attribute that says most; empty: the primary one
}

// types are the ten (Marketo REST: activity types; the names of its sales product).
var types = []wanted{
	{"Visit Webpage", 1, Web, "Visited a page", ""},
	{"Click Link", 3, Web, "Clicked a link on a page", ""},
	{"Send Email", 6, Email, "Was sent an email", ""},
	{"Email Bounced", 8, Email, "An email bounced", ""},
	{"Open Email", 10, Email, "Opened an email", ""},
	{"Click Email", 11, Email, "Clicked in an email", "Link"},
	{"Interesting Moment", 46, Moment, "Interesting moment", "Description"},
	{"Send Sales Email", 39, Email, "Was sent a sales email", "Email Subject"},
	{"Receive Sales Email", 45, Email, "Replied to a sales email", "Email Subject"},
	{"Received Sales Call", 0, Call, "Received a sales call", "Subject"},
}

// known are the types that an instance has, by number.
func known(has []marketo.ActivityType) map[int]wanted {
	found := map[int]wanted{}
	for _, w := range types {
		for _, t := range has {
			if t.Name == w.name {
				found[t.ID] = w
			}
		}
	}
	for _, w := range types { // names may be translated, numbers are not
		for _, t := range has {
			if _, taken := found[t.ID]; !taken && w.usual != 0 && t.ID == w.usual && !holds(found, w.name) {
				found[t.ID] = w
			}
		}
	}
	return found
}

func holds(found map[int]wanted, name string) bool {
	for _, w := range found {
		if w.name == name {
			return true
		}
	}
	return false
}

// event says what a row of Marketo's log means.
func (w wanted) event(a marketo.Activity) Event {
	e := Event{ID: a.GUID, Person: a.LeadID, At: a.At, Kind: w.kind, What: w.what, Line: a.Primary}
	for name, raw := range a.Attributes {
		value := textOf(raw)
		if value == "" {
			continue
		}
		if name == w.line {
			e.Line = value
			continue
		}
		e.Details = append(e.Details, Detail{Name: name, Value: value})
	}
	slices.SortFunc(e.Details, func(a, b Detail) int { return strings.Compare(a.Name, b.Name) })
	if a.Primary != "" && a.Primary != e.Line {
		e.Details = append(e.Details, Detail{Name: map[Kind]string{Moment: "Kind", Email: "Email"}[w.kind], Value: a.Primary})
	}
	return e
}

// textOf writes a value of a log row, which may be of any type (Marketo REST: activities).
func textOf(raw json.RawMessage) string {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil || value == nil {
		return ""
	}
	if text, ok := value.(string); ok {
		return strings.TrimSpace(text)
	}
	if number, ok := value.(float64); ok && number == float64(int64(number)) {
		return fmt.Sprint(int64(number))
	}
	return fmt.Sprint(value)
}
