package handlers

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// UserRep links a rep of recorded activities with a user in Salesforce, or leaves
// that to the email address again.
func (h *Handlers) UserRep(c echo.Context) error {
	email, userID := field(c, "email"), field(c, "user_id")
	saved := email + " is linked."
	if field(c, "unlink") != "" {
		userID, saved = "", email+" is found by the email address again."
	} else if userID == "" {
		return h.repsWrong(c, email, "Enter the id of the user in Salesforce, which begins with 005.")
	}
	err := h.engine.LinkRep(c.Request().Context(), email, userID, request.Actor(c))
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		return h.repsWrong(c, email, invalid.Message)
	}
	if err != nil {
		return err
	}
	return seeOther(c, usersPath+"#reps", saved)
}

func (h *Handlers) repsWrong(c echo.Context, email, message string) error {
	return h.usersPage(c, http.StatusUnprocessableEntity, inviteForm{Role: models.RoleRep, RepWrong: email + ": " + message})
}

// repsProps are the reps of the last 90 days and the users here, those without a user
// in Salesforce first.
func (h *Handlers) repsProps(ctx context.Context, csrf, wrong string) (view.RepsProps, error) {
	reps, err := h.engine.ListReps(ctx)
	props := view.RepsProps{CSRF: csrf, Wrong: wrong}
	for _, r := range reps {
		row := view.RepRow{Email: r.Email, User: r.UserName, UserID: r.UserID, Linked: r.Linked,
			Activities: plural(r.Activities, "activity", "activities") + " in 90 days", Tone: ui.Neutral, State: "not looked for yet"}
		switch {
		case r.Refused:
			row.Tone, row.State = ui.Warning, "cannot own Tasks"
		case r.Linked:
			row.Tone, row.State = ui.Good, "linked"
		case r.UserID != "":
			row.Tone, row.State = ui.Good, "by email"
		case r.Asked:
			row.Tone, row.State = ui.Warning, "no user found"
		}
		props.Rows = append(props.Rows, row)
	}
	return props, err
}
