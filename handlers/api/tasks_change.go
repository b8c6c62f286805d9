package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// NewTask is a task as programs send it.
type NewTask struct {
	TaskPatch
	Reference
}

// TaskPatch is what programs change of a task; what is absent stays.
type TaskPatch struct {
	Kind     wish `json:"kind"`
	Name     wish `json:"name"`
	Status   wish `json:"status"`
	Priority wish `json:"priority"`
	DueOn    wish `json:"due_on"`
	Details  wish `json:"details"`
	Rep      wish `json:"rep"`
}

// Reference names a person; one member is enough.
type Reference struct {
	PersonID     looseID `json:"person_id"`
	MarketoID    looseID `json:"marketo_id"`
	SalesforceID string  `json:"salesforce_id"`
	Email        string  `json:"email"`
}

// person reads the reference, and says which id is none.
func (r Reference) person() (syncengine.PersonRef, error) {
	for member, id := range map[string]looseID{"person_id": r.PersonID, "marketo_id": r.MarketoID} {
		if id == noID {
			return syncengine.PersonRef{}, invalid(FieldError{Pointer: "#/" + member, Detail: "This must be a positive whole number, as a string or a number."})
		}
	}
	for member, text := range map[string]string{"salesforce_id": r.SalesforceID, "email": r.Email} {
		if !isText(text) {
			return syncengine.PersonRef{}, invalid(FieldError{Pointer: "#/" + member, Detail: "This holds characters that cannot be kept."})
		}
	}
	return syncengine.PersonRef{PersonID: int64(r.PersonID), MarketoID: int64(r.MarketoID), SalesforceID: r.SalesforceID, Email: r.Email}, nil
}

// wish is a text that may be absent, which is no wish, or null, which empties.
type wish struct {
	given, null, wrong bool
	text               string
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *wish) UnmarshalJSON(raw []byte) error {
	w.given, w.null = true, string(raw) == "null"
	if w.null {
		return nil
	}
	w.wrong = json.Unmarshal(raw, &w.text) != nil // the decoder would not say which member it is
	return nil
}

// value returns the wish, "" for null, and nil where there is none.
func (w wish) value() *string {
	if !w.given {
		return nil
	}
	return &w.text
}

// fields reads the wishes; some things cannot be emptied.
func (p TaskPatch) fields() (syncengine.TaskFields, error) {
	for member, w := range map[string]wish{"kind": p.Kind, "name": p.Name, "status": p.Status, "priority": p.Priority, "due_on": p.DueOn, "details": p.Details, "rep": p.Rep} {
		switch nullable := member == "due_on" || member == "details" || member == "rep"; {
		case w.wrong:
			return syncengine.TaskFields{}, invalid(FieldError{Pointer: "#/" + member, Detail: "This must be a text."})
		case w.null && !nullable:
			return syncengine.TaskFields{}, invalid(FieldError{Pointer: "#/" + member, Detail: fmt.Sprintf("A task cannot be without a %s.", member)})
		}
	}
	return syncengine.TaskFields{Kind: (*models.TaskKind)(p.Kind.value()), Name: p.Name.value(), Status: (*models.TaskStatus)(p.Status.value()),
		Priority: (*models.TaskPriority)(p.Priority.value()), DueOn: p.DueOn.value(), Details: p.Details.value(), Rep: p.Rep.value()}, nil
}

// CreateTask answers POST /tasks.
func (h *Handlers) CreateTask(c echo.Context) error {
	var in NewTask
	if err := readBody(c, &in); err != nil {
		return err
	}
	about, err := in.person()
	if err != nil {
		return err
	}
	fields, err := in.fields()
	if err != nil {
		return err
	}
	task, err := h.engine.CreateTask(c.Request().Context(), fields, about, request.Actor(c))
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, Prefix+"/tasks/"+task.ID.String())
	return answer(c, http.StatusCreated, newTask(task))
}

// ChangeTask answers PATCH /tasks/{id}, as a merge patch (RFC 7396): what is absent
// stays, null empties. Whom it is about does not change.
func (h *Handlers) ChangeTask(c echo.Context) error {
	before, err := h.findTask(c)
	if err != nil {
		return err
	}
	var patch TaskPatch
	if err := readBody(c, &patch); err != nil {
		return err
	}
	fields, err := patch.fields()
	if err != nil {
		return err
	}
	task, err := h.engine.ChangeTask(c.Request().Context(), before.ID, fields, request.Actor(c))
	if err != nil {
		return err
	}
	return ok(c, newTask(task))
}
