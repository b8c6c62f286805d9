package handlers

import (
	"github.com/labstack/echo/v4"

	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
)

// loggingPage fills the page; a form that was sent shows what it held.
func (h *Handlers) loggingPage(c echo.Context, status int, forms loggingForms) error {
	ctx := c.Request().Context()
	logging, _, err := models.LoadLogging(ctx, h.db)
	if err != nil {
		return err
	}
	connection, err := h.engine.SalesforceConnection(ctx)
	if err != nil {
		return err
	}
	for _, sent := range []struct{ value, to *string }{{forms.template, &logging.SubjectTemplate},
		{forms.keyField, &logging.KeyField}, {forms.markerField, &logging.MarkerField}} {
		if sent.value != nil {
			*sent.to = *sent.value
		}
	}
	preview, err := h.subjectPreview(c, logging.SubjectTemplate)
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "Logging", "logging")
	if err != nil {
		return err
	}
	backfill := forms.backfill
	backfill.CSRF = page.CSRF
	if backfill.Since == "" {
		backfill.Since, backfill.Emails, backfill.Replies, backfill.Calls = h.clock.Now().AddDate(0, 0, -30).Format("2006-01-02"), true, logging.Replies.On, true
	}
	props := view.LoggingProps{
		Page: page, Connected: connection.Connected || connection.FromEnvironment, Switches: switches(logging, page.CSRF, ""),
		Template: logging.SubjectTemplate, Preview: preview, KeyField: logging.KeyField, Marker: logging.MarkerField,
		Backfill: backfill, Wrong: forms.wrong,
	}
	for _, f := range syncengine.SubjectFields() {
		props.Fields = append(props.Fields, view.SubjectFieldRow{Insert: "{{" + f.Name + "}}", Description: f.Description})
	}
	return h.render(c, status, view.Logging(props))
}

// switches are the choices; saved names the one that was just made.
func switches(logging models.Logging, csrf, saved string) []view.SwitchProps {
	row := func(name, title, text string, s models.Switch) view.SwitchProps {
		return switchProps(view.SwitchProps{CSRF: csrf, Name: name, Title: title, Text: text, Saved: name == saved, Action: loggingPath + "/" + name}, s)
	}
	replies := row("replies", "Replies as Tasks of their own", "A reply also becomes a Task “Reply: …” beside the email's.", logging.Replies)
	replies.Sub, replies.Disabled = true, !logging.Emails.On
	tasks := row("tasks", "Reminder tasks", "Reminder tasks of reps are Tasks in Salesforce too, and agree on both sides.", logging.Tasks)
	tasks.More, tasks.About = taskSyncPath, "What comes over, and how far both sides are"
	return []view.SwitchProps{
		row("emails", "Emails", "Each email that was sent becomes a completed Task; opens, clicks, replies and bounces update it.", logging.Emails),
		replies,
		row("calls", "Calls", "Each call becomes a completed Task with its length, outcome and notes.", logging.Calls),
		tasks,
	}
}

// switchProps completes a row with how its switch stands.
func switchProps(props view.SwitchProps, s models.Switch) view.SwitchProps {
	props.On = s.On
	if s.On && !s.Since.IsZero() {
		since := s.Since
		props.Since = &since
	}
	return props
}
