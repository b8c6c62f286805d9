package handlers

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/views"
	"salesactions/views/ui"
)

// frame is what every page shows around its own. It takes the messages that wait
// for the next page, so it is asked for once a request; a page that is open and
// brings itself up to date would not show them, and leaves them.
func (h *Handlers) frame(c echo.Context, title string) (views.Page, error) {
	page := views.Page{Title: title, CSRF: request.CSRF(c), Cursor: request.Cursor(c)}
	user, ok := request.User(c)
	if !ok {
		return page, nil
	}
	page.User, page.Email, page.Admin = user.Name, user.Email, user.Role == models.RoleAdmin
	var err error
	if !request.FromPage(c) {
		if page.Flashes, err = flashes(c); err != nil {
			return page, err
		}
	}
	page.Pauses, err = h.pauses(c.Request().Context())
	return page, err
}

func flashes(c echo.Context) ([]views.Flash, error) {
	taken, err := request.GetSession(c).TakeFlashes(c.Request().Context())
	var messages []views.Flash
	for _, f := range taken {
		messages = append(messages, views.Flash{Tone: toneOf(f), Text: f.Text, Secret: f.Secret})
	}
	return messages, err
}

// notConnected is why nothing is sent to a system that nobody connected.
const notConnected = "not_connected"

// pauses are the destinations to which nothing is sent, for the banner of each page.
func (h *Handlers) pauses(ctx context.Context) ([]views.Pause, error) {
	found, err := models.ListPauses(ctx, h.db)
	pauses := make([]views.Pause, 0, len(found))
	for _, p := range found {
		if p.Code == notConnected {
			continue // whoever does not use a system need not be told on every page
		}
		pauses = append(pauses, views.Pause{Destination: p.Destination.Name(), Text: p.Text, Remedy: p.Remedy, Passing: p.Passing()})
	}
	return pauses, err
}

// settingsFrame is the frame of a page of the settings.
func (h *Handlers) settingsFrame(c echo.Context, title, section string) (views.Page, error) {
	page, err := h.frame(c, title)
	page.Active, page.Section = "settings", section
	return page, err
}

func toneOf(f request.Flash) ui.Tone {
	if f.Tone == toneBad {
		return ui.Bad
	}
	return ui.Good
}

// ErrorPage answers an error: what happened, the one thing that helps, and the
// request's id. It asks the database nothing, since that may be what failed.
func (h *Handlers) ErrorPage(c echo.Context, f Failure) error {
	title, usual := failureText(f.Status)
	if f.Detail == "" {
		f.Detail = usual
	}
	page := views.Page{Title: title, CSRF: request.CSRF(c)}
	if user, ok := request.User(c); ok && page.CSRF != "" {
		page.User, page.Email, page.Admin = user.Name, user.Email, user.Role == models.RoleAdmin
	}
	return h.render(c, f.Status, views.Problem(page, title, f.Detail, f.RequestID))
}

// failureText is the heading of an error's page, and what it says where nothing
// more is known.
func failureText(status int) (title, usual string) {
	switch status {
	case http.StatusBadRequest:
		return "This request cannot be read", "Go back and try again."
	case http.StatusUnauthorized:
		return "Sign in first", "Nobody is signed in in this browser."
	case http.StatusForbidden:
		return "This is not for you", "Your role does not allow this."
	case http.StatusNotFound:
		return "There is nothing here", "The address is wrong, or what it led to is gone."
	case http.StatusMethodNotAllowed:
		return "This cannot be changed here", "People are read-only: change them in Marketo or Salesforce."
	case http.StatusConflict:
		return "Somebody was faster", "Reload the page and try again."
	case http.StatusRequestEntityTooLarge:
		return "This is too large", "Send less at once."
	case http.StatusTooManyRequests:
		return "Too many tries", "Wait a few minutes, then try again."
	case http.StatusServiceUnavailable:
		return "Not available at the moment", "Try again shortly."
	default:
		return "Something went wrong", "internal error"
	}
}
