package handlers

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/views/activity"
	view "salesactions/views/tasks"
	"salesactions/views/ui"
)

// taskRows writes tasks as rows, as they are on the reader's day.
type taskRows struct {
	marker
	today time.Time
}

// loadTaskRows asks for what rows of tasks show besides.
func (h *Handlers) loadTaskRows(c echo.Context) (taskRows, error) {
	ctx := c.Request().Context()
	user, _ := request.User(c)
	r := taskRows{today: h.calendarDay(c), marker: marker{admin: user.Role == models.RoleAdmin, now: h.clock.Now(), paused: map[models.Destination]bool{}}}
	var err error
	if r.links, _, err = models.LoadRecordLinks(ctx, h.db); err != nil {
		return r, err
	}
	pauses, err := models.ListPauses(ctx, h.db)
	for _, p := range pauses {
		r.paused[p.Destination] = true
	}
	return r, err
}

// groups parts tasks, which are in the order of the list, by when they are due.
func (r taskRows) groups(tasks []models.Task) []view.Group {
	var groups []view.Group
	for _, t := range tasks {
		title, tone := r.group(t)
		if len(groups) == 0 || groups[len(groups)-1].Title != title {
			groups = append(groups, view.Group{Title: title, Tone: tone})
		}
		last := &groups[len(groups)-1]
		last.Rows = append(last.Rows, r.row(t))
	}
	return groups
}

func (r taskRows) group(t models.Task) (string, ui.Tone) {
	switch {
	case t.Status == models.TaskComplete:
		return "", ui.Neutral
	case t.DueOn == nil:
		return "No date", ui.Neutral
	case t.DueOn.Before(r.today):
		return "Overdue", ui.Bad
	case t.DueOn.Equal(r.today):
		return "Today", ui.Waiting
	default:
		return "Upcoming", ui.Neutral
	}
}

func (r taskRows) row(t models.Task) view.Row {
	line, _, _ := strings.Cut(t.Details, "\n")
	row := view.Row{
		ID: t.ID.String(), URL: taskURL(t), Name: t.Name, Kind: t.Kind.Name(), Icon: taskIcon(t.Kind), Details: line, Person: taskPerson(t),
		Rep: text(t.RepEmail), DoneAt: t.CompletedAt, High: t.Priority == models.TaskHigh, Marks: r.taskMarks(t),
	}
	if t.DueOn != nil {
		row.Due = &view.Due{Day: t.DueOn.Format(time.DateOnly), Text: dayText(*t.DueOn, r.today), Overdue: t.Status == models.TaskOpen && t.DueOn.Before(r.today)}
	}
	return row
}

// taskMarks is how far a task is in Salesforce; nothing of one that is not to be there.
func (r taskRows) taskMarks(t models.Task) []activity.Mark {
	if t.Sync == nil {
		return nil
	}
	mark := r.mark(models.Delivery{ID: t.Sync.DeliveryID, Destination: models.ToSalesforce, State: t.Sync.State, RemoteID: t.Sync.RemoteID,
		ErrorCode: t.Sync.ErrorCode, ErrorText: t.Sync.ErrorText, ErrorRemedy: t.Sync.ErrorRemedy, Attempts: t.Sync.Attempts})
	if t.Sync.State == models.Delivered {
		mark.Text = "in step"
	}
	return []activity.Mark{mark}
}

// taskPerson is whom a task is about.
func taskPerson(t models.Task) activity.Person {
	switch {
	case t.PersonID != nil:
		return activity.Person{Name: t.PersonName, URL: personURL(*t.PersonID)}
	case t.WhoID != nil:
		return activity.Person{Name: "Salesforce " + *t.WhoID, Note: "not in the workspace"}
	default:
		return activity.Person{}
	}
}

// dayText is a day as people say it.
func dayText(day, today time.Time) string {
	switch days := int(day.Sub(today).Hours() / 24); {
	case days == -1:
		return "yesterday"
	case days == 0:
		return "today"
	case days == 1:
		return "tomorrow"
	case day.Year() == today.Year():
		return day.Format("Mon 2 Jan")
	default:
		return day.Format("2 Jan 2006")
	}
}

func taskURL(t models.Task) string { return tasksPath + "/" + t.ID.String() }

func taskIcon(k models.TaskKind) activity.Icon {
	switch k {
	case models.TaskEmail:
		return activity.Opened
	case models.TaskCall:
		return activity.Called
	case models.TaskInMail:
		return activity.Message
	default:
		return activity.Remind
	}
}
