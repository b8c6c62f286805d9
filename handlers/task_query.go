package handlers

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	view "salesactions/views/tasks"
	"salesactions/views/ui"
)

const tasksPath = "/tasks"

// The parameters of the list of tasks, beside paramKind and paramPerson.
const (
	paramWho  = "who"
	paramShow = "show"
)

const (
	everybody = "all"  // of paramWho; the reader's own where it is empty
	done      = "done" // of paramShow; open ones where it is empty
)

// taskFilter is the list's address as it was asked for.
type taskFilter struct {
	query  models.TaskQuery
	values url.Values // what of the address counts, without the page
}

// readTaskFilter reads the list's address for a reader. A person's tasks are everybody's.
// Errors: Failure.
func readTaskFilter(c echo.Context, email string) (taskFilter, error) {
	f := taskFilter{values: url.Values{}, query: models.TaskQuery{Order: models.TasksByDue, RepEmail: email, Cursor: c.QueryParam(paramCursor)}}
	value := func(name string) string {
		text := clean(c.QueryParam(name))
		if text != "" {
			f.values.Set(name, text)
		}
		return text
	}
	if value(paramWho) == everybody {
		f.query.RepEmail = ""
	}
	if value(paramShow) == done {
		f.query.Order = models.TasksByDone
	}
	f.query.Kind = models.TaskKind(value(paramKind))
	if f.query.Kind != "" && !f.query.Kind.Valid() {
		return f, Failure{Status: http.StatusBadRequest, Detail: "This kind is not known. Choose one of the list."}
	}
	if person := value(paramPerson); person != "" {
		id, err := strconv.ParseInt(person, 10, 64)
		if err != nil || id <= 0 {
			return f, Failure{Status: http.StatusBadRequest, Detail: "The person is not known. Open the person's page and try again."}
		}
		f.query.PersonID = id
	}
	return f, nil
}

// mine says whether only the reader's tasks are shown.
func (f *taskFilter) mine() bool { return f.query.RepEmail != "" }

// url is the address of a page of the list.
func (f *taskFilter) url(cursor string) string {
	values := url.Values{}
	for name, value := range f.values {
		values[name] = value
	}
	if cursor != "" {
		values.Set(paramCursor, cursor)
	}
	if len(values) == 0 {
		return tasksPath
	}
	return tasksPath + "?" + values.Encode()
}

// form fills the form above the list.
func (f *taskFilter) form() view.Filter {
	form := view.Filter{
		Who:    []ui.Option{{Label: "Mine"}, {Value: everybody, Label: "Everybody's", Chosen: !f.mine()}},
		Show:   []ui.Option{{Label: "Open"}, {Value: done, Label: "Complete", Chosen: f.query.Order == models.TasksByDone}},
		Kinds:  []ui.Option{{Label: "All kinds"}},
		Person: f.values.Get(paramPerson),
	}
	for _, kind := range models.TaskKinds() {
		form.Kinds = append(form.Kinds, ui.Option{Value: string(kind), Label: kind.Name(), Chosen: kind == f.query.Kind})
	}
	return form
}

// empty says why no task is listed, and what helps.
func (f *taskFilter) empty() *view.Empty {
	switch {
	case f.query.Cursor != "":
		return &view.Empty{Title: "The list ends here", Text: "No task comes after this.", Action: "Beginning", URL: f.url("")}
	case f.query.Kind != "" || f.query.PersonID != 0:
		return &view.Empty{Title: "Nothing found", Text: "No task meets these filters.", Action: "Clear filters", URL: tasksPath}
	case f.query.Order == models.TasksByDone:
		return &view.Empty{Title: "Nothing is complete yet", Text: "What you complete here or in Salesforce is kept in this list.", Action: "Open tasks", URL: tasksPath}
	case f.mine():
		return &view.Empty{Title: "Nothing to do", Text: "You have no open task.", Action: "New task", URL: tasksPath + "/new"}
	default:
		return &view.Empty{Title: "Nothing to do", Text: "Nobody has an open task.", Action: "New task", URL: tasksPath + "/new"}
	}
}
