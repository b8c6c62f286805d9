package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/tasks"
	"salesactions/views/ui"
)

// maxReps is how many users can be chosen to do a task.
const maxReps = 500

// TaskNew shows the form of a new task, about a person where the address names one.
func (h *Handlers) TaskNew(c echo.Context) error {
	user, _ := request.User(c)
	values := view.Values{Kind: string(models.TaskCall), Rep: user.Email, Person: clean(c.QueryParam(paramPerson))}
	return h.taskForm(c, http.StatusOK, models.Task{}, values, nil)
}

// TaskCreate creates a task.
func (h *Handlers) TaskCreate(c echo.Context) error {
	values := sentTask(c)
	fields := values.fields(view.Values{})
	task, err := h.engine.CreateTask(c.Request().Context(), fields, values.about(), request.Actor(c))
	var invalid *syncengine.InvalidError
	switch {
	case errors.As(err, &invalid):
		return h.taskForm(c, http.StatusUnprocessableEntity, models.Task{}, values.Values, wrongTask(invalid))
	case err != nil:
		return err
	}
	return seeOther(c, taskURL(task), "Task created.")
}

// TaskEdit shows the form of a task.
func (h *Handlers) TaskEdit(c echo.Context) error {
	task, err := h.pathTask(c)
	if err != nil {
		return err
	}
	return h.taskForm(c, http.StatusOK, task, taskValues(task), nil)
}

// TaskSave changes what the form changed, so that it does not undo what somebody else,
// or Salesforce, changed since it was shown.
func (h *Handlers) TaskSave(c echo.Context) error {
	task, err := h.pathTask(c)
	if err != nil {
		return err
	}
	values := sentTask(c)
	_, err = h.engine.ChangeTask(c.Request().Context(), task.ID, values.fields(values.was), request.Actor(c))
	var invalid *syncengine.InvalidError
	switch {
	case errors.As(err, &invalid):
		return h.taskForm(c, http.StatusUnprocessableEntity, task, values.Values, wrongTask(invalid))
	case err != nil:
		return err
	}
	return seeOther(c, taskURL(task), "Saved.")
}

// taskForm shows the form: of a new task where the task is none.
func (h *Handlers) taskForm(c echo.Context, status int, task models.Task, values view.Values, wrong map[string]string) error {
	page, err := h.frame(c, "New task")
	if err != nil {
		return err
	}
	page.Active = "tasks"
	props := view.FormProps{Page: page, Title: "New task", Action: tasksPath, Button: "Create", Cancel: tasksPath, New: true, Values: values, Wrong: wrong}
	if task.Name != "" {
		props.Page.Title, props.Title, props.Action, props.Button = task.Name, "Edit "+task.Name, taskURL(task), "Save"
		props.Cancel, props.New, props.Was = taskURL(task), false, taskValues(task)
		if wrong != nil {
			props.Was = sentTask(c).was
		}
	} else if id, err := strconv.ParseInt(values.Person, 10, 64); err == nil {
		names, err := models.PeopleNames(c.Request().Context(), h.db, []int64{id})
		if err != nil {
			return err
		}
		props.PersonName, props.Cancel = names[id], personURL(id)
	}
	for _, kind := range models.TaskKinds() {
		props.Kinds = append(props.Kinds, ui.Option{Value: string(kind), Label: kind.Name(), Chosen: string(kind) == values.Kind})
	}
	if props.Reps, err = h.repOptions(c, values.Rep); err != nil {
		return err
	}
	return h.render(c, status, view.Form(props))
}

// repOptions are who can do a task: the users, nobody, and who does it now.
func (h *Handlers) repOptions(c echo.Context, chosen string) ([]ui.Option, error) {
	users, err := models.ListUsers(c.Request().Context(), h.db, h.clock.Now(), maxReps)
	options := []ui.Option{{Label: "Nobody yet", Chosen: chosen == ""}}
	known := chosen == ""
	for _, u := range users {
		if !u.Active() && u.Email != chosen {
			continue
		}
		options = append(options, ui.Option{Value: u.Email, Label: u.Name, Chosen: u.Email == chosen})
		known = known || u.Email == chosen
	}
	if !known {
		options = append(options, ui.Option{Value: chosen, Label: chosen, Chosen: true})
	}
	return options, err
}

// taskInput is a task as the form sent it.
type taskInput struct {
	view.Values
	was view.Values
}

func sentTask(c echo.Context) taskInput {
	read := func(prefix string) view.Values {
		v := view.Values{Kind: field(c, prefix+"kind"), Name: field(c, prefix+"name"), Priority: field(c, prefix+"priority"),
			DueOn: field(c, prefix+"due_on"), Details: field(c, prefix+"details"), Rep: field(c, prefix+"rep")}
		if v.Priority == "" {
			v.Priority = string(models.TaskNormal) // an unticked box is not sent
		}
		return v
	}
	in := taskInput{Values: read(""), was: read("was_")}
	in.Person = field(c, paramPerson)
	return in
}

// fields are what differs from how it was.
func (in taskInput) fields(was view.Values) syncengine.TaskFields {
	changed := func(value, was string) *string {
		if value == was {
			return nil
		}
		return &value
	}
	return syncengine.TaskFields{
		Kind: (*models.TaskKind)(changed(in.Kind, was.Kind)), Name: changed(in.Name, was.Name), Priority: (*models.TaskPriority)(changed(in.Priority, was.Priority)),
		DueOn: changed(in.DueOn, was.DueOn), Details: changed(in.Details, was.Details), Rep: changed(in.Rep, was.Rep),
	}
}

// about is whom the form names: by id where it is a number.
func (in taskInput) about() syncengine.PersonRef {
	if id, err := strconv.ParseInt(in.Person, 10, 64); err == nil && id > 0 {
		return syncengine.PersonRef{PersonID: id}
	}
	return syncengine.PersonRef{Email: in.Person}
}

func taskValues(t models.Task) view.Values {
	v := view.Values{Kind: string(t.Kind), Name: t.Name, Priority: string(t.Priority), Details: t.Details, Rep: text(t.RepEmail)}
	if t.DueOn != nil {
		v.DueOn = t.DueOn.Format(time.DateOnly)
	}
	return v
}

// wrongTask says what is wrong where the form has it; it names a person in one field.
func wrongTask(invalid *syncengine.InvalidError) map[string]string {
	switch {
	case invalid.Field == "person_id":
		return map[string]string{paramPerson: invalid.Message}
	case invalid.Field == "email":
		return map[string]string{paramPerson: invalid.Message + " Give an email address or a Marketo id; or open the person and press New task there."}
	}
	return wrongField(invalid)
}
