package handlers

import (
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// TaskComplete completes a task, and leads back to where the form says that it was.
func (h *Handlers) TaskComplete(c echo.Context) error {
	return h.setTaskStatus(c, models.TaskComplete, "Completed: ")
}

// TaskReopen opens a complete task again.
func (h *Handlers) TaskReopen(c echo.Context) error {
	return h.setTaskStatus(c, models.TaskOpen, "Open again: ")
}

func (h *Handlers) setTaskStatus(c echo.Context, status models.TaskStatus, said string) error {
	task, err := h.pathTask(c)
	if err != nil {
		return err
	}
	if _, err = h.engine.ChangeTask(c.Request().Context(), task.ID, syncengine.TaskFields{Status: &status}, request.Actor(c)); err != nil {
		return err
	}
	return seeOther(c, localPath(field(c, "next")), said+task.Name)
}

// TaskDelete deletes a task; its page, which offers to restore it, follows.
func (h *Handlers) TaskDelete(c echo.Context) error {
	task, err := h.pathTask(c)
	if err != nil {
		return err
	}
	if err := h.engine.DeleteTask(c.Request().Context(), task.ID, request.Actor(c)); err != nil {
		return err
	}
	return seeOther(c, taskURL(task), "")
}

// TaskRestore brings a deleted task back.
func (h *Handlers) TaskRestore(c echo.Context) error {
	task, err := h.pathTask(c)
	if err != nil {
		return err
	}
	if err := h.engine.RestoreTask(c.Request().Context(), task.ID, request.Actor(c)); err != nil {
		return err
	}
	return seeOther(c, taskURL(task), "Restored.")
}
