package tasks

import (
	"time"

	"github.com/google/uuid"

	"salesactions/models"
)

// field is one that both sides have, by its name in the API.
type field string

// The fields, in the order in which the history tells of them.
const (
	fieldName     field = "name"
	fieldStatus   field = "status"
	fieldPriority field = "priority"
	fieldDue      field = "due_on"
	fieldDetails  field = "details"
	fieldRep      field = "rep"
)

var fields = []field{fieldName, fieldStatus, fieldPriority, fieldDue, fieldDetails, fieldRep}

// state is a task as it is here. Values are texts, empty where there is none, so that
// fields can be compared alike.
type state struct {
	id      uuid.UUID
	kind    models.TaskKind
	origin  models.TaskOrigin
	values  map[field]string
	edits   map[field]time.Time // made here since both sides agreed
	deleted bool
	base    *remote // what Salesforce had when both sides agreed; nil: it is not there
}

// remote is a Task as Salesforce has it.
type remote struct {
	Subject     string    `json:"subject"`
	Status      string    `json:"status"`
	Closed      bool      `json:"closed"`
	Priority    string    `json:"priority"`
	Due         string    `json:"due"`
	Description string    `json:"description"`
	OwnerID     string    `json:"owner_id"`
	WhoID       string    `json:"who_id"`
	Deleted     bool      `json:"deleted"`
	Modified    time.Time `json:"-"` // by Salesforce's clock, in whole seconds
	By          string    `json:"-"` // the name of who changed it last
}

// raw is a field as Salesforce has it.
func (r remote) raw(f field) string {
	switch f {
	case fieldName:
		return r.Subject
	case fieldStatus:
		return r.Status
	case fieldPriority:
		return r.Priority
	case fieldDue:
		return r.Due
	case fieldDetails:
		return r.Description
	default:
		return r.OwnerID
	}
}

// take sets a field as Salesforce has it.
func (r *remote) take(f field, from remote) {
	switch f {
	case fieldName:
		r.Subject = from.Subject
	case fieldStatus:
		r.Status, r.Closed = from.Status, from.Closed
	case fieldPriority:
		r.Priority = from.Priority
	case fieldDue:
		r.Due = from.Due
	case fieldDetails:
		r.Description = from.Description
	default:
		r.OwnerID = from.OwnerID
	}
}

// line is what the history tells.
type line struct {
	at       time.Time // zero: now
	source   models.TaskOrigin
	actor    string
	event    models.TaskEvent
	field    field
	old, new string
}

// merge brings what Salesforce has into a task, field by field, and tells what
// changed. What only one side changed since both agreed is taken; what both changed
// goes to the later edit, and the other stands in the history. Edits that are left
// are to be sent. A deletion goes before edits.
//
// For example, the base says {name: Call Ada, priority: Normal}. A rep renamed the
// task here, and somebody set the priority to High there: the task is both, and the
// name is sent. Had both renamed it, the later name would hold on both sides.
func (m mapping) merge(t *state, r remote) []line {
	base := t.base
	if base == nil {
		base = &remote{}
	}
	var lines []line
	restored := base.Deleted && t.deleted && !r.Deleted // somebody took it out of the recycle bin, as it was there
	switch {
	case r.Deleted:
		lines = m.bury(t, *base, r)
	case restored:
		t.deleted, t.edits = false, map[field]time.Time{}
		lines = append(lines, r.line(models.TaskRestored, "", "", ""))
		fallthrough
	default:
		for _, f := range fields {
			lines = append(lines, m.mergeField(t, f, r, restored || r.raw(f) != base.raw(f))...)
		}
	}
	t.base = &r
	return lines
}

// bury ends a task that was deleted in Salesforce. The last edits of either side stay
// in its history.
func (m mapping) bury(t *state, base, r remote) []line {
	var lines []line
	for _, f := range fields {
		value, comes := m.here(*t, f, r)
		if comes && r.raw(f) != base.raw(f) && !m.agree(*t, f, r) {
			lines = append(lines, r.line(models.TaskLost, f, t.values[f], value))
		}
		if _, edited := t.edits[f]; edited && !t.deleted && !base.Deleted && !m.agree(*t, f, r) {
			lines = append(lines, line{source: models.FromHere, event: models.TaskLost, field: f, new: t.values[f]})
		}
	}
	switch {
	case !t.deleted && base.Deleted:
		return lines // restored here since: it is made anew
	case !t.deleted:
		lines = append(lines, r.line(models.TaskDeleted, "", "", ""))
	}
	t.deleted, t.edits = true, map[field]time.Time{}
	return lines
}

// mergeField merges one field, which changed there or not.
func (m mapping) mergeField(t *state, f field, r remote, there bool) []line {
	edited, here := t.edits[f]
	value, comes := m.here(*t, f, r)
	switch {
	case m.agree(*t, f, r):
		delete(t.edits, f)
		return nil
	case !there || !comes:
		return nil // what was edited here goes out; what does not come over stays there
	case t.deleted: // the deletion goes out; what was changed there meanwhile is not forgotten
		return []line{r.line(models.TaskLost, f, t.values[f], value)}
	case here && !edited.Truncate(time.Second).Before(r.Modified): // theirs has whole seconds
		return []line{r.line(models.TaskLost, f, t.values[f], value)}
	}
	var lines []line
	was := t.values[f]
	if here {
		lines = append(lines, line{at: edited, source: models.FromHere, event: models.TaskLost, field: f, old: value, new: was})
	}
	delete(t.edits, f)
	t.values[f] = value
	return append(lines, r.line(models.TaskChanged, f, was, value))
}

// line tells of something that happened in Salesforce.
func (r remote) line(event models.TaskEvent, f field, old, new string) line {
	return line{at: r.Modified, source: models.FromSalesforce, actor: r.By, event: event, field: f, old: old, new: new}
}
