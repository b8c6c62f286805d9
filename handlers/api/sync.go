package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// Sync is what the people sync is doing, as GET /sync and "sync status --json" tell it.
type Sync struct {
	State      string    `json:"state"` // idle, copying, paused, following, failed
	Run        *Progress `json:"run"`   // nil when none is in progress
	Runs       []Run     `json:"runs"`  // newest first, at most 20
	LagSeconds *float64  `json:"lag_seconds"`
	Trouble    *Trouble  `json:"trouble"`
}

// Progress is how far the initial sync, or else a reconciliation, has come.
type Progress struct {
	ID            string    `json:"id"`
	Kind          string    `json:"kind"`
	StartedAt     time.Time `json:"started_at"`
	Processed     int64     `json:"processed"`
	Total         *int64    `json:"total"`
	RatePerSecond float64   `json:"rate_per_second"`
	ETASeconds    *int64    `json:"eta_seconds"`
	APICalls      int64     `json:"api_calls"`
}

// Run is one run of the people sync, finished or not.
type Run struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"` // copy, follow, reconcile
	StartedBy  string     `json:"started_by"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Outcome    *string    `json:"outcome"` // done, failed, canceled
	Error      *string    `json:"error"`
	Total      *int64     `json:"total"`
	Processed  int64      `json:"processed"`
	Created    int64      `json:"created"`
	Updated    int64      `json:"updated"`
	Archived   int64      `json:"archived"`
	APICalls   int64      `json:"api_calls"`
}

// Trouble is what keeps the sync from going on, with what to do about it.
type Trouble struct {
	Class   string     `json:"class"`
	Code    string     `json:"code"`
	Detail  string     `json:"detail"`
	Remedy  string     `json:"remedy"`
	Since   time.Time  `json:"since"`
	RetryAt *time.Time `json:"retry_at"` // when it is tried again by itself
	Halted  bool       `json:"halted"`   // somebody must act
}

// ShowSync answers GET /sync.
func (h *Handlers) ShowSync(c echo.Context) error {
	if err := readQuery(c).problem(); err != nil {
		return err
	}
	return h.tellSync(c, http.StatusOK)
}

// ControlSync answers POST /sync: it starts, pauses or resumes the people sync. The
// work happens in the background, so the answer is 202 with how things stand.
func (h *Handlers) ControlSync(c echo.Context) error {
	var wish struct {
		Action string `json:"action"`
	}
	if err := readBody(c, &wish); err != nil {
		return err
	}
	actions := map[string]func(context.Context, string) error{
		"start": h.engine.StartSync, "pause": h.engine.PauseSync, "resume": h.engine.ResumeSync,
	}
	act, known := actions[wish.Action]
	if !known {
		return invalid(FieldError{Pointer: "#/action", Detail: "The action must be start, pause or resume."})
	}
	if err := act(c.Request().Context(), request.Actor(c)); err != nil {
		return syncProblem(err)
	}
	return h.tellSync(c, http.StatusAccepted)
}

func (h *Handlers) tellSync(c echo.Context, status int) error {
	now, err := h.engine.Status(c.Request().Context())
	if err != nil {
		return err
	}
	return answer(c, status, NewSync(now))
}

// syncProblem says in a sentence why the sync cannot do what was asked now.
func syncProblem(err error) error {
	refusals := []struct {
		err    error
		detail string
	}{
		{syncengine.ErrNotConnected, "Marketo is not connected: enter its endpoint, client id and secret in Settings → Marketo first."},
		{syncengine.ErrAlreadyRunning, "The sync has been started already."},
		{syncengine.ErrNotRunning, "The sync is not running, so there is nothing to pause."},
		{syncengine.ErrNotPaused, "The sync is not paused, so there is nothing to resume."},
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal.err) {
			return NewProblem(http.StatusConflict, refusal.detail)
		}
	}
	return err
}

// NewSync puts the engine's status into the words of the API.
func NewSync(now syncengine.Status) Sync {
	s := Sync{State: string(now.State), Runs: make([]Run, 0, len(now.Runs))}
	if now.Copy != nil {
		s.Run = newProgress(*now.Copy)
	} else if now.Reconcile != nil {
		s.Run = newProgress(*now.Reconcile)
	}
	for _, run := range now.Runs {
		s.Runs = append(s.Runs, newRun(run))
	}
	if now.Lag != nil {
		lag := math.Round(now.Lag.Seconds()*10) / 10
		s.LagSeconds = &lag
	}
	if t := now.Trouble; t != nil {
		s.Trouble = &Trouble{
			Class: t.Class, Code: t.Code, Detail: t.Text, Remedy: t.Remedy,
			Since: t.Since.UTC(), RetryAt: utc(t.RetryAt), Halted: t.Halted,
		}
	}
	return s
}

func newProgress(p syncengine.Progress) *Progress {
	told := &Progress{
		ID: strconv.FormatInt(p.RunID, 10), Kind: string(p.Kind), StartedAt: p.StartedAt.UTC(),
		Processed: p.Processed, Total: p.Total, RatePerSecond: math.Round(p.RatePerSecond*10) / 10, APICalls: p.APICalls,
	}
	if p.ETA != nil {
		seconds := int64(math.Ceil(p.ETA.Seconds()))
		told.ETASeconds = &seconds
	}
	return told
}

func newRun(r models.SyncRun) Run {
	return Run{
		ID: strconv.FormatInt(r.ID, 10), Kind: string(r.Kind), StartedBy: r.StartedBy, StartedAt: r.StartedAt.UTC(),
		FinishedAt: utc(r.FinishedAt), Outcome: (*string)(r.Outcome), Error: r.Error, Total: r.Total,
		Processed: r.Processed, Created: r.Created, Updated: r.Updated, Archived: r.Archived, APICalls: r.APICalls,
	}
}
