package handlers

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/tasks"
)

// TaskList shows the tasks, or only its results where htmx asks.
func (h *Handlers) TaskList(c echo.Context) error {
	user, _ := request.User(c)
	filter, err := readTaskFilter(c, user.Email)
	if err != nil {
		return err
	}
	results, err := h.taskResults(c, filter)
	if err != nil {
		return err
	}
	if request.HTMX(c) {
		return h.render(c, http.StatusOK, view.Results(results))
	}
	page, err := h.frame(c, "Tasks")
	if err != nil {
		return err
	}
	page.Active = "tasks"
	return h.render(c, http.StatusOK, view.List(view.ListProps{Page: page, Filter: filter.form(), Results: results}))
}

func (h *Handlers) taskResults(c echo.Context, f taskFilter) (view.ResultsProps, error) {
	ctx, today := c.Request().Context(), h.calendarDay(c)
	found, err := models.ListTasks(ctx, h.db, f.query)
	if err != nil {
		return view.ResultsProps{}, err
	}
	rows, err := h.loadTaskRows(c)
	if err != nil {
		return view.ResultsProps{}, err
	}
	results := view.ResultsProps{
		Live: f.url(f.query.Cursor), Groups: rows.groups(found.Tasks),
		List: view.RowsProps{CSRF: request.CSRF(c), Back: f.url(f.query.Cursor), Everybody: !f.mine()},
	}
	if results.About, err = h.aboutTasks(ctx, f, today); err != nil {
		return results, err
	}
	if f.query.Cursor != "" {
		results.First = f.url("")
	}
	if found.Next != "" {
		results.Next = f.url(found.Next)
	}
	if len(found.Tasks) == 0 {
		results.Empty = f.empty()
	}
	return results, nil
}

// aboutTasks says in words what the list shows.
func (h *Handlers) aboutTasks(ctx context.Context, f taskFilter, today time.Time) (string, error) {
	whose := "Everybody's"
	if f.mine() {
		whose = "Yours"
	}
	if f.query.PersonID != 0 {
		names, err := models.PeopleNames(ctx, h.db, []int64{f.query.PersonID})
		return whose + " about " + names[f.query.PersonID], err
	}
	if f.query.Order == models.TasksByDone {
		return whose + ", the last completed first", nil
	}
	if !f.mine() {
		return whose, nil // everybody's are too many to count each time
	}
	n, err := models.CountOpenTasks(ctx, h.db, f.query.RepEmail, today)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, part := range []struct {
		n    int64
		what string
	}{{n.Overdue, "overdue"}, {n.Today, "for today"}, {n.Later, "later"}, {n.Undated, "without a date"}} {
		if part.n > 0 {
			parts = append(parts, grouped(part.n)+" "+part.what)
		}
	}
	if len(parts) == 0 {
		return whose, nil
	}
	return whose + ": " + strings.Join(parts, ", "), nil
}
