package handlers

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/activity"
)

// maxStory is how much of what happened to one email is shown.
const maxStory = 100

// ActivityShow shows one activity: what is known of it, what became of it in each
// destination, and the email that it belongs to.
func (h *Handlers) ActivityShow(c echo.Context) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return models.ErrNotFound
	}
	ctx := c.Request().Context()
	activity, err := models.FindActivity(ctx, h.db, id)
	if err != nil {
		return err
	}
	story, err := h.emailStory(ctx, activity)
	if err != nil {
		return err
	}
	user, _ := request.User(c)
	rows, err := h.loadActivityRows(ctx, append(story, activity), user.Role == models.RoleAdmin)
	if err != nil {
		return err
	}
	page, err := h.frame(c, activity.Kind.Name())
	if err != nil {
		return err
	}
	page.Active = "activity"
	props := view.ShowProps{Page: page, Row: rows.row(activity), Facts: activityFacts(activity), Deliveries: rows.details(rows.deliveries[id])}
	if len(story) == maxStory {
		props.More = "Only the first " + strconv.Itoa(maxStory) + " are shown."
	}
	props.Story = rows.rows(story)
	for i := range props.Story {
		props.Story[i].Line = story[i].Attributes.Subject
	}
	return h.render(c, http.StatusOK, view.Show(props))
}

// emailStory is the email that an activity is or belongs to, with what happened to
// it; nothing where there is no such email, or nothing happened to it.
func (h *Handlers) emailStory(ctx context.Context, a models.Activity) ([]models.Activity, error) {
	email := a.ID
	switch {
	case a.EmailID != nil:
		email = *a.EmailID
	case a.Kind != models.EmailSent:
		return nil, nil
	}
	story, err := models.EmailStory(ctx, h.db, email, maxStory)
	if len(story) < 2 {
		story = nil
	}
	return story, err
}

// details writes every delivery of an activity in full.
func (r activityRows) details(deliveries []models.Delivery) []view.Delivery {
	details := make([]view.Delivery, len(deliveries))
	for i, d := range deliveries {
		details[i] = view.Delivery{Mark: r.mark(d), What: deliveryText(d), Attempts: "never sent", Sent: d.SentAt}
		if d.Attempts == 1 {
			details[i].Attempts = "sent once"
		} else if d.Attempts > 1 {
			details[i].Attempts, details[i].Often = "sent "+strconv.Itoa(d.Attempts)+" times", true
		}
		if d.ErrorCode != nil && d.State != models.Delivered && d.State != models.Skipped {
			class, tone := classText(text(d.ErrorClass))
			details[i].Error = &view.Error{Class: class, Tone: tone, Code: *d.ErrorCode, Text: text(d.ErrorText), Remedy: text(d.ErrorRemedy)}
			details[i].Mark.Note = "" // said in full below
		}
		if d.State == models.Failed && r.admin {
			details[i].Retry = retryURL(d.ID)
		}
	}
	return details
}

// deliveryText is what a delivery makes in its destination.
func deliveryText(d models.Delivery) string {
	switch {
	case d.Destination == models.ToMarketo:
		return "An activity of the person"
	case d.Operation == models.Update:
		return "A change of the email's Task"
	default:
		return "A Task"
	}
}
