// Package handlers answers the pages: each takes a request apart, asks the models
// or the engine, fills the props of a view and renders it. A good form is answered
// with 303, a bad one with the same form, its messages and 422.
package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/a-h/templ"
	"github.com/jonboulle/clockwork"
	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"salesactions/handlers/password"
	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	"salesactions/views/ui"
)

// Deps are what the pages work with.
type Deps struct {
	DB        *gorm.DB
	Engine    *syncengine.Engine
	Passwords *password.Hasher
	// Ready says why the program cannot serve, in one sentence, or nothing.
	Ready func(context.Context) error
	// BaseURL is where people reach the program, without a slash at the end; links
	// in invitations start with it. Empty: the address that the request came to.
	BaseURL string
	Clock   clockwork.Clock // required
}

// Handlers are the pages. They are safe for concurrent use.
type Handlers struct {
	db        *gorm.DB
	engine    *syncengine.Engine
	passwords *password.Hasher
	ready     func(context.Context) error
	baseURL   string
	clock     clockwork.Clock
}

// New makes the pages.
func New(d Deps) *Handlers {
	return &Handlers{db: d.DB, engine: d.Engine, passwords: d.Passwords, ready: d.Ready, baseURL: d.BaseURL, clock: d.Clock}
}

// render writes a view with a status. It renders to a buffer first, so that an
// error in a view is answered as one and not as half a page.
func (h *Handlers) render(c echo.Context, status int, view templ.Component) error {
	var page bytes.Buffer
	if err := view.Render(ui.WithNow(c.Request().Context(), h.clock.Now()), &page); err != nil {
		return fmt.Errorf("render %s: %w", c.Path(), err)
	}
	c.Response().Header().Add(echo.HeaderVary, "HX-Request")
	return c.HTMLBlob(status, page.Bytes())
}

// seeOther is the answer to a form that was carried out, with a message for the
// page that follows.
func seeOther(c echo.Context, target, message string) error {
	if message != "" {
		err := request.GetSession(c).AddFlash(c.Request().Context(), request.Flash{Tone: toneGood, Text: message})
		if err != nil {
			return err
		}
	}
	return c.Redirect(http.StatusSeeOther, target)
}

// The tones of messages.
const (
	toneGood = "good"
	toneBad  = "bad"
)

// refuse is the answer to a form that cannot be carried out as things stand: the
// page that follows says why.
func refuse(c echo.Context, target, message string) error {
	err := request.GetSession(c).AddFlash(c.Request().Context(), request.Flash{Tone: toneBad, Text: message})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, target)
}

// record writes what a signed-in user did to the audit log; details hold no secrets.
func (h *Handlers) record(c echo.Context, db *gorm.DB, action, subject string, details map[string]any) error {
	raw, err := json.Marshal(details)
	if err != nil {
		return fmt.Errorf("write audit details: %w", err)
	}
	if details == nil {
		raw = nil
	}
	return models.RecordAudit(c.Request().Context(), db, h.clock.Now(), models.AuditEvent{
		Actor: request.Actor(c), Action: action, Subject: subject, Details: raw, Address: c.RealIP(),
	})
}

// pathID reads the id in the path; anything else than an id is not found.
func pathID(c echo.Context) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("read the id in the path: %w", models.ErrNotFound)
	}
	return id, nil
}
