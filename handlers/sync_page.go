package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// SettingsSync shows the heart of the settings: what the people sync is doing.
func (h *Handlers) SettingsSync(c echo.Context) error {
	ctx := c.Request().Context()
	status, err := h.engine.Status(ctx)
	if err != nil {
		return err
	}
	fields, err := h.engine.Fields(ctx)
	if err != nil {
		return err
	}
	report, err := h.engine.Report(ctx)
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "Data sync", "sync")
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Sync(view.SyncProps{
		Page: page, Fields: fieldRows(fields), Live: h.liveSync(c, status), Report: reportProps(report), Runs: runRows(status.Runs, h.clock.Now()),
	}))
}

// SettingsSyncLive is the part of the page that moves.
func (h *Handlers) SettingsSyncLive(c echo.Context) error {
	status, err := h.engine.Status(c.Request().Context())
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Live(h.liveSync(c, status)))
}

func (h *Handlers) liveSync(c echo.Context, s syncengine.Status) view.LiveProps {
	live := view.LiveProps{CSRF: request.CSRF(c), State: string(s.State), Trouble: troubleProps(s.Trouble)}
	live.Progress, live.Reconcile = progressProps(s.Copy), progressProps(s.Reconcile)
	switch s.State {
	case syncengine.StateCopying:
		live.Tone, live.Title, live.Text = ui.Waiting, "Copying", "People appear as they arrive. It goes on by itself, also after a restart."
	case syncengine.StatePaused:
		live.Tone, live.Title = ui.Warning, "Paused"
		live.Text = joined(" ", "Nothing is read until it is resumed.", pausedText(s, h.clock.Now()))
	case syncengine.StateFailed:
		live.Tone, live.Title, live.Text = ui.Bad, "Stopped", "It goes on where it stopped."
	case syncengine.StateFollowing:
		live.Tone, live.Title, live.Text = ui.Good, "Up to date", followingText(s)
		if s.Trouble != nil {
			live.Tone, live.Title = ui.Warning, "Behind"
		}
		live.Facts = followingFacts(s)
	default:
		idleSync(&live, s)
	}
	return live
}

// idleSync fills what stands there before the first sync.
func idleSync(live *view.LiveProps, s syncengine.Status) {
	if !s.Connected {
		live.State, live.Title, live.Text = "not_connected", "Not connected", "Connect Marketo, then start the sync here."
		return
	}
	live.State, live.Title, live.Text = "ready", "Ready", "Nothing was copied yet."
	live.Count, live.Counting = previewText(s.Preview)
}

func previewText(p *syncengine.Preview) (sentence string, counting bool) {
	switch {
	case p == nil:
		return "How many people qualify was not counted yet.", false
	case p.State == "counting":
		return "Counting who qualifies…", true
	case p.State == "failed":
		return "Who qualifies could not be counted: " + p.Error, false
	default:
		return totalText(models.Total{N: p.Qualified, Exact: p.Exact}) + " qualify, " + p.How + ".", false
	}
}

func pausedText(s syncengine.Status, now time.Time) string {
	if s.PausedAt == nil || s.PausedBy == "" {
		return ""
	}
	return "Paused " + ui.Ago(*s.PausedAt, now) + " " + byActor(s.PausedBy) + "."
}

func followingText(s syncengine.Status) string {
	if s.Lag == nil {
		return "Changes in Marketo arrive by themselves."
	}
	return "Caught up " + roughly(*s.Lag) + " ago."
}

func followingFacts(s syncengine.Status) []view.FactRow {
	today := s.ChangesToday
	return []view.FactRow{
		{Name: "People", Value: grouped(s.People)},
		{Name: "New today", Value: grouped(today.Created)},
		{Name: "Changed today", Value: grouped(today.Updated)},
		{Name: "Archived today", Value: grouped(today.Archived)},
		{Name: "Waiting to be read", Value: grouped(s.Touched)},
		{Name: "Archived in all", Value: grouped(s.Archived)},
	}
}

func troubleProps(t *syncengine.Trouble) *view.Trouble {
	if t == nil {
		return nil
	}
	trouble := view.Trouble{Tone: ui.Warning, Title: "It is tried again by itself", Text: t.Text, Remedy: t.Remedy, RetryAt: t.RetryAt}
	if t.Halted {
		trouble.Tone, trouble.Title = ui.Bad, "Somebody must act"
	}
	return &trouble
}

func progressProps(p *syncengine.Progress) *view.ProgressProps {
	if p == nil {
		return nil
	}
	props := view.ProgressProps{Done: p.Processed, Rates: p.Rates, RateText: "People per second over the last minutes"}
	done := grouped(p.Processed)
	if p.Total != nil {
		props.Total = max(*p.Total, p.Processed)
		done += " of " + grouped(props.Total)
	}
	left := "not known yet"
	if p.ETA != nil {
		left = roughly(*p.ETA)
	}
	props.Facts = []view.FactRow{
		{Name: "People", Value: done}, {Name: "People per second", Value: grouped(int64(p.RatePerSecond))},
		{Name: "Time left", Value: left}, {Name: "API calls", Value: grouped(p.APICalls)},
	}
	return &props
}
