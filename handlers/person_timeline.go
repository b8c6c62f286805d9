package handlers

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/activity"
)

// paramActivity is the page of the timeline on a person's page.
const paramActivity = "activity"

// timelineRows is how many activities a page of the timeline has.
const timelineRows = 25

// PersonTimeline answers with the timeline of a person alone, which the person's page
// asks for again when activities move.
func (h *Handlers) PersonTimeline(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	timeline, err := h.timeline(c, id)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Timeline(timeline))
}

// timeline is a page of a person's activities; what happened to an email stands with
// the email.
func (h *Handlers) timeline(c echo.Context, person int64) (view.TimelineProps, error) {
	ctx, cursor := c.Request().Context(), c.QueryParam(paramActivity)
	page, err := models.ListActivities(ctx, h.db, models.ActivityQuery{PersonID: person, Loose: true, Cursor: cursor, Limit: timelineRows})
	if err != nil {
		return view.TimelineProps{}, err
	}
	user, _ := request.User(c)
	rows, err := h.loadActivityRows(ctx, page.Activities, user.Role == models.RoleAdmin)
	if err != nil {
		return view.TimelineProps{}, err
	}
	if rows.happened, err = h.engagement(ctx, page.Activities); err != nil {
		return view.TimelineProps{}, err
	}
	props := view.TimelineProps{Rows: rows.rows(page.Activities), Live: timelineURL(person, "/activity", cursor)}
	for i := range props.Rows {
		props.Rows[i].InContext = true
	}
	if cursor != "" {
		props.First = timelineURL(person, "", "") + "#timeline"
	}
	if page.Next != "" {
		props.Next = timelineURL(person, "", page.Next) + "#timeline"
	}
	return props, nil
}

func (h *Handlers) engagement(ctx context.Context, activities []models.Activity) (map[uuid.UUID][]models.Engagement, error) {
	var emails []uuid.UUID
	for _, a := range activities {
		if a.Kind == models.EmailSent {
			emails = append(emails, a.ID)
		}
	}
	return models.EngagementOf(ctx, h.db, emails)
}

// timelineURL is the person's page, or a part of it, with a page of the timeline.
func timelineURL(person int64, part, cursor string) string {
	address := personURL(person) + part
	if cursor == "" {
		return address
	}
	return address + "?" + url.Values{paramActivity: {cursor}}.Encode()
}
