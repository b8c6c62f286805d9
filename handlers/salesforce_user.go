package handlers

import (
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
)

// unlinked is what helps whoever has no user in Salesforce that is known.
const unlinked = "Ask an admin to link you to your Salesforce user in Settings → Users."

// salesforceUser is the user in Salesforce of whoever is signed in; empty where none
// is known.
func (h *Handlers) salesforceUser(c echo.Context) (string, error) {
	user, _ := request.User(c)
	return models.SalesforceUserOf(c.Request().Context(), h.db, user.Email)
}
