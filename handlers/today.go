package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	view "salesactions/views/today"
)

// pastDaysShown is how far the page looks back, today included.
const pastDaysShown = 14

// Today shows what a rep's day begins with.
func (h *Handlers) Today(c echo.Context) error {
	tasks, err := h.dueTasks(c)
	if err != nil {
		return err
	}
	chart, err := h.fortnight(c)
	if err != nil {
		return err
	}
	feed, err := h.peopleFeed(c)
	if err != nil {
		return err
	}
	page, err := h.frame(c, "Today")
	if err != nil {
		return err
	}
	page.Active = "today"
	date := h.clock.Now().In(request.Zone(c)).Format("Monday, 2 January")
	return h.render(c, http.StatusOK, view.Today(view.Props{Page: page, Date: date, Tasks: tasks, Chart: chart, Feed: feed}))
}

// TodayTasks answers with the tasks as they are now.
func (h *Handlers) TodayTasks(c echo.Context) error {
	tasks, err := h.dueTasks(c)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Tasks(tasks))
}

// TodayFeed answers with the feed as it is now, from the row on that was the first.
func (h *Handlers) TodayFeed(c echo.Context) error {
	feed, err := h.peopleFeed(c)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Feed(feed))
}

// TodayChart answers with the chart as it is now.
func (h *Handlers) TodayChart(c echo.Context) error {
	chart, err := h.fortnight(c)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Chart(chart))
}

// daysUntil are where the reader's days begin, from pastDaysShown before the end of
// today on; the last is that end.
func (h *Handlers) daysUntil(c echo.Context) []time.Time {
	now := h.clock.Now().In(request.Zone(c))
	days := make([]time.Time, pastDaysShown+1)
	for i := range days {
		days[i] = time.Date(now.Year(), now.Month(), now.Day()+1-pastDaysShown+i, 0, 0, 0, 0, now.Location())
	}
	return days
}

// calendarDay is the reader's day as tasks have their due day: at midnight UTC.
func (h *Handlers) calendarDay(c echo.Context) time.Time {
	now := h.clock.Now().In(request.Zone(c))
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
}
