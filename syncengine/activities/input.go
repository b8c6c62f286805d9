package activities

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"salesactions/models"
	"salesactions/syncengine/who"
)

// Limits of what a program may send; destinations cut further where they must.
const (
	MaxKey     = 200       // bytes
	maxText    = 4_000     // bytes of an attribute
	maxPreview = 30_000    // bytes of the body's preview; a Task's description holds 32,000 characters
	maxAhead   = time.Hour // how far ahead a sender's clock may be
)

// Input is an activity as a program sends it.
type Input struct {
	Key          string
	Kind         models.ActivityKind
	OccurredAt   time.Time
	PersonID     int64 // 0: not given; so are the empty ones below
	MarketoID    int64
	SalesforceID string
	Email        string
	RepEmail     string
	EmailKey     string
	Attributes   models.ActivityAttributes
}

// InvalidError says what is wrong with a field of an activity.
type InvalidError = who.InvalidError

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Message: fmt.Sprintf(format, args...)}
}

func (in Input) ref() who.Ref {
	return who.Ref{PersonID: in.PersonID, MarketoID: in.MarketoID, SalesforceID: in.SalesforceID, Email: in.Email}
}

// Check says what is wrong with an activity, apart from whom it is about, or nil.
// The error is an *InvalidError.
func (in *Input) Check(now time.Time) error {
	switch {
	case in.Key == "":
		return invalid("key", "Give the activity a key of your own, so that sending it twice records it once.")
	case len(in.Key) > MaxKey:
		return invalid("key", "The key is longer than %d bytes.", MaxKey)
	case !in.Kind.Valid():
		return invalid("type", "The type must be one of email_sent, email_opened, email_clicked, email_replied, email_bounced, call_received, campaign_added and campaign_removed.")
	case in.OccurredAt.IsZero():
		return invalid("occurred_at", "Say when it happened, as an RFC 3339 time.")
	case in.OccurredAt.After(now.Add(maxAhead)):
		return invalid("occurred_at", "The time lies in the future.")
	case in.OccurredAt.Year() < 1990:
		return invalid("occurred_at", "The time lies too far back.")
	case in.RepEmail != "" && !who.IsAddress(in.RepEmail):
		return invalid("rep", "This must be the rep's email address.")
	case in.EmailKey != "" && !in.Kind.Engagement():
		return invalid("email_key", "Only an open, a click, a reply or a bounce belongs to an email.")
	case len(in.EmailKey) > MaxKey:
		return invalid("email_key", "The key is longer than %d bytes.", MaxKey)
	}
	if err := in.ref().Check(); err != nil {
		return err
	}
	for field, key := range map[string]string{"key": in.Key, "email_key": in.EmailKey} {
		if err := noControls(field, key); err != nil {
			return err
		}
	}
	return checkAttributes(in.Attributes)
}

func checkAttributes(a models.ActivityAttributes) error {
	for field, text := range map[string]string{"subject": a.Subject, "template_name": a.TemplateName, "campaign_name": a.CampaignName,
		"campaign_day": a.CampaignDay, "campaign_step": a.CampaignStep, "call_outcome": a.CallOutcome, "call_reason": a.CallReason,
		"local_presence_id": a.LocalPresenceID, "bounce_type": a.BounceType} {
		if len(text) > maxText {
			return invalid(field, "This is longer than %d bytes.", maxText)
		}
	}
	if len(a.BodyPreview) > maxPreview {
		return invalid("body_preview", "This is longer than %d bytes; send the beginning.", maxPreview)
	}
	for field, text := range map[string]string{"link_url": a.LinkURL, "template_url": a.TemplateURL, "details_url": a.DetailsURL,
		"campaign_url": a.CampaignURL, "call_recording_url": a.CallRecordingURL} {
		if text != "" && (len(text) > maxText || !isWebAddress(text)) {
			return invalid(field, "This must be an address that begins with https:// or http://, of at most %d bytes.", maxText)
		}
	}
	if d := a.CallDurationSeconds; d != nil && (*d < 0 || *d > 7*24*3600) {
		return invalid("call_duration_seconds", "This must be a number of seconds from 0 to a week.")
	}
	return nil
}

func noControls(field, text string) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return invalid(field, "This holds characters that cannot be printed.")
	}
	return nil
}

func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// stripNUL drops what PostgreSQL cannot hold.
func stripNUL(a models.ActivityAttributes) models.ActivityAttributes {
	for _, text := range []*string{&a.Subject, &a.BodyPreview, &a.LinkURL, &a.TemplateName, &a.TemplateURL, &a.DetailsURL,
		&a.CampaignName, &a.CampaignURL, &a.CampaignDay, &a.CampaignStep, &a.CallOutcome, &a.CallReason, &a.CallRecordingURL,
		&a.LocalPresenceID, &a.BounceType} {
		*text = strings.ReplaceAll(*text, "\x00", "")
	}
	return a
}
