package handlers

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
)

const loggingPath = "/settings/logging"

// loggingForms are the page's forms where one was sent: its values, and what is wrong
// with which field.
type loggingForms struct {
	template, keyField, markerField *string
	backfill                        view.BackfillProps
	wrong                           map[string]string
}

// SettingsLogging shows what is logged to Salesforce, and how.
func (h *Handlers) SettingsLogging(c echo.Context) error {
	return h.loggingPage(c, http.StatusOK, loggingForms{})
}

// LoggingEmails switches the logging of emails.
func (h *Handlers) LoggingEmails(c echo.Context) error {
	return h.switchLogging(c, "emails", func(change *syncengine.LoggingChange, on bool) { change.Emails = &on })
}

// LoggingReplies switches whether replies are Tasks of their own.
func (h *Handlers) LoggingReplies(c echo.Context) error {
	return h.switchLogging(c, "replies", func(change *syncengine.LoggingChange, on bool) { change.Replies = &on })
}

// LoggingCalls switches the logging of calls.
func (h *Handlers) LoggingCalls(c echo.Context) error {
	return h.switchLogging(c, "calls", func(change *syncengine.LoggingChange, on bool) { change.Calls = &on })
}

// LoggingTasks switches whether reminder tasks are kept the same in Salesforce.
func (h *Handlers) LoggingTasks(c echo.Context) error {
	return h.switchLogging(c, "tasks", func(change *syncengine.LoggingChange, on bool) { change.Tasks = &on })
}

// switchLogging saves one choice, and answers htmx with all of them, since one may
// depend on another.
func (h *Handlers) switchLogging(c echo.Context, name string, set func(*syncengine.LoggingChange, bool)) error {
	ctx := c.Request().Context()
	var change syncengine.LoggingChange
	set(&change, c.FormValue("on") == "true")
	if err := h.engine.ChangeLogging(ctx, change, request.Actor(c)); err != nil {
		return err
	}
	if !request.HTMX(c) {
		return seeOther(c, loggingPath, "Saved.")
	}
	logging, _, err := models.LoadLogging(ctx, h.db)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Switches(switches(logging, request.CSRF(c), name)))
}

// LoggingSubject stores the template of the Task's subject.
func (h *Handlers) LoggingSubject(c echo.Context) error {
	template := field(c, "subject_template")
	return h.changeLogging(c, syncengine.LoggingChange{SubjectTemplate: &template}, loggingForms{template: &template}, "The template is saved.")
}

// LoggingKeys stores the fields by which doubles are kept out, and looks whether the
// org has them.
func (h *Handlers) LoggingKeys(c echo.Context) error {
	keyField, markerField := field(c, "key_field"), field(c, "marker_field")
	return h.changeLogging(c, syncengine.LoggingChange{KeyField: &keyField, MarkerField: &markerField},
		loggingForms{keyField: &keyField, markerField: &markerField}, "The fields are saved. Press Test in Settings → Salesforce to look whether the org has them.")
}

func (h *Handlers) changeLogging(c echo.Context, change syncengine.LoggingChange, forms loggingForms, saved string) error {
	err := h.engine.ChangeLogging(c.Request().Context(), change, request.Actor(c))
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		forms.wrong = wrongField(invalid)
		return h.loggingPage(c, http.StatusUnprocessableEntity, forms)
	}
	if err != nil {
		return err
	}
	return seeOther(c, loggingPath, saved)
}

// LoggingPreview shows what a template makes of a real activity, as it is typed.
func (h *Handlers) LoggingPreview(c echo.Context) error {
	preview, err := h.subjectPreview(c, field(c, "subject_template"))
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Preview(preview))
}

func (h *Handlers) subjectPreview(c echo.Context, template string) (view.PreviewProps, error) {
	found, err := h.engine.SubjectPreview(c.Request().Context(), template)
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		return view.PreviewProps{Wrong: invalid.Message}, nil
	}
	return view.PreviewProps{Subject: found.Subject, Example: found.Example, At: found.At}, err
}

// LoggingBackfill counts what a back-fill would log, and then starts it.
func (h *Handlers) LoggingBackfill(c echo.Context) error {
	ctx := c.Request().Context()
	form, err := c.FormParams()
	if err != nil {
		return Failure{Status: http.StatusBadRequest, Detail: "The form cannot be read. Reload the page and try again."}
	}
	kinds := form["kind"]
	props := view.BackfillProps{Since: field(c, "since"), Emails: slices.Contains(kinds, "emails"),
		Replies: slices.Contains(kinds, "replies"), Calls: slices.Contains(kinds, "calls")}
	since, err := time.Parse(time.DateOnly, props.Since)
	switch {
	case err != nil:
		props.Wrong = "Enter a date, such as 2026-01-31."
	case since.After(h.clock.Now()):
		props.Wrong = "Choose a date that has passed."
	case !props.Emails && !props.Replies && !props.Calls:
		props.Wrong = "Choose at least one kind."
	}
	if props.Wrong != "" {
		return h.loggingPage(c, http.StatusUnprocessableEntity, loggingForms{backfill: props})
	}
	backfill := syncengine.Backfill{Since: since, Emails: props.Emails, Replies: props.Replies, Calls: props.Calls}
	if field(c, "do") == "start" {
		n, err := h.engine.StartBackfill(ctx, backfill, request.Actor(c))
		if err != nil {
			return err
		}
		return seeOther(c, loggingPath, plural(n, "Task is", "Tasks are")+" being logged. Diagnostics shows how far it is.")
	}
	n, err := h.engine.CountBackfill(ctx, backfill)
	if err != nil {
		return err
	}
	props.Counted, props.Startable = plural(n, "Task", "Tasks")+" would be created, each once.", n > 0
	return h.loggingPage(c, http.StatusOK, loggingForms{backfill: props})
}
