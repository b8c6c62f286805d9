package handlers

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"salesactions/handlers/password"
	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/views/access"
)

// maxName is in bytes.
const maxName = 200

// invitationOver answers a link that was used, replaced or has expired.
func invitationOver() error {
	return Failure{Status: http.StatusNotFound,
		Detail: "This invitation was used already or is too old. Ask an admin of your workspace for a new link."}
}

// Invitation shows the form in which somebody invited chooses a name and a password.
func (h *Handlers) Invitation(c echo.Context) error {
	user, err := models.FindInvited(c.Request().Context(), h.db, c.Param("token"), h.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return invitationOver()
	}
	if err != nil {
		return err
	}
	return h.invitationForm(c, http.StatusOK, user, nil)
}

// InvitationAccept sets the name and the password, and signs in.
func (h *Handlers) InvitationAccept(c echo.Context) error {
	ctx, token := c.Request().Context(), c.Param("token")
	user, err := models.FindInvited(ctx, h.db, token, h.clock.Now())
	if errors.Is(err, models.ErrNotFound) {
		return invitationOver()
	}
	if err != nil {
		return err
	}
	name, chosen := field(c, "name"), c.FormValue("password")
	wrong := map[string]string{}
	if problem := nameProblem(name); problem != "" {
		wrong["name"] = problem
	}
	if problem := password.Problem(chosen, user.Email); problem != "" {
		wrong["password"] = problem
	}
	if len(wrong) > 0 {
		user.Name = name
		return h.invitationForm(c, http.StatusUnprocessableEntity, user, wrong)
	}
	hash, err := h.passwords.Hash(ctx, chosen)
	if err != nil {
		return err
	}
	if err := h.accept(c, token, name, hash); errors.Is(err, models.ErrNotFound) {
		return invitationOver()
	} else if err != nil {
		return err
	}
	return seeOther(c, "/", "Welcome. Your account is ready.")
}

func (h *Handlers) invitationForm(c echo.Context, status int, user models.User, wrong map[string]string) error {
	page, err := h.frame(c, "Welcome")
	if err != nil {
		return err
	}
	if user.Name == user.Email {
		user.Name = "" // whoever invited did not give a name
	}
	return h.render(c, status, access.Invitation(access.InvitationProps{
		Page: page, Action: c.Request().URL.Path, Email: user.Email, Name: user.Name, WrongName: wrong["name"], Wrong: wrong["password"],
	}))
}

// accept uses the invitation up and starts the session of the one who accepted.
func (h *Handlers) accept(c echo.Context, token, name, hash string) error {
	ctx := c.Request().Context()
	var user models.User
	err := models.Tx(ctx, h.db, func(tx *gorm.DB) error {
		var err error
		if user, err = models.AcceptInvitation(ctx, tx, token, name, hash, h.clock.Now()); err != nil {
			return err
		}
		request.SetUser(c, user)
		return h.record(c, tx, "users.accept", user.Email, nil)
	})
	if err != nil {
		return err
	}
	return request.GetSession(c).SignIn(context.WithoutCancel(ctx), user)
}

func nameProblem(name string) string {
	switch {
	case name == "":
		return "Enter a name."
	case len(name) > maxName:
		return "Use a shorter name."
	default:
		return ""
	}
}
