package models

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// ActivityKind is which of the eight things happened. The API's field for it is "type".
type ActivityKind string

// The kinds.
const (
	EmailSent       ActivityKind = "email_sent"
	EmailOpened     ActivityKind = "email_opened"
	EmailClicked    ActivityKind = "email_clicked"
	EmailReplied    ActivityKind = "email_replied"
	EmailBounced    ActivityKind = "email_bounced"
	CallReceived    ActivityKind = "call_received"
	CampaignAdded   ActivityKind = "campaign_added"
	CampaignRemoved ActivityKind = "campaign_removed"
)

// ActivityKinds are all kinds, in the order in which they are shown.
func ActivityKinds() []ActivityKind {
	return []ActivityKind{EmailSent, EmailOpened, EmailClicked, EmailReplied, EmailBounced, CallReceived, CampaignAdded, CampaignRemoved}
}

// Name is the name that is used everywhere, Marketo's own for the same thing.
func (k ActivityKind) Name() string {
	switch k {
	case EmailSent:
		return "Send Sales Email"
	case EmailOpened:
		return "Open Sales Email"
	case EmailClicked:
		return "Click Sales Email"
	case EmailReplied:
		return "Replied to Sales Email"
	case EmailBounced:
		return "Sales Email Bounced"
	case CallReceived:
		return "Sales Call Received"
	case CampaignAdded:
		return "Add to Sales Campaign"
	case CampaignRemoved:
		return "Removed from Sales Campaign"
	}
	return ""
}

// Valid says whether it is one of the eight.
func (k ActivityKind) Valid() bool { return k.Name() != "" }

// Engagement says that it is what a person did with an email, or what became of it.
func (k ActivityKind) Engagement() bool {
	return k == EmailOpened || k == EmailClicked || k == EmailReplied || k == EmailBounced
}

// ActivityAttributes are what is known of an activity beside whom and when. Empty
// and nil are absent; the names are those of the API.
type ActivityAttributes struct {
	Subject             string `json:"subject,omitempty"`
	BodyPreview         string `json:"body_preview,omitempty"`
	LinkURL             string `json:"link_url,omitempty"`
	TemplateName        string `json:"template_name,omitempty"`
	TemplateURL         string `json:"template_url,omitempty"`
	DetailsURL          string `json:"details_url,omitempty"`
	CampaignName        string `json:"campaign_name,omitempty"`
	CampaignURL         string `json:"campaign_url,omitempty"`
	CampaignDay         string `json:"campaign_day,omitempty"`
	CampaignStep        string `json:"campaign_step,omitempty"`
	CallOutcome         string `json:"call_outcome,omitempty"`
	CallReason          string `json:"call_reason,omitempty"`
	CallDurationSeconds *int   `json:"call_duration_seconds,omitempty"`
	CallRecordingURL    string `json:"call_recording_url,omitempty"`
	LocalPresenceID     string `json:"local_presence_id,omitempty"`
	BounceType          string `json:"bounce_type,omitempty"`
	AttachmentViewed    *bool  `json:"attachment_viewed,omitempty"`
}

// Scan implements sql.Scanner; the column holds JSON.
func (a *ActivityAttributes) Scan(value any) error {
	var raw []byte
	switch value := value.(type) {
	case string:
		raw = []byte(value)
	case []byte:
		raw = value
	default:
		return fmt.Errorf("read the attributes of an activity: %T is not JSON", value)
	}
	if err := json.Unmarshal(raw, a); err != nil {
		return fmt.Errorf("read the attributes of an activity: %w", err)
	}
	return nil
}

// Value implements driver.Valuer.
func (a ActivityAttributes) Value() (driver.Value, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("write the attributes of an activity: %w", err)
	}
	return string(raw), nil
}

// Activity is something that happened between a rep and a person. It is recorded
// once and never changed, but for its person and its email, which may become known
// later.
type Activity struct {
	ID                 uuid.UUID
	TokenID            int64
	Key                string // the sender's own id, unique for its token
	Kind               ActivityKind
	OccurredAt         time.Time
	RecordedAt         time.Time
	PersonID           *int64  // nil until the person is in the workspace
	PersonMarketoID    *int64  // whom the sender named
	PersonSalesforceID *string // 18 characters
	PersonEmail        *string
	RepEmail           *string    // in small letters
	EmailID            *uuid.UUID // the email that an engagement belongs to
	EmailKey           *string    // its key, as the sender gave it
	Attributes         ActivityAttributes
}

// activityColumns are read from activities "a".
const activityColumns = `a.id, a.token_id, a.key, a.kind, a.occurred_at, a.recorded_at, a.person_id, a.person_marketo_id,
	a.person_salesforce_id, a.person_email, a.rep_email, a.email_id, a.email_key, a.attributes`

// FindActivity returns an activity or ErrNotFound.
func FindActivity(ctx context.Context, db *gorm.DB, id uuid.UUID) (Activity, error) {
	var a Activity
	found := db.WithContext(ctx).Raw(`SELECT `+activityColumns+` FROM activities a WHERE a.id = ?`, id).Scan(&a)
	if found.Error == nil && found.RowsAffected == 0 {
		return Activity{}, translate(gorm.ErrRecordNotFound, "find activity")
	}
	return a, translate(found.Error, "find activity")
}
