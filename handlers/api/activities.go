package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// Activity is an activity as programs read it: all that was sent, the person that it
// is about, and what became of it in each destination. What was not sent is null.
type Activity struct {
	ID                  string     `json:"id"`
	Key                 string     `json:"key"`
	Type                string     `json:"type"`
	OccurredAt          time.Time  `json:"occurred_at"`
	RecordedAt          time.Time  `json:"recorded_at"`
	PersonID            *string    `json:"person_id"` // null while the person is not in the workspace
	MarketoID           *string    `json:"marketo_id"`
	SalesforceID        *string    `json:"salesforce_id"`
	Email               *string    `json:"email"`
	Rep                 *string    `json:"rep"`
	EmailKey            *string    `json:"email_key"`
	EmailActivityID     *string    `json:"email_activity_id"` // the email_sent that it belongs to
	Subject             *string    `json:"subject"`
	BodyPreview         *string    `json:"body_preview"`
	LinkURL             *string    `json:"link_url"`
	TemplateName        *string    `json:"template_name"`
	TemplateURL         *string    `json:"template_url"`
	DetailsURL          *string    `json:"details_url"`
	CampaignName        *string    `json:"campaign_name"`
	CampaignURL         *string    `json:"campaign_url"`
	CampaignDay         *string    `json:"campaign_day"`
	CampaignStep        *string    `json:"campaign_step"`
	CallOutcome         *string    `json:"call_outcome"`
	CallReason          *string    `json:"call_reason"`
	CallDurationSeconds *int       `json:"call_duration_seconds"`
	CallRecordingURL    *string    `json:"call_recording_url"`
	LocalPresenceID     *string    `json:"local_presence_id"`
	BounceType          *string    `json:"bounce_type"`
	AttachmentViewed    *bool      `json:"attachment_viewed"`
	Deliveries          []Delivery `json:"deliveries"`
}

// Delivery is what became of an activity in one destination.
type Delivery struct {
	Destination string         `json:"destination"`
	State       string         `json:"state"`
	Reason      *string        `json:"reason"` // why it is skipped, or what a pending one waits for
	RemoteID    *string        `json:"remote_id"`
	Error       *DeliveryError `json:"error"` // of the last attempt that failed
	Attempts    int            `json:"attempts"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

// DeliveryError is why an attempt failed, and what to do.
type DeliveryError struct {
	Code   string `json:"code"`
	Class  string `json:"class"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy"`
}

// ActivityPage is one page of activities.
type ActivityPage struct {
	Items      []Activity `json:"items"`
	NextCursor *string    `json:"next_cursor"`
}

// ListActivities answers GET /activities, the newest first.
func (h *Handlers) ListActivities(c echo.Context) error {
	q := readQuery(c, "type", "person_id", "state", "destination", "since", "waiting", "limit", "cursor")
	wish := models.ActivityQuery{
		Kind: models.ActivityKind(q.text("type")), PersonID: q.number("person_id"), State: models.DeliveryState(q.text("state")),
		Destination: models.Destination(q.text("destination")), Since: q.time("since"), Waiting: q.truth("waiting"), Limit: q.limit(), Cursor: q.text("cursor"),
	}
	if wish.Kind != "" && !wish.Kind.Valid() {
		q.fault("type", "The type must be one of the eight types of activities.")
	}
	if wish.State != "" && !wish.State.Valid() {
		q.fault("state", "The state must be pending, sending, delivered, failed or skipped.")
	}
	if d := wish.Destination; d != "" && d != models.ToMarketo && d != models.ToSalesforce {
		q.fault("destination", "The destination must be marketo or salesforce.")
	}
	if err := q.problem(); err != nil {
		return err
	}
	found, err := models.ListActivities(c.Request().Context(), h.db, wish)
	if err != nil {
		return err
	}
	items, err := h.withDeliveries(c, found.Activities)
	if err != nil {
		return err
	}
	page := ActivityPage{Items: items}
	if found.Next != "" {
		page.NextCursor = &found.Next
	}
	return ok(c, page)
}

