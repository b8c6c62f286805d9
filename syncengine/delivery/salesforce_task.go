package delivery

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"salesactions/models"
)

// maxDescription is how many characters a Task's description may have (Salesforce: Task).
const maxDescription = 32_000

// target is what a Task hangs on, and whose it is.
type target struct {
	whoID, whatID, ownerID string
	repUnmatched           bool // the rep has no user in Salesforce
}

// newTask makes Salesforce's Task of an activity. Fields that the org lacks, or that
// the user may not write, are left out.
func (s SalesforceSetup) newTask(i item, to target, template string) map[string]any {
	a := i.attributes()
	task := map[string]any{"Status": "Completed", "ActivityDate": i.OccurredAt.UTC().Format("2006-01-02"), "WhoId": to.whoID}
	if to.whatID != "" {
		task["WhatId"] = to.whatID
	}
	if to.ownerID != "" {
		task["OwnerId"] = to.ownerID
	}
	kind := "Email"
	if i.Kind == models.CallReceived {
		kind = "Call"
		if a.CallDurationSeconds != nil {
			task["CallDurationInSeconds"] = *a.CallDurationSeconds
		}
		s.text(task, "CallDisposition", a.CallOutcome)
	}
	task["TaskSubtype"] = kind
	switch {
	case i.Kind == models.EmailReplied && s.hasType("Reply"):
		task["Type"] = "Reply"
	case i.Kind != models.EmailReplied && s.hasType(kind):
		task["Type"] = kind
	}
	task["Subject"] = subjectOf(i.Kind, a, template)
	task["Description"] = s.description(i, a, to)
	s.customFields(task, i, a)
	switch s.Scheme {
	case SchemeKey:
		task[s.KeyField] = i.ActivityID.String()
	case SchemeField:
		task[s.MarkerName] = i.ActivityID.String()
	}
	for name := range task {
		if !s.creates(name) {
			delete(task, name)
		}
	}
	return task
}

// subjectOf is the template's text; replies ignore the template.
func subjectOf(kind models.ActivityKind, a models.ActivityAttributes, template string) string {
	if kind == models.EmailReplied {
		return cutText(strings.TrimSpace("Reply: "+withoutBreaks(a.Subject)), MaxSubject)
	}
	if subject := RenderSubject(template, subjectValues(kind, a)); subject != "" {
		return subject
	}
	return kind.Name()
}

func (s SalesforceSetup) customFields(task map[string]any, i item, a models.ActivityAttributes) {
	s.text(task, fieldPresence, a.LocalPresenceID)
	s.text(task, fieldCampaign, a.CampaignName)
	s.text(task, fieldStep, a.CampaignStep)
	s.text(task, fieldTemplate, a.TemplateName)
	s.link(task, fieldRecording, a.CallRecordingURL)
	s.link(task, fieldCampaignLink, a.CampaignURL)
	s.link(task, fieldTemplateLink, a.TemplateURL)
	s.link(task, fieldDetails, a.DetailsURL)
	if i.Kind == models.EmailSent {
		task[fieldStatus] = "Sent"
	}
	if a.AttachmentViewed != nil {
		task[fieldPresentation] = *a.AttachmentViewed
	}
}

// text sets a field, cut to its length in the org.
func (s SalesforceSetup) text(task map[string]any, name, value string) {
	if value == "" {
		return
	}
	if most := s.Fields[name].Length; most > 0 {
		value = cutText(value, most)
	}
	task[name] = value
}

// link sets a field to an address, unless it is too long: half of one leads nowhere.
func (s SalesforceSetup) link(task map[string]any, name, address string) {
	if most := s.Fields[name].Length; address != "" && (most == 0 || len(address) <= most) {
		task[name] = address
	}
}

// description tells what no field holds; the marker has its room kept free.
func (s SalesforceSetup) description(i item, a models.ActivityAttributes, to target) string {
	var lines []string
	for _, line := range []struct{ label, value string }{
		{"", a.BodyPreview}, {"Outcome: ", a.CallOutcome}, {"Reason: ", a.CallReason}, {"Sales campaign: ", a.CampaignName},
	} {
		if line.value != "" {
			lines = append(lines, line.label+line.value)
		}
	}
	if to.repUnmatched && i.RepEmail != "" {
		lines = append(lines, "Sales rep: "+i.RepEmail)
	}
	text := strings.Join(lines, "\n")
	if s.Scheme != SchemeMarker {
		return cutText(text, maxDescription)
	}
	mark := marker(i.ActivityID)
	if text = cutText(text, maxDescription-len(mark)-2); text != "" {
		text += "\n\n"
	}
	return text + mark
}

// marker is the line by which a Task is found again where no field holds our id.
func marker(id uuid.UUID) string {
	return "[sa:" + base64.RawURLEncoding.EncodeToString(id[:]) + "]"
}

// engagement is all that happened to an email.
type engagement struct {
	Opened, Clicked, Replied, Bounced, Viewed bool
}

// update makes the change of the email's Task; every value is absolute, so that
// sending it twice changes nothing.
func (s SalesforceSetup) update(taskID string, e engagement) map[string]any {
	status := "Sent"
	for _, step := range []struct {
		happened bool
		status   string
	}{{e.Opened, "Opened"}, {e.Clicked, "Clicked"}, {e.Replied, "Replied"}, {e.Bounced, "Bounced"}} {
		if step.happened {
			status = step.status
		}
	}
	change := map[string]any{fieldStatus: status}
	for name, happened := range map[string]bool{fieldViewed: e.Opened || e.Clicked, fieldClicked: e.Clicked, fieldReplied: e.Replied, fieldPresentation: e.Viewed} {
		if happened {
			change[name] = true
		}
	}
	for name := range change {
		if !s.updates(name) {
			delete(change, name)
		}
	}
	change["id"] = taskID
	return change
}
