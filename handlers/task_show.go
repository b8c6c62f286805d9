package handlers

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"salesactions/models"
	"salesactions/views/activity"
	view "salesactions/views/tasks"
)

// maxTaskLines is how much of a task's history is shown.
const maxTaskLines = 100

// TaskShow shows one task, a deleted one too, with what happened to it.
func (h *Handlers) TaskShow(c echo.Context) error {
	task, err := h.pathTask(c)
	if err != nil {
		return err
	}
	rows, err := h.loadTaskRows(c)
	if err != nil {
		return err
	}
	history, err := models.TaskHistory(c.Request().Context(), h.db, task.ID, maxTaskLines)
	if err != nil {
		return err
	}
	page, err := h.frame(c, task.Name)
	if err != nil {
		return err
	}
	page.Active = "tasks"
	return h.render(c, http.StatusOK, view.Show(view.ShowProps{
		Page: page, Row: rows.row(task), Details: task.Details, Facts: taskFacts(task), Sync: rows.sync(task), History: taskLines(history), Deleted: task.DeletedAt,
	}))
}

// pathTask is the task of the path.
func (h *Handlers) pathTask(c echo.Context) (models.Task, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return models.Task{}, fmt.Errorf("read the id in the path: %w", models.ErrNotFound)
	}
	return models.FindTask(c.Request().Context(), h.db, id)
}

func taskFacts(t models.Task) []activity.Fact {
	where := "here, " + byActor(t.CreatedBy)
	if t.Origin == models.FromSalesforce {
		where = "in Salesforce"
	}
	rep := text(t.RepEmail)
	if rep == "" {
		rep = "nobody yet"
	}
	return []activity.Fact{{Name: "Who does it", Value: rep}, {Name: "Created", Value: where + ", " + t.CreatedAt.UTC().Format("2 Jan 2006, 15:04 UTC")}}
}

// sync says how far a task is in Salesforce.
func (r taskRows) sync(t models.Task) view.SyncProps {
	props := view.SyncProps{Marks: r.taskMarks(t)}
	switch s := t.Sync; {
	case s == nil:
		props.Text = "This task is only here. An admin chooses in Settings whether tasks are kept in Salesforce too; those from before are not sent there."
	case s.State == models.Failed && s.ErrorCode != nil:
		props.Error = &activity.Error{Code: *s.ErrorCode, Text: text(s.ErrorText), Remedy: text(s.ErrorRemedy)}
		_, props.Error.Tone = classText("")
		props.Marks[0].Note = "" // said in full below
		if r.admin {
			props.Retry = retryURL(s.DeliveryID)
		}
	}
	return props
}

// taskLines write a task's history in words.
func taskLines(history []models.TaskLine) []view.Line {
	lines := make([]view.Line, len(history))
	for i, l := range history {
		line := view.Line{At: l.At, By: actorText(l.Actor), Old: shownValue(l.Old), New: shownValue(l.New)}
		if l.Source == models.FromSalesforce {
			line.By = joined(": ", "Salesforce", l.Actor)
		}
		switch l.Event {
		case models.TaskCreated:
			line.Text = "Created"
		case models.TaskDeleted:
			line.Text = "Deleted"
		case models.TaskRestored:
			line.Text = "Restored"
		case models.TaskLost:
			line.Text, line.Values, line.Lost = fieldName(l.Field), true, true
		default:
			line.Text, line.Values = fieldName(l.Field), true
		}
		lines[i] = line
	}
	return lines
}

func shownValue(value *string) string {
	if text(value) == "" {
		return "nothing"
	}
	return *value
}

// fieldName is the field of a task as screens call it.
func fieldName(field string) string {
	switch field {
	case "due_on":
		return "Due"
	case "rep":
		return "Who does it"
	case "salesforce_id":
		return "Salesforce's Task"
	case "":
		return "Task"
	default:
		return strings.ToUpper(field[:1]) + field[1:]
	}
}
