package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
)

const unsubscribesPath = "/settings/unsubscribes"

// optOutForm is the form of the field where one was sent and refused.
type optOutForm struct {
	sent          bool
	choice, other string
	wrong         string
}

// SettingsUnsubscribes shows who wants no sales email, and how both sides agree.
func (h *Handlers) SettingsUnsubscribes(c echo.Context) error {
	return h.unsubscribesPage(c, http.StatusOK, optOutForm{})
}

// UnsubscribesCheck switches whether Marketo is asked before a send.
func (h *Handlers) UnsubscribesCheck(c echo.Context) error {
	return h.switchUnsubscribing(c, "check", func(change *syncengine.UnsubscribingChange, on bool) { change.Check = &on })
}

// UnsubscribesNightly switches the comparison of both sides each night.
func (h *Handlers) UnsubscribesNightly(c echo.Context) error {
	return h.switchUnsubscribing(c, "nightly", func(change *syncengine.UnsubscribingChange, on bool) { change.Nightly = &on })
}

func (h *Handlers) switchUnsubscribing(c echo.Context, name string, set func(*syncengine.UnsubscribingChange, bool)) error {
	ctx := c.Request().Context()
	var change syncengine.UnsubscribingChange
	set(&change, c.FormValue("on") == "true")
	if err := h.engine.ChangeUnsubscribing(ctx, change, request.Actor(c)); err != nil {
		return err
	}
	if !request.HTMX(c) {
		return seeOther(c, unsubscribesPath, "Saved.")
	}
	settings, _, err := models.LoadUnsubscribing(ctx, h.db)
	if err != nil {
		return err
	}
	rows, err := h.unsubscribeSwitches(settings, request.CSRF(c), name)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Switches(rows))
}

// otherField is the choice of a field by its API name.
const otherField = "other"

// lookTime is how long saving a field waits to see whether the org has it.
const lookTime = 5 * time.Second

// UnsubscribesField stores which field of leads and contacts says that somebody opted
// out, and looks whether the org has it.
func (h *Handlers) UnsubscribesField(c echo.Context) error {
	ctx := c.Request().Context()
	form := optOutForm{sent: true, choice: field(c, "field"), other: field(c, "other")}
	name := form.choice
	if form.choice == otherField {
		name = form.other
	}
	err := h.engine.ChangeUnsubscribing(ctx, syncengine.UnsubscribingChange{OptOutField: &name}, request.Actor(c))
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		form.wrong = invalid.Message
		return h.unsubscribesPage(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	connection, err := h.engine.SalesforceConnection(ctx)
	if err != nil {
		return err
	}
	if !connection.Connected && !connection.FromEnvironment {
		return seeOther(c, unsubscribesPath+"#field", "The field is saved.")
	}
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if err := h.engine.TestSalesforce(looking); err != nil {
		return refuse(c, unsubscribesPath+"#field", "The field is saved, but whether the org has it could not be looked up. "+h.engine.Explain(err))
	}
	return seeOther(c, unsubscribesPath+"#field", "The field is saved.")
}

// UnsubscribesRun compares both sides now.
func (h *Handlers) UnsubscribesRun(c echo.Context) error {
	err := h.engine.StartUnsubscribeSync(c.Request().Context(), request.Actor(c))
	var paused *syncengine.PausedError
	switch {
	case err == nil:
		return seeOther(c, unsubscribesPath, "Both sides are being compared.")
	case errors.Is(err, syncengine.ErrAlreadyRunning):
		return refuse(c, unsubscribesPath, "This is running already.")
	case errors.As(err, &paused):
		return refuse(c, unsubscribesPath, h.engine.Explain(err))
	default:
		return err
	}
}

// UnsubscribeClear undoes an unsubscribe here, and leads back to the list.
func (h *Handlers) UnsubscribeClear(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.engine.ClearUnsubscribe(c.Request().Context(), id, request.Actor(c)); err != nil {
		return err
	}
	next := localPath(field(c, "next"))
	if !strings.HasPrefix(next, unsubscribesPath) {
		next = unsubscribesPath
	}
	return seeOther(c, next, "It is cleared here. Clear it in Salesforce and Marketo by hand too.")
}
