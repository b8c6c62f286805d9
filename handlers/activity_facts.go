package handlers

import (
	"cmp"
	"strconv"
	"time"

	"salesactions/models"
	view "salesactions/views/activity"
)

// activityFacts are what is known of an activity, in the order of its page; what is
// not known is left out.
func activityFacts(a models.Activity) []view.Fact {
	var facts []view.Fact
	say := func(name, value string) {
		if value != "" {
			facts = append(facts, view.Fact{Name: name, Value: value})
		}
	}
	link := func(name, value, url string) {
		if value != "" || url != "" {
			facts = append(facts, view.Fact{Name: name, Value: cmp.Or(value, url), URL: webLink(&url)})
		}
	}
	at := a.Attributes
	say("Rep", text(a.RepEmail))
	say("Subject", at.Subject)
	say("Text", at.BodyPreview)
	link("Link", "", at.LinkURL)
	link("Template", at.TemplateName, at.TemplateURL)
	link("Campaign", at.CampaignName, at.CampaignURL)
	say("Campaign day", at.CampaignDay)
	say("Campaign step", at.CampaignStep)
	say("Call outcome", at.CallOutcome)
	say("Call reason", at.CallReason)
	if at.CallDurationSeconds != nil {
		say("Duration", roughly(time.Duration(*at.CallDurationSeconds)*time.Second))
	}
	link("Recording", "", at.CallRecordingURL)
	say("Local presence id", at.LocalPresenceID)
	say("Bounce", at.BounceType)
	if at.AttachmentViewed != nil {
		say("Attachment viewed", yesNo(*at.AttachmentViewed))
	}
	link("Details", "", at.DetailsURL)
	say("Named person", named(a))
	say("Recorded", a.RecordedAt.UTC().Format("2 Jan 2006, 15:04:05 UTC"))
	say("Sender's id", a.Key)
	return facts
}

// named is how the sender named the person.
func named(a models.Activity) string {
	id := ""
	if a.PersonMarketoID != nil {
		id = "Marketo " + strconv.FormatInt(*a.PersonMarketoID, 10)
	}
	return joined(", ", id, numbered("Salesforce", text(a.PersonSalesforceID)), text(a.PersonEmail))
}

func yesNo(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}
