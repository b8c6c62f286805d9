package activities

import (
	"fmt"

	"salesactions/models"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/sftask"
)

// Layout is how the eight kinds are told apart in Marketo.
type Layout string

// The layouts. An instance has room for ten custom types, the customer's included
// (Marketo REST: custom activity types).
const (
	LayoutEight   Layout = "eight"   // a type for each kind
	LayoutGrouped Layout = "grouped" // three types, with the kind as their primary attribute
)

// The attribute that proves that an activity is there: our id.
const (
	idAttribute     = "saActivityId"
	idAttributeName = "Sales Actions ID"
)

// typeOf is what our types are made of; apiName begins with our prefix so that they
// collide with nobody's.
type typeOf struct {
	apiName, name, trigger, filter, description string
	primary                                     marketo.Attribute
}

var eightTypes = map[models.ActivityKind]typeOf{
	models.EmailSent:       newType("SendEmail", "Send Sales Email", "is Sent Sales Email", "was Sent Sales Email", "A rep sent a sales email", subjectAttribute),
	models.EmailOpened:     newType("OpenEmail", "Open Sales Email", "Opens Sales Email", "Opened Sales Email", "The person opened a sales email", subjectAttribute),
	models.EmailClicked:    newType("ClickEmail", "Click Sales Email", "Clicks Link in Sales Email", "Clicked Link in Sales Email", "The person clicked a link in a sales email", subjectAttribute),
	models.EmailReplied:    newType("ReplyEmail", "Replied to Sales Email", "Replies to Sales Email", "Replied to Sales Email", "The person replied to a sales email", subjectAttribute),
	models.EmailBounced:    newType("BounceEmail", "Sales Email Bounced", "Sales Email Bounces", "Sales Email Bounced", "A sales email could not be delivered", subjectAttribute),
	models.CallReceived:    newType("Call", "Sales Call Received", "Receives Sales Call", "Received Sales Call", "The person answered a sales call", outcomeAttribute),
	models.CampaignAdded:   newType("AddCampaign", "Add to Sales Campaign", "is Added to Sales Campaign", "was Added to Sales Campaign", "A rep added the person to a sales campaign", campaignAttribute),
	models.CampaignRemoved: newType("RemoveCampaign", "Removed from Sales Campaign", "is Removed from Sales Campaign", "was Removed from Sales Campaign", "The person left a sales campaign", campaignAttribute),
}

var (
	subjectAttribute  = marketo.Attribute{APIName: "subject", Name: "Subject", DataType: "string"}
	outcomeAttribute  = marketo.Attribute{APIName: "callOutcome", Name: "Call Outcome", DataType: "string"}
	campaignAttribute = marketo.Attribute{APIName: "campaignName", Name: "Sales Campaign Name", DataType: "string"}
	actionAttribute   = marketo.Attribute{APIName: "action", Name: "Action", DataType: "string"}

	groupedEmail    = newType("Email", "Sales Email", "Sales Email Activity", "Had Sales Email Activity", "A sales email, or what happened to it", actionAttribute)
	groupedCall     = newType("SalesCall", "Sales Call", "Sales Call Activity", "Had Sales Call Activity", "A sales call", actionAttribute)
	groupedCampaign = newType("Campaign", "Sales Campaign", "Sales Campaign Activity", "Had Sales Campaign Activity", "A step of a sales campaign", actionAttribute)
)

// newType names a type so that neither its name nor its trigger and filter collide
// with Marketo's own for the same thing.
func newType(api, name, trigger, filter, description string, primary marketo.Attribute) typeOf {
	return typeOf{apiName: "salesActions" + api, name: "SA " + name, trigger: trigger + " - Sales Actions",
		filter: filter + " - Sales Actions", description: description, primary: primary}
}

