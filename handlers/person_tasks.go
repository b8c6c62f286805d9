package handlers

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/people"
	"salesactions/views/tasks"
)

// maxPersonTasks is how many tasks a person's page has; the list has all.
const maxPersonTasks = 10

// PersonTasks answers with the tasks about a person alone, which the person's page asks
// for again when tasks move.
func (h *Handlers) PersonTasks(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	props, err := h.personTasks(c, id)
	if err != nil {
		return err
	}
	return h.render(c, http.StatusOK, view.Tasks(props))
}

// personTasks are the open tasks about a person, whoever does them.
func (h *Handlers) personTasks(c echo.Context, person int64) (view.TasksProps, error) {
	found, err := models.ListTasks(c.Request().Context(), h.db, models.TaskQuery{Order: models.TasksByDue, PersonID: person, Limit: maxPersonTasks})
	if err != nil {
		return view.TasksProps{}, err
	}
	rows, err := h.loadTaskRows(c)
	if err != nil {
		return view.TasksProps{}, err
	}
	id := strconv.FormatInt(person, 10)
	return view.TasksProps{
		Groups: rows.groups(found.Tasks), Live: personURL(person) + "/tasks", New: tasksPath + "/new?" + paramPerson + "=" + id,
		All:  tasksPath + "?" + paramPerson + "=" + id + "&" + paramWho + "=" + everybody,
		List: tasks.RowsProps{CSRF: request.CSRF(c), Back: personURL(person), InContext: true},
	}, nil
}
