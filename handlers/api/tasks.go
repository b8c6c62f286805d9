package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
)

// Task is a reminder task as programs read it. What it does not have is null.
type Task struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind"`
	Name         string     `json:"name"`
	Status       string     `json:"status"`
	Priority     string     `json:"priority"`
	DueOn        *string    `json:"due_on"` // a day
	Details      *string    `json:"details"`
	Rep          *string    `json:"rep"`
	PersonID     *string    `json:"person_id"`
	SalesforceID *string    `json:"salesforce_id"` // of the Task; null while it is not there
	Origin       string     `json:"origin"`        // here, salesforce
	Sync         *TaskSync  `json:"sync"`          // null of a task that is not to be in Salesforce
	CreatedAt    time.Time  `json:"created_at"`
	CompletedAt  *time.Time `json:"completed_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
}

// TaskSync is how far a task, or an unsubscribe, is on its way to Salesforce.
type TaskSync struct {
	State  string     `json:"state"`
	Reason *string    `json:"reason"` // what a pending one waits for
	Error  *SyncError `json:"error"`
}

// SyncError is why Salesforce did not take something, and what to do.
type SyncError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy"`
}

// TaskPage is one page of tasks.
type TaskPage struct {
	Items      []Task  `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// ListTasks answers GET /tasks: by id, so that a program that reads all pages misses
// none that was there from beginning to end.
func (h *Handlers) ListTasks(c echo.Context) error {
	q := readQuery(c, "status", "kind", "rep", "person_id", "due_before", "updated_since", "limit", "cursor")
	wish := models.TaskQuery{Order: models.TasksByID, Status: models.TaskStatus(q.text("status")), Kind: models.TaskKind(q.text("kind")),
		RepEmail: q.text("rep"), PersonID: q.number("person_id"), DueBefore: q.day("due_before"), UpdatedSince: q.time("updated_since"),
		Limit: q.limit(), Cursor: q.text("cursor")}
	if wish.Status != "" && !wish.Status.Valid() {
		q.fault("status", "The status must be open or complete.")
	}
	if wish.Kind != "" && !wish.Kind.Valid() {
		q.fault("kind", "The kind must be email, call, inmail or custom.")
	}
	if err := q.problem(); err != nil {
		return err
	}
	found, err := models.ListTasks(c.Request().Context(), h.db, wish)
	if err != nil {
		return err
	}
	page := TaskPage{Items: make([]Task, 0, len(found.Tasks))}
	for _, t := range found.Tasks {
		page.Items = append(page.Items, newTask(t))
	}
	if found.Next != "" {
		page.NextCursor = &found.Next
	}
	return ok(c, page)
}

// ShowTask answers GET /tasks/{id}; a deleted task is not there.
func (h *Handlers) ShowTask(c echo.Context) error {
	if err := readQuery(c).problem(); err != nil {
		return err
	}
	task, err := h.findTask(c)
	if err != nil {
		return err
	}
	return ok(c, newTask(task))
}

// DeleteTask answers DELETE /tasks/{id}.
func (h *Handlers) DeleteTask(c echo.Context) error {
	task, err := h.findTask(c)
	if err != nil {
		return err
	}
	if err := h.engine.DeleteTask(c.Request().Context(), task.ID, request.Actor(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// findTask reads the task of the path.
func (h *Handlers) findTask(c echo.Context) (models.Task, error) {
	const nothing = "There is no task with this id."
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return models.Task{}, NewProblem(http.StatusNotFound, nothing)
	}
	task, err := models.FindTask(c.Request().Context(), h.db, id)
	if problem := ProblemFor(err); err != nil && problem.Status == http.StatusNotFound || err == nil && task.DeletedAt != nil {
		return task, NewProblem(http.StatusNotFound, nothing)
	}
	return task, err
}

func newTask(t models.Task) Task {
	told := Task{ID: t.ID.String(), Kind: string(t.Kind), Name: t.Name, Status: string(t.Status), Priority: string(t.Priority), Details: orNull(t.Details),
		Rep: t.RepEmail, PersonID: idText(t.PersonID), Origin: string(t.Origin), Sync: newSync(t.Sync, nil), CreatedAt: t.CreatedAt.UTC(),
		CompletedAt: utc(t.CompletedAt), UpdatedAt: t.UpdatedAt.UTC()}
	if t.DueOn != nil {
		day := t.DueOn.Format(time.DateOnly)
		told.DueOn = &day
	}
	if t.Sync != nil {
		told.SalesforceID = t.Sync.RemoteID
	}
	return told
}

func newSync(p *models.Push, hold *models.Hold) *TaskSync {
	if p == nil {
		return nil
	}
	told := &TaskSync{State: string(p.State)}
	if hold != nil {
		waits := "waiting_for_" + string(*hold)
		told.Reason = &waits
	}
	if p.ErrorCode != nil && p.State != models.Delivered && p.State != models.Skipped {
		told.Error = &SyncError{Code: *p.ErrorCode, Detail: deref(p.ErrorText), Remedy: deref(p.ErrorRemedy)}
	}
	return told
}
