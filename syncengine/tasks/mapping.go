package tasks

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"salesactions/models"
	"salesactions/syncengine/sftask"
)

// mapping translates fields between here and Salesforce.
type mapping struct {
	users    map[string]string // a rep's address → their user in Salesforce
	owners   map[string]string // and back
	home     map[string]bool   // the addresses of our users
	self     string            // the connected user, who has the Tasks of whoever has none
	template string            // of the subject of tasks that were created here
	marked   bool              // the description ends with our id
}

// The values of Salesforce that come over; others stay as they are there (Salesforce:
// Task, Status and Priority).
const (
	notStarted = "Not Started"
	completed  = "Completed"
	normal     = "Normal"
	high       = "High"
)

// noSubject stands for a Task without a subject, since a task has a name.
const noSubject = "(no subject)"

// here is what a field of Salesforce's is for us, and whether it comes over at all.
func (m mapping) here(t state, f field, r remote) (string, bool) {
	switch f {
	case fieldName:
		if t.origin == models.FromHere {
			return t.values[fieldName], false // its subject is made from the template
		}
		return nameOf(r.Subject), true
	case fieldStatus:
		switch r.Status {
		case notStarted:
			return string(models.TaskOpen), true
		case completed:
			return string(models.TaskComplete), true
		}
		return t.values[fieldStatus], false
	case fieldPriority:
		switch r.Priority {
		case normal:
			return string(models.TaskNormal), true
		case high:
			return string(models.TaskHigh), true
		}
		return t.values[fieldPriority], false
	case fieldDue:
		return r.Due, true
	case fieldDetails:
		return m.detailsOf(t, r.Description), true
	default:
		return m.owners[r.OwnerID], true // whoever is nobody here takes it from everybody here
	}
}

func nameOf(subject string) string {
	if subject = sftask.OneLine(subject); subject != "" {
		return subject
	}
	return noSubject
}

// agree says that a field means the same on both sides, so that neither changes.
func (m mapping) agree(t state, f field, r remote) bool {
	switch f {
	case fieldName:
		return r.Subject == m.subject(t) || t.origin == models.FromSalesforce && nameOf(r.Subject) == t.values[fieldName]
	case fieldStatus:
		return r.Closed == (t.values[fieldStatus] == string(models.TaskComplete)) // "In Progress" is open too
	case fieldPriority:
		return (r.Priority == high) == (t.values[fieldPriority] == string(models.TaskHigh)) // "Low" is not high either
	case fieldDetails:
		return m.detailsOf(t, r.Description) == t.values[fieldDetails]
	case fieldRep:
		rep := t.values[fieldRep]
		if m.users[rep] == "" && r.OwnerID == m.self {
			return t.origin == models.FromSalesforce || repNamed(t, r.Description) == rep
		}
		return m.owners[r.OwnerID] == rep
	default:
		return r.raw(f) == t.values[f]
	}
}

// there is what a field of ours is for Salesforce; nil clears it there.
func (m mapping) there(t state, f field) (name string, value any) {
	text := t.values[f]
	switch f {
	case fieldName:
		return "Subject", m.subject(t)
	case fieldStatus:
		if text == string(models.TaskComplete) {
			return "Status", completed
		}
		return "Status", notStarted
	case fieldPriority:
		if text == string(models.TaskHigh) {
			return "Priority", high
		}
		return "Priority", normal
	case fieldDue:
		return "ActivityDate", orNull(text)
	case fieldDetails:
		return "Description", orNull(m.description(t))
	default:
		return "OwnerId", orNull(cmp.Or(m.users[text], m.self))
	}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// subject goes through the admin's template, as the subjects of logged activities do;
// a Task that was created in Salesforce keeps the form that it has there.
func (m mapping) subject(t state) string {
	if t.origin == models.FromSalesforce {
		return t.values[fieldName]
	}
	subject := sftask.RenderSubject(m.template, sftask.SubjectValues{"activity_type": t.kind.Name(), "activity_subject": t.values[fieldName]})
	if subject == "" {
		return t.values[fieldName]
	}
	return subject
}

// description is the details, with who is to do it where Salesforce has no such
// user, and our id where no field holds it.
func (m mapping) description(t state) string {
	if t.origin == models.FromSalesforce {
		return t.values[fieldDetails]
	}
	parts := []string{t.values[fieldDetails]}
	if rep := t.values[fieldRep]; rep != "" && m.users[rep] == "" {
		parts = append(parts, repLine+rep)
	}
	if m.marked {
		parts = append(parts, sftask.Marker(t.id))
	}
	return strings.TrimLeft(strings.Join(parts, "\n\n"), "\n")
}

const repLine = "Sales rep: "

// detailsOf is a description without what we added.
func (m mapping) detailsOf(t state, description string) string {
	text := clean(description)
	if t.origin == models.FromSalesforce {
		return text
	}
	text = clean(strings.TrimSuffix(text, sftask.Marker(t.id)))
	return clean(repAtEnd.ReplaceAllString(text, ""))
}

// repAtEnd is the line that names a rep, who may be another by now.
var repAtEnd = regexp.MustCompile(`(?:^|\n\n)` + repLine + `\S+@\S+$`)

// repNamed is the rep whom a description names at its end.
func repNamed(t state, description string) string {
	text := clean(strings.TrimSuffix(clean(description), sftask.Marker(t.id)))
	return strings.TrimPrefix(strings.TrimSpace(repAtEnd.FindString(text)), repLine)
}

// clean makes texts of both sides alike: Salesforce ends lines as whoever wrote them
// did, and drops the white space at the end.
func clean(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \t\r\n")
}

// markedAs is the task that a Task says it is, where its key, its text field or its
// description holds our id.
func markedAs(texts ...string) (uuid.UUID, bool) {
	for _, text := range texts {
		if id, err := uuid.Parse(text); err == nil {
			return id, true
		}
		if id, found := sftask.FindMarker(text); found {
			return id, true
		}
	}
	return uuid.Nil, false
}
