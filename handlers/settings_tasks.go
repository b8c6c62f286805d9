package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

const taskSyncPath = "/settings/tasks"

// SettingsTasks shows whether reminder tasks are kept the same in Salesforce, what
// comes over, and how far both sides are.
func (h *Handlers) SettingsTasks(c echo.Context) error {
	ctx := c.Request().Context()
	state, err := h.engine.TaskSync(ctx)
	if err != nil {
		return err
	}
	connection, err := h.engine.SalesforceConnection(ctx)
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "Reminder tasks", "tasks")
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Tasks(view.TasksProps{
		Page: page, Connected: connection.Connected || connection.FromEnvironment, Now: switchingOn(state),
		Switches: []view.SwitchProps{taskSwitch(models.Switch{On: state.On, Since: state.Since}, page.CSRF, false)},
		State:    taskState(state, page.CSRF), Fields: taskFields(),
	}))
}

// TasksSync switches whether reminder tasks are kept the same in Salesforce.
func (h *Handlers) TasksSync(c echo.Context) error {
	ctx, on := c.Request().Context(), c.FormValue("on") == "true"
	if err := h.engine.ChangeLogging(ctx, syncengine.LoggingChange{Tasks: &on}, request.Actor(c)); err != nil {
		return err
	}
	if !request.HTMX(c) {
		return seeOther(c, taskSyncPath, "Saved.")
	}
	logging, _, err := models.LoadLogging(ctx, h.db)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Switches([]view.SwitchProps{taskSwitch(logging.Tasks, request.CSRF(c), true)}))
}

// TasksPull has Salesforce's changes read now.
func (h *Handlers) TasksPull(c echo.Context) error {
	state, err := h.engine.TaskSync(c.Request().Context())
	if err != nil {
		return err
	}
	if !state.On {
		return refuse(c, taskSyncPath, "Switch the sync on first.")
	}
	if err := h.engine.PullTasks(c.Request().Context()); err != nil {
		return err
	}
	return seeOther(c, taskSyncPath, "Salesforce's changes are being read.")
}

func taskSwitch(s models.Switch, csrf string, saved bool) view.SwitchProps {
	return switchProps(view.SwitchProps{
		CSRF: csrf, Name: "sync", Title: "Sync with Salesforce", Saved: saved, Action: taskSyncPath + "/sync",
		Text: "Tasks that reps make, change, complete or delete here follow in Salesforce, and the other way round, within seconds.",
	}, s)
}

// switchingOn says which it would be. Once it was on, Salesforce's changes were read.
func switchingOn(s syncengine.TaskSync) string {
	switch {
	case s.On:
		return ""
	case s.ReadAt == nil:
		return "It was never on so far."
	default:
		return "It was on before."
	}
}

func taskState(s syncengine.TaskSync, csrf string) view.TaskState {
	state := view.TaskState{
		On: s.On, CSRF: csrf, ReadAt: s.ReadAt, Tone: ui.Good, Title: "in step",
		Text: "Salesforce's changes are read every " + roughly(s.Every),
		Facts: []view.FactRow{
			{Name: "in Salesforce", Value: grouped(s.Linked)}, {Name: "on their way", Value: grouped(s.Waiting)}, {Name: "failed", Value: grouped(s.Failed)},
		},
	}
	if s.Failed > 0 {
		state.Tone, state.Title = ui.Bad, "some failed"
		state.Failed = plural(s.Failed, "task did not arrive", "tasks did not arrive")
	}
	switch {
	case !s.On:
		state.Tone, state.Title, state.Text = ui.Neutral, "off", "Nothing is read or sent"
	case s.Pause != nil:
		state.Trouble = salesforceTrouble(s.Pause)
		state.Tone, state.Title = ui.Warning, "waits"
	case s.Waiting > 0 && s.Failed == 0:
		state.Tone, state.Title = ui.Waiting, "on their way"
	}
	return state
}

func taskFields() []view.TaskField {
	return []view.TaskField{
		{Here: "Name", There: "Subject", Rule: "From here through the template of the subject, under Logging. A subject that is edited in Salesforce comes over for tasks that were made there, and not for those that were made here."},
		{Here: "Status", There: "Status", Rule: "Open is Not Started, Complete is Completed. Other statuses stay in Salesforce."},
		{Here: "Priority", There: "Priority", Rule: "Normal and High. Low stays in Salesforce."},
		{Here: "Due date", There: "ActivityDate", Rule: "The day, or none."},
		{Here: "Details", There: "Description", Rule: "The whole text."},
	}
}