// ShowActivity answers GET /activities/{id}.
func (h *Handlers) ShowActivity(c echo.Context) error {
	if err := readQuery(c).problem(); err != nil {
		return err
	}
	const nothing = "There is no activity with this id."
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return NewProblem(http.StatusNotFound, nothing)
	}
	activity, err := models.FindActivity(c.Request().Context(), h.db, id)
	if problem := ProblemFor(err); err != nil && problem.Status == http.StatusNotFound {
		problem.Detail = nothing
		return problem
	}
	if err != nil {
		return err
	}
	items, err := h.withDeliveries(c, []models.Activity{activity})
	if err != nil {
		return err
	}
	return ok(c, items[0])
}

// withDeliveries reads the deliveries of a page at once.
func (h *Handlers) withDeliveries(c echo.Context, activities []models.Activity) ([]Activity, error) {
	ids := make([]uuid.UUID, len(activities))
	for i, a := range activities {
		ids[i] = a.ID
	}
	of, err := models.DeliveriesOf(c.Request().Context(), h.db, ids)
	if err != nil {
		return nil, err
	}
	items := make([]Activity, len(activities))
	for i, a := range activities {
		items[i] = newActivity(a, models.Summarise(of[a.ID]))
	}
	return items, nil
}

func newActivity(a models.Activity, deliveries []models.Delivery) Activity {
	at := a.Attributes
	told := Activity{
		ID: a.ID.String(), Key: a.Key, Type: string(a.Kind), OccurredAt: a.OccurredAt.UTC(), RecordedAt: a.RecordedAt.UTC(),
		PersonID: idText(a.PersonID), MarketoID: idText(a.PersonMarketoID), SalesforceID: a.PersonSalesforceID, Email: a.PersonEmail,
		Rep: a.RepEmail, EmailKey: a.EmailKey, Subject: orNull(at.Subject), BodyPreview: orNull(at.BodyPreview), LinkURL: orNull(at.LinkURL),
		TemplateName: orNull(at.TemplateName), TemplateURL: orNull(at.TemplateURL), DetailsURL: orNull(at.DetailsURL),
		CampaignName: orNull(at.CampaignName), CampaignURL: orNull(at.CampaignURL), CampaignDay: orNull(at.CampaignDay), CampaignStep: orNull(at.CampaignStep),
		CallOutcome: orNull(at.CallOutcome), CallReason: orNull(at.CallReason), CallDurationSeconds: at.CallDurationSeconds,
		CallRecordingURL: orNull(at.CallRecordingURL), LocalPresenceID: orNull(at.LocalPresenceID), BounceType: orNull(at.BounceType),
		AttachmentViewed: at.AttachmentViewed, Deliveries: make([]Delivery, 0, len(deliveries)),
	}
	if a.EmailID != nil {
		id := a.EmailID.String()
		told.EmailActivityID = &id
	}
	for _, d := range deliveries {
		told.Deliveries = append(told.Deliveries, newDelivery(d))
	}
	return told
}

func newDelivery(d models.Delivery) Delivery {
	told := Delivery{Destination: string(d.Destination), State: string(d.State), Reason: (*string)(d.Reason), RemoteID: d.RemoteID,
		Attempts: d.Attempts, UpdatedAt: d.UpdatedAt.UTC()}
	if d.Hold != nil {
		waits := "waiting_for_" + string(*d.Hold)
		told.Reason = &waits
	}
	if d.ErrorCode != nil && d.State != models.Delivered && d.State != models.Skipped {
		told.Error = &DeliveryError{Code: *d.ErrorCode, Class: deref(d.ErrorClass), Detail: deref(d.ErrorText), Remedy: deref(d.ErrorRemedy)}
	}
	return told
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
