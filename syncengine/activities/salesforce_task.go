package activities

import (
	"strings"

	"salesactions/models"
	"salesactions/syncengine/org"
	"salesactions/syncengine/sftask"
)

// maxDescription is how many characters a Task's description may have (Salesforce: Task).
const maxDescription = 32_000

// target is what a Task hangs on, and whose it is.
type target struct {
	org.Target
	ownerID      string
	repUnmatched bool // the rep has no user in Salesforce
}

// taskMaker writes Tasks as the org takes them.
type taskMaker struct{ org.Setup }

// engagementFields says whether the org has any field that shows what happened to an email.
func (s taskMaker) engagementFields() bool {
	for _, name := range []string{org.FieldViewed, org.FieldClicked, org.FieldReplied, org.FieldStatus, org.FieldPresentation} {
		if s.Updates(name) {
			return true
		}
	}
	return false
}

// newTask makes Salesforce's Task of an activity. Fields that the org lacks, or that
// the user may not write, are left out.
func (s taskMaker) newTask(i item, to target, template string) map[string]any {
	a := i.attributes()
	task := map[string]any{"Status": "Completed", "ActivityDate": i.OccurredAt.UTC().Format("2006-01-02"), "WhoId": to.WhoID}
	if to.WhatID != "" {
		task["WhatId"] = to.WhatID
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
	case i.Kind == models.EmailReplied && s.HasType("Reply"):
		task["Type"] = "Reply"
	case i.Kind != models.EmailReplied && s.HasType(kind):
		task["Type"] = kind
	}
	task["Subject"] = subjectOf(i.Kind, a, template)
	task["Description"] = s.description(i, a, to)
	s.customFields(task, i, a)
	sftask.Mark(task, s.Setup, i.Activity)
	for name, value := range task {
		if !s.Creates(name) || !s.Takes(name, value) {
			delete(task, name)
		}
	}
	return task
}

// subjectOf is the template's text; replies ignore the template.
func subjectOf(kind models.ActivityKind, a models.ActivityAttributes, template string) string {
	if kind == models.EmailReplied {
		return sftask.Cut(strings.TrimSpace("Reply: "+sftask.OneLine(a.Subject)), sftask.MaxSubject)
	}
	if subject := sftask.RenderSubject(template, subjectValues(kind, a)); subject != "" {
		return subject
	}
	return kind.Name()
}

// subjectValues are those of an activity.
func subjectValues(kind models.ActivityKind, a models.ActivityAttributes) sftask.SubjectValues {
	what := "Email"
	if kind == models.CallReceived {
		what = "Call"
	}
	return sftask.SubjectValues{
		"activity_type": what, "activity_subject": a.Subject, "sales_campaign_name": a.CampaignName,
		"sales_campaign_day": a.CampaignDay, "sales_campaign_step": a.CampaignStep,
		"call_outcome": a.CallOutcome, "call_reason": a.CallReason,
	}
}

// PreviewSubject is the subject that an activity would have with a template.
func PreviewSubject(template string, kind models.ActivityKind, a models.ActivityAttributes) string {
	return sftask.RenderSubject(template, subjectValues(kind, a))
}

func (s taskMaker) customFields(task map[string]any, i item, a models.ActivityAttributes) {
	s.text(task, org.FieldPresence, a.LocalPresenceID)
	s.text(task, org.FieldCampaign, a.CampaignName)
	s.text(task, org.FieldStep, a.CampaignStep)
	s.text(task, org.FieldTemplate, a.TemplateName)
	s.link(task, org.FieldRecording, a.CallRecordingURL)
	s.link(task, org.FieldCampaignLink, a.CampaignURL)
	s.link(task, org.FieldTemplateLink, a.TemplateURL)
	s.link(task, org.FieldDetails, a.DetailsURL)
	if i.Kind == models.EmailSent {
		task[org.FieldStatus] = "Sent"
	}
	if a.AttachmentViewed != nil {
		task[org.FieldPresentation] = *a.AttachmentViewed
	}
}

// text sets a field, cut to its length in the org.
func (s taskMaker) text(task map[string]any, name, value string) {
	if value == "" {
		return
	}
	if most := s.Fields[name].Length; most > 0 {
		value = sftask.Cut(value, most)
	}
	task[name] = value
}

// link sets a field to an address, unless it is too long: half of one leads nowhere.
func (s taskMaker) link(task map[string]any, name, address string) {
	if most := s.Fields[name].Length; address != "" && (most == 0 || len(address) <= most) {
		task[name] = address
	}
}

// description tells what no field holds; the marker has its room kept free.
func (s taskMaker) description(i item, a models.ActivityAttributes, to target) string {
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
	if s.Scheme != org.SchemeMarker {
		return sftask.Cut(text, maxDescription)
	}
	mark := sftask.Marker(i.Activity)
	if text = sftask.Cut(text, maxDescription-len(mark)-2); text != "" {
		text += "\n\n"
	}
	return text + mark
}

// engagement is all that happened to an email.
type engagement struct {
	Opened, Clicked, Replied, Bounced, Viewed bool
}

// update makes the change of the email's Task; every value is absolute, so that
// sending it twice changes nothing.
func (s taskMaker) update(taskID string, e engagement) map[string]any {
	status := "Sent"
	for _, step := range []struct {
		happened bool
		status   string
	}{{e.Opened, "Opened"}, {e.Clicked, "Clicked"}, {e.Replied, "Replied"}, {e.Bounced, "Bounced"}} {
		if step.happened {
			status = step.status
		}
	}
	change := map[string]any{org.FieldStatus: status}
	for name, happened := range map[string]bool{org.FieldViewed: e.Opened || e.Clicked, org.FieldClicked: e.Clicked, org.FieldReplied: e.Replied, org.FieldPresentation: e.Viewed} {
		if happened {
			change[name] = true
		}
	}
	for name, value := range change {
		if !s.Updates(name) || !s.Takes(name, value) {
			delete(change, name)
		}
	}
	change["id"] = taskID
	return change
}
