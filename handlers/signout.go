package handlers

import (
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
)

// Signout ends this session.
func (h *Handlers) Signout(c echo.Context) error {
	user, _ := request.User(c)
	if err := h.record(c, h.db, "session.end", user.Email, nil); err != nil {
		return err
	}
	if err := request.GetSession(c).SignOut(c.Request().Context()); err != nil {
		return err
	}
	return seeOther(c, "/signin", "")
}

// SignoutEverywhere ends all sessions of the user, this one too.
func (h *Handlers) SignoutEverywhere(c echo.Context) error {
	ctx := c.Request().Context()
	user, _ := request.User(c)
	if err := h.record(c, h.db, "session.end_all", user.Email, nil); err != nil {
		return err
	}
	if err := models.RevokeSessions(ctx, h.db, user.ID, nil); err != nil {
		return err
	}
	if err := request.GetSession(c).SignOut(ctx); err != nil {
		return err
	}
	return seeOther(c, "/signin", "")
}
