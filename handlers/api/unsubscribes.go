package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// Unsubscribe is an unsubscribe as programs read it.
type Unsubscribe struct {
	ID        string     `json:"id"`
	PersonID  *string    `json:"person_id"` // null while nobody in the workspace is known by it
	Email     *string    `json:"email"`     // at that time
	Source    string     `json:"source"`    // link, one_click, rep, admin, api, bounce, salesforce, or what a program called it
	Reason    *string    `json:"reason"`
	By        *string    `json:"by"` // null: the person
	At        time.Time  `json:"at"`
	ClearedAt *time.Time `json:"cleared_at"`
	Sync      *TaskSync  `json:"sync"` // to Salesforce; null of one that came from there
}

// UnsubscribePage is one page of unsubscribes.
type UnsubscribePage struct {
	Items      []Unsubscribe `json:"items"`
	NextCursor *string       `json:"next_cursor"`
}

// NewUnsubscribe is an unsubscribe as programs send it.
type NewUnsubscribe struct {
	Reference
	Source string `json:"source"`
	Reason string `json:"reason"`
}

const (
	maxSource = 100   // bytes
	maxReason = 2_000 // bytes
)

// RecordUnsubscribe answers POST /unsubscribes: 201 for a new one, 200 with the first
// for somebody who had said so already.
func (h *Handlers) RecordUnsubscribe(c echo.Context) error {
	in := NewUnsubscribe{Source: string(models.ByAPI)}
	if err := readBody(c, &in); err != nil {
		return err
	}
	about, err := in.person()
	if err != nil {
		return err
	}
	in.Source, in.Reason = strings.TrimSpace(in.Source), strings.TrimSpace(in.Reason)
	switch {
	case in.Source == "" || len(in.Source) > maxSource || !isText(in.Source):
		return invalid(FieldError{Pointer: "#/source", Detail: "Say in a word or two where it comes from."})
	case in.Source == string(models.BySalesforce):
		return invalid(FieldError{Pointer: "#/source", Detail: "What Salesforce says comes from Salesforce itself; choose another word."})
	case len(in.Reason) > maxReason || !isText(in.Reason):
		return invalid(FieldError{Pointer: "#/reason", Detail: "The reason is too long, or holds characters that cannot be kept."})
	}
	u, created, err := h.engine.Unsubscribe(c.Request().Context(), syncengine.UnsubscribeWord{Whom: about, Source: models.UnsubscribeSource(in.Source),
		Reason: in.Reason, Actor: request.Actor(c), Address: c.RealIP()})
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return answer(c, status, newUnsubscribe(u))
}

// ListUnsubscribes answers GET /unsubscribes, the newest first.
func (h *Handlers) ListUnsubscribes(c echo.Context) error {
	q := readQuery(c, "person_id", "source", "since", "unknown_in_salesforce", "cleared", "limit", "cursor")
	wish := models.UnsubscribeQuery{PersonID: q.number("person_id"), Source: models.UnsubscribeSource(q.text("source")), Since: q.time("since"),
		Stuck: q.truth("unknown_in_salesforce"), Cleared: q.truth("cleared"), Limit: q.limit(), Cursor: q.text("cursor")}
	if err := q.problem(); err != nil {
		return err
	}
	found, err := models.ListUnsubscribes(c.Request().Context(), h.db, wish)
	if err != nil {
		return err
	}
	page := UnsubscribePage{Items: make([]Unsubscribe, 0, len(found.Unsubscribes))}
	for _, u := range found.Unsubscribes {
		page.Items = append(page.Items, newUnsubscribe(u))
	}
	if found.Next != "" {
		page.NextCursor = &found.Next
	}
	return ok(c, page)
}

// Started says that work began in the background.
type Started struct {
	Started bool `json:"started"`
}

// SyncUnsubscribes answers POST /unsubscribes/sync.
func (h *Handlers) SyncUnsubscribes(c echo.Context) error {
	err := h.engine.StartUnsubscribeSync(c.Request().Context(), request.Actor(c))
	var paused *syncengine.PausedError
	switch {
	case errors.Is(err, syncengine.ErrAlreadyRunning):
		return NewProblem(http.StatusConflict, "Both sides are being compared already.")
	case errors.As(err, &paused):
		return NewProblem(http.StatusConflict, paused.Text+" "+paused.Remedy)
	case err != nil:
		return err
	}
	return answer(c, http.StatusAccepted, Started{Started: true})
}

func newUnsubscribe(u models.Unsubscribe) Unsubscribe {
	return Unsubscribe{ID: *idText(&u.ID), PersonID: idText(u.PersonID), Email: u.PersonEmail, Source: string(u.Source), Reason: orNull(u.Reason),
		By: orNull(u.Actor), At: u.At.UTC(), ClearedAt: utc(u.ClearedAt), Sync: newSync(u.Push, u.Hold)}
}
