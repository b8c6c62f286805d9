package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strings"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"salesactions/handlers/request"
	"salesactions/models"
)

const (
	usersPath = "/settings/users"
	maxUsers  = 1000 // more than any sales team that shares one workspace
)

// SettingsUsers lists who may sign in.
func (h *Handlers) SettingsUsers(c echo.Context) error {
	return h.usersPage(c, http.StatusOK, inviteForm{Role: models.RoleRep})
}

// inviteForm is the form as it was sent, with what is wrong.
type inviteForm struct {
	Email, Name string
	Role        models.Role
	Wrong       map[string]string
	RepWrong    string // why a rep was not linked
}

func readInviteForm(c echo.Context) inviteForm {
	form := inviteForm{
		Email: models.NormalEmail(field(c, "email")), Name: field(c, "name"),
		Role: models.Role(field(c, "role")), Wrong: map[string]string{},
	}
	if !validEmail(form.Email) {
		form.Wrong["email"] = "Enter an e-mail address, such as rita@example.com."
	}
	if form.Name == "" {
		form.Name = form.Email
	}
	if problem := nameProblem(form.Name); problem != "" {
		form.Wrong["name"] = problem
	}
	if !form.Role.Valid() {
		form.Wrong["role"] = "Choose a role."
	}
	return form
}

func validEmail(email string) bool {
	parsed, err := mail.ParseAddress(email)
	return err == nil && parsed.Address == email && len(email) <= 254
}

// UserInvite adds a user and makes the link with which they choose a password.
func (h *Handlers) UserInvite(c echo.Context) error {
	ctx := c.Request().Context()
	form := readInviteForm(c)
	if len(form.Wrong) > 0 {
		return h.usersPage(c, http.StatusUnprocessableEntity, form)
	}
	user := models.User{Email: form.Email, Name: form.Name, Role: form.Role}
	var token string
	err := models.Tx(ctx, h.db, func(tx *gorm.DB) error {
		if err := models.CreateUser(ctx, tx, h.clock.Now(), &user); err != nil {
			return err
		}
		var err error
		if token, err = models.CreateInvitation(ctx, tx, user.ID, h.clock.Now()); err != nil {
			return err
		}
		return h.record(c, tx, "users.invite", user.Email, map[string]any{"role": user.Role})
	})
	if errors.Is(err, models.ErrConflict) {
		form.Wrong["email"] = "There is a user with this address already."
		return h.usersPage(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	return h.showInvitation(c, user, token)
}

// UserInvitation makes a new link for a user who lost the first, or the password.
func (h *Handlers) UserInvitation(c echo.Context) error {
	ctx := c.Request().Context()
	var token string
	return h.changeUser(c, func(tx *gorm.DB, user models.User) error {
		var err error
		if token, err = models.CreateInvitation(ctx, tx, user.ID, h.clock.Now()); err != nil {
			return err
		}
		return h.record(c, tx, "users.invitation", user.Email, nil)
	}, func(user models.User) error { return h.showInvitation(c, user, token) })
}

// showInvitation shows the link on the next page, once.
func (h *Handlers) showInvitation(c echo.Context, user models.User, token string) error {
	err := request.GetSession(c).AddFlash(c.Request().Context(), request.Flash{
		Tone:   toneGood,
		Text:   fmt.Sprintf("Send this link to %s. It is good for one time, for 7 days, and shown only now.", user.Email),
		Secret: h.origin(c) + "/invitations/" + token,
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, usersPath)
}

// UserRole changes what a user may do, from their next click on.
func (h *Handlers) UserRole(c echo.Context) error {
	role := models.Role(field(c, "role"))
	if !role.Valid() {
		return refuse(c, usersPath, "Choose a role.")
	}
	ctx := c.Request().Context()
	return h.changeUser(c, func(tx *gorm.DB, user models.User) error {
		if err := models.SetRole(ctx, tx, user.ID, role); err != nil {
			return err
		}
		return h.record(c, tx, "users.role", user.Email, map[string]any{"old": user.Role, "new": role})
	}, func(user models.User) error {
		return seeOther(c, usersPath, fmt.Sprintf("%s is %s now.", user.Name, map[models.Role]string{
			models.RoleAdmin: "an admin", models.RoleRep: "a rep"}[role]))
	})
}

// UserDeactivate ends a user's access at once.
func (h *Handlers) UserDeactivate(c echo.Context) error {
	ctx := c.Request().Context()
	return h.changeUser(c, func(tx *gorm.DB, user models.User) error {
		if self, _ := request.User(c); self.ID == user.ID {
			return Failure{Status: http.StatusUnprocessableEntity, Detail: "You cannot deactivate yourself."}
		}
		if err := models.Deactivate(ctx, tx, user.ID, h.clock.Now()); err != nil {
			return err
		}
		return h.record(c, tx, "users.deactivate", user.Email, nil)
	}, func(user models.User) error {
		return seeOther(c, usersPath, user.Name+" was signed out and cannot sign in any more.")
	})
}

// UserActivate lets a deactivated user sign in again.
func (h *Handlers) UserActivate(c echo.Context) error {
	ctx := c.Request().Context()
	return h.changeUser(c, func(tx *gorm.DB, user models.User) error {
		if err := models.Activate(ctx, tx, user.ID); err != nil {
			return err
		}
		return h.record(c, tx, "users.activate", user.Email, nil)
	}, func(user models.User) error { return seeOther(c, usersPath, user.Name+" can sign in again.") })
}

// UserSignout ends all sessions of a user.
func (h *Handlers) UserSignout(c echo.Context) error {
	ctx := c.Request().Context()
	return h.changeUser(c, func(tx *gorm.DB, user models.User) error {
		if err := models.RevokeSessions(ctx, tx, user.ID, nil); err != nil {
			return err
		}
		return h.record(c, tx, "users.signout", user.Email, nil)
	}, func(user models.User) error { return seeOther(c, usersPath, user.Name+" was signed out everywhere.") })
}

// changeUser does something to the user in the path, in one transaction with its
// audit event, and then answers; a rule that forbids it is told on the list.
func (h *Handlers) changeUser(c echo.Context, do func(*gorm.DB, models.User) error, answer func(models.User) error) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var user models.User
	err = models.Tx(ctx, h.db, func(tx *gorm.DB) error {
		var err error
		if user, err = models.FindUser(ctx, tx, id); err != nil {
			return err
		}
		return do(tx, user)
	})
	var forbidden Failure
	switch {
	case errors.Is(err, models.ErrLastAdmin):
		return refuse(c, usersPath, "Somebody must stay admin: make another user an admin first.")
	case errors.As(err, &forbidden):
		return refuse(c, usersPath, forbidden.Detail)
	case err != nil:
		return err
	default:
		return answer(user)
	}
}

// origin is the start of links that leave the program.
func (h *Handlers) origin(c echo.Context) string {
	if h.baseURL != "" {
		return strings.TrimRight(h.baseURL, "/")
	}
	return c.Scheme() + "://" + c.Request().Host
}
