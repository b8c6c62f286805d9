package handlers

import (
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/today"
)

// maxDue is how many tasks are shown of those that are due alike.
const maxDue = 20

// dueTasks are the tasks of whoever is signed in, by when they are due.
func (h *Handlers) dueTasks(c echo.Context) (view.TasksProps, error) {
	user, _ := request.User(c)
	today := h.calendarDay(c)
	due, err := models.ListDueTasks(c.Request().Context(), h.db, user.Email, today, maxDue)
	props := view.TasksProps{CSRF: request.CSRF(c)}
	for _, part := range []struct {
		key, title string
		tasks      models.TaskShare
	}{
		{"overdue", "Overdue", due.Overdue},
		{"today", "Today", due.Today},
		{"tomorrow", "Tomorrow", due.Tomorrow},
	} {
		if part.tasks.Total == 0 {
			continue
		}
		group := view.Group{Key: part.key, Title: part.title, Count: grouped(part.tasks.Total)}
		for _, t := range part.tasks.Tasks {
			group.Tasks = append(group.Tasks, dueTask(t, today))
		}
		if more := part.tasks.Total - int64(len(part.tasks.Tasks)); more > 0 {
			group.More = grouped(more) + " more"
		}
		props.Groups = append(props.Groups, group)
	}
	props.Status = plural(due.Overdue.Total+due.Today.Total+due.Tomorrow.Total, "task is due", "tasks are due")
	return props, err
}

// dueTask writes a task that has a due day.
func dueTask(t models.Task, today time.Time) view.Task {
	url := taskURL(t)
	task := view.Task{
		ID: t.ID.String(), URL: url, Complete: url + "/complete", Icon: taskIcon(t.Kind), Kind: t.Kind.Name(), Name: t.Name,
		Day: t.DueOn.Format(time.DateOnly), Due: dueText(*t.DueOn, today), High: t.Priority == models.TaskHigh,
	}
	if t.PersonID != nil {
		task.Person, task.PersonURL = t.PersonName, personURL(*t.PersonID)
	}
	return task
}

// dueText is a day as it is seen from another.
func dueText(day, today time.Time) string {
	date := day.Format("2 Jan")
	if day.Year() != today.Year() {
		date = day.Format("2 Jan 2006")
	}
	if late := today.Sub(day); late > 0 {
		date += ", " + plural(int64(late/(24*time.Hour)), "day", "days") + " ago"
	}
	return date
}
