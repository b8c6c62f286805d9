package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/activity"
)

// The parameters of the part that is taken anew: the row that was the first, and
// when it occurred.
const (
	paramTop   = "top"
	paramUntil = "until"
)

// maxFresh is how many new activities are counted.
const maxFresh = 50

// ActivityList shows the feed, or only its results where htmx asks.
func (h *Handlers) ActivityList(c echo.Context) error {
	filter, err := readActivityFilter(c)
	if err != nil {
		return err
	}
	results, err := h.activityResults(c, &filter)
	if err != nil {
		return err
	}
	if request.HTMX(c) {
		return h.render(c, http.StatusOK, view.Results(results))
	}
	page, err := h.frame(c, "Activity")
	if err != nil {
		return err
	}
	page.Active = "activity"
	return h.render(c, http.StatusOK, view.Feed(view.FeedProps{Page: page, Filter: activityForm(filter), Results: results}))
}

// ActivityLive answers with the results as they are now, from the row on that was
// the first when they were shown; what came since is only counted.
func (h *Handlers) ActivityLive(c echo.Context) error {
	filter, err := readActivityFilter(c)
	if err != nil {
		return err
	}
	fresh, err := h.freshActivities(c, &filter)
	if err != nil {
		return err
	}
	if until, err := time.Parse(time.RFC3339Nano, c.QueryParam(paramUntil)); err == nil {
		if filter.query.Before.IsZero() || until.Before(filter.query.Before) {
			filter.query.Before = until
		}
	}
	results, err := h.activityResults(c, &filter)
	if err != nil {
		return err
	}
	results.Fresh = freshProps(fresh, filter.url(""))
	if c.QueryParam(paramTop) != "" {
		results.Live = filter.at(activityPath+"/live", paramTop, c.QueryParam(paramTop), paramUntil, c.QueryParam(paramUntil))
	}
	return h.render(c, http.StatusOK, view.Results(results))
}

// freshActivities counts what came before the row that was the first; where nothing
// was shown, nothing is new.
func (h *Handlers) freshActivities(c echo.Context, f *activityFilter) (int, error) {
	top, err := uuid.Parse(c.QueryParam(paramTop))
	if err != nil {
		return 0, nil
	}
	if err := f.findPerson(c.Request().Context(), h); err != nil {
		return 0, err
	}
	query := f.query
	query.Cursor, query.Limit = "", maxFresh+1
	newest, err := models.ListActivities(c.Request().Context(), h.db, query)
	n := 0
	for n < len(newest.Activities) && newest.Activities[n].ID != top {
		n++
	}
	return n, err
}

// freshProps is the link to what is new.
func freshProps(n int, url string) *view.Fresh {
	switch {
	case n == 0:
		return nil
	case n == 1:
		return &view.Fresh{Text: "1 new activity", URL: url}
	case n > maxFresh:
		return &view.Fresh{Text: "More than " + grouped(maxFresh) + " new activities", URL: url}
	default:
		return &view.Fresh{Text: grouped(int64(n)) + " new activities", URL: url}
	}
}

func (h *Handlers) activityResults(c echo.Context, f *activityFilter) (view.ResultsProps, error) {
	ctx := c.Request().Context()
	if err := f.findPerson(ctx, h); err != nil {
		return view.ResultsProps{}, err
	}
	page, err := h.listActivities(ctx, f)
	if err != nil {
		return view.ResultsProps{}, err
	}
	user, _ := request.User(c)
	rows, err := h.loadActivityRows(ctx, page.Activities, user.Role == models.RoleAdmin)
	if err != nil {
		return view.ResultsProps{}, err
	}
	results := view.ResultsProps{About: f.about(), Rows: rows.rows(page.Activities), Live: f.at(activityPath+"/live", paramCursor, f.query.Cursor)}
	if f.query.Cursor != "" {
		results.First = f.url("")
	}
	if page.Next != "" {
		results.Next = f.url(page.Next)
	}
	if len(page.Activities) == 0 {
		results.Empty = emptyFeed(f)
	} else if f.query.Cursor == "" {
		first := page.Activities[0]
		until := first.OccurredAt.Add(time.Microsecond).UTC().Format(time.RFC3339Nano) // as fine as the database counts
		results.Live = f.at(activityPath+"/live", paramTop, first.ID.String(), paramUntil, until)
	}
	return results, nil
}

func (h *Handlers) listActivities(ctx context.Context, f *activityFilter) (models.ActivityPage, error) {
	if f.nobody {
		return models.ActivityPage{}, nil
	}
	return models.ListActivities(ctx, h.db, f.query)
}