// attributes beside the primary one, of every type: at most 20 are allowed (Marketo
// REST: custom activity types).
var attributes = []marketo.Attribute{
	{APIName: idAttribute, Name: idAttributeName, DataType: "string"},
	{APIName: "salesRep", Name: "Sales Rep", DataType: "string"},
	subjectAttribute,
	{APIName: "templateName", Name: "Sales Template Name", DataType: "string"},
	{APIName: "templateUrl", Name: "Sales Template URL", DataType: "string"},
	campaignAttribute,
	{APIName: "campaignUrl", Name: "Sales Campaign URL", DataType: "string"},
	{APIName: "campaignStep", Name: "Sales Campaign Step", DataType: "string"},
	{APIName: "campaignDay", Name: "Sales Campaign Day", DataType: "string"},
	{APIName: "link", Name: "Link", DataType: "string"},
	outcomeAttribute,
	{APIName: "callReason", Name: "Call Reason", DataType: "string"},
	{APIName: "callDuration", Name: "Call Duration", DataType: "integer"},
	{APIName: "callRecording", Name: "Call Recording URL", DataType: "string"},
	{APIName: "bounceType", Name: "Bounce Type", DataType: "string"},
	{APIName: "attachmentViewed", Name: "Attachment Viewed", DataType: "boolean"},
	{APIName: "detailsUrl", Name: "Details URL", DataType: "string"},
}

// typesOf are the types of a layout, in the order of the kinds.
func (l Layout) types() []typeOf {
	if l == LayoutGrouped {
		return []typeOf{groupedEmail, groupedCall, groupedCampaign}
	}
	var types []typeOf
	for _, kind := range models.ActivityKinds() {
		types = append(types, eightTypes[kind])
	}
	return types
}

// typeFor is the type that a kind has in a layout.
func (l Layout) typeFor(kind models.ActivityKind) typeOf {
	if l != LayoutGrouped {
		return eightTypes[kind]
	}
	switch kind {
	case models.CallReceived:
		return groupedCall
	case models.CampaignAdded, models.CampaignRemoved:
		return groupedCampaign
	default:
		return groupedEmail
	}
}

// secondary are the attributes of a type beside its primary one.
func (t typeOf) secondary() []marketo.Attribute {
	var list []marketo.Attribute
	for _, a := range attributes {
		if a.APIName != t.primary.APIName {
			list = append(list, a)
		}
	}
	return list
}

const (
	maxString    = 255   // characters of a string attribute (Marketo REST: field types)
	maxCallBytes = 900e3 // of a call's body, which may have 1 MB
)

// newActivity makes Marketo's activity of one of ours.
func (l Layout) newActivity(i item, typeID int) marketo.NewActivity {
	a, t := i.attributes(), l.typeFor(i.Kind)
	values := map[string]any{
		idAttribute: i.Activity.String(), "salesRep": i.RepEmail, "subject": a.Subject, "templateName": a.TemplateName,
		"templateUrl": a.TemplateURL, "campaignName": a.CampaignName, "campaignUrl": a.CampaignURL, "campaignStep": a.CampaignStep,
		"campaignDay": a.CampaignDay, "link": a.LinkURL, "callOutcome": a.CallOutcome, "callReason": a.CallReason,
		"callRecording": a.CallRecordingURL, "bounceType": a.BounceType, "detailsUrl": a.DetailsURL, "action": i.Kind.Name(),
	}
	activity := marketo.NewActivity{LeadID: *i.PersonID, At: i.OccurredAt, TypeID: typeID, Primary: primaryOf(values[t.primary.APIName])}
	for _, attribute := range t.secondary() {
		value, ok := values[attribute.APIName]
		switch attribute.APIName {
		case "callDuration":
			if a.CallDurationSeconds != nil {
				value, ok = *a.CallDurationSeconds, true
			}
		case "attachmentViewed":
			if a.AttachmentViewed != nil {
				value, ok = *a.AttachmentViewed, true
			}
		}
		if text, isText := value.(string); isText {
			value, ok = oneLine(text, maxString), text != ""
		}
		if ok {
			activity.Attributes = append(activity.Attributes, marketo.NewAttribute{APIName: attribute.APIName, Value: value})
		}
	}
	return activity
}

// primaryOf never is empty, which Marketo is likely to refuse.
func primaryOf(value any) string {
	if text := oneLine(fmt.Sprint(value), maxString); text != "" {
		return text
	}
	return "(none)"
}

// oneLine puts text on one line of at most so many characters.
func oneLine(text string, most int) string { return sftask.Cut(sftask.OneLine(text), most) }
