package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/syncengine"
)

const (
	salesforcePath     = "/settings/salesforce"
	salesforceCallback = salesforcePath + "/callback"
)

// salesforceForm is the form where one was sent and refused, with what is wrong; the
// secret is never sent back.
type salesforceForm struct {
	sent               bool
	loginURL, clientID string
	wrong              map[string]string
}

// SettingsSalesforce shows the connection, what the org has, and the calls of today.
func (h *Handlers) SettingsSalesforce(c echo.Context) error {
	return h.salesforcePage(c, http.StatusOK, salesforceForm{})
}

// SalesforceSave stores which app signs in where. An empty secret keeps the one before.
func (h *Handlers) SalesforceSave(c echo.Context) error {
	loginURL, clientID := field(c, "login_url"), field(c, "client_id")
	err := h.engine.SaveSalesforce(c.Request().Context(), loginURL, clientID, field(c, "client_secret"), request.Actor(c))
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		return h.salesforcePage(c, http.StatusUnprocessableEntity, salesforceForm{true, loginURL, clientID, wrongField(invalid)})
	}
	if err != nil {
		return err
	}
	return seeOther(c, salesforcePath, "The app is saved. Press Connect to sign in with it.")
}

// SalesforceConnect leads to Salesforce's login page. It is a link and no form, since
// our policy lets forms lead only to ourselves; it changes nothing until the same
// user comes back.
func (h *Handlers) SalesforceConnect(c echo.Context) error {
	user, _ := request.User(c)
	target, err := h.engine.BeginSalesforce(c.Request().Context(), user.ID, h.origin(c)+salesforceCallback)
	if err != nil {
		return h.salesforceRefused(c, err)
	}
	return c.Redirect(http.StatusSeeOther, target)
}

// SalesforceCallback is where Salesforce sends the browser back to.
func (h *Handlers) SalesforceCallback(c echo.Context) error {
	user, _ := request.User(c)
	err := h.engine.FinishSalesforce(c.Request().Context(), user.ID, c.QueryParam("state"), c.QueryParam("code"),
		clean(c.QueryParam("error")), clean(c.QueryParam("error_description")), request.Actor(c))
	if err != nil {
		return h.salesforceRefused(c, err)
	}
	return seeOther(c, salesforcePath, "Salesforce is connected.")
}

// SalesforceApp connects as the user whom the app itself may sign in as.
func (h *Handlers) SalesforceApp(c echo.Context) error {
	if err := h.engine.ConnectSalesforceApp(c.Request().Context(), request.Actor(c)); err != nil {
		return h.salesforceRefused(c, err)
	}
	return seeOther(c, salesforcePath, "Salesforce is connected.")
}

// SalesforceTest looks anew what the org has. The result stays on the page.
func (h *Handlers) SalesforceTest(c echo.Context) error {
	ctx := c.Request().Context()
	if err := h.engine.TestSalesforce(ctx); err != nil {
		return refuse(c, salesforcePath, h.engine.Explain(err))
	}
	return seeOther(c, salesforcePath, "The connection works.")
}

// SalesforceDisconnect gives the tokens back and forgets them.
func (h *Handlers) SalesforceDisconnect(c echo.Context) error {
	if err := h.engine.DisconnectSalesforce(c.Request().Context(), request.Actor(c)); err != nil {
		return h.salesforceRefused(c, err)
	}
	return seeOther(c, salesforcePath, "Salesforce is disconnected. What is to be logged waits until you connect it again.")
}

// salesforceRefused tells on the page why there is no connection.
func (h *Handlers) salesforceRefused(c echo.Context, err error) error {
	var invalid *syncengine.InvalidError
	switch {
	case errors.As(err, &invalid):
		return refuse(c, salesforcePath, invalid.Message)
	case errors.Is(err, syncengine.ErrSalesforceNotConfigured):
		return refuse(c, salesforcePath, "Enter the consumer key and secret of your app in Salesforce first.")
	default:
		return err
	}
}
