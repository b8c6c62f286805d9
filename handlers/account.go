package handlers

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"salesactions/handlers/password"
	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/views/access"
)

// Account shows who one is, and the form to change the password.
func (h *Handlers) Account(c echo.Context) error {
	return h.accountPage(c, http.StatusOK, nil)
}

// AccountPassword changes the user's password. The other sessions end, and this one
// gets a new id. Tries of the current password count as tries to sign in.
func (h *Handlers) AccountPassword(c echo.Context) error {
	ctx := c.Request().Context()
	user, _ := request.User(c)
	chosen, place := c.FormValue("new_password"), networkOf(c.RealIP())
	if problem := password.Problem(chosen, user.Email); problem != "" {
		return h.accountPage(c, http.StatusUnprocessableEntity, map[string]string{"new_password": problem})
	}
	try, until, err := models.BeginSignin(ctx, h.db, user.Email, place, h.clock.Now())
	if err != nil {
		return err
	}
	if until != nil {
		return h.accountPage(c, http.StatusTooManyRequests, map[string]string{"password": "There were too many tries that failed. Try again at " +
			until.UTC().Format("15:04") + " UTC."})
	}
	_, err = h.checkPassword(ctx, user.Email, c.FormValue("password"))
	if errors.Is(err, errWrongPassword) {
		return h.accountPage(c, http.StatusUnprocessableEntity, map[string]string{"password": "This is not your current password."})
	}
	if err != nil {
		return errors.Join(err, models.ForgetSignin(ctx, h.db, try))
	}
	if err := models.SigninSucceeded(ctx, h.db, user.Email, place); err != nil {
		return err
	}
	hash, err := h.passwords.Hash(ctx, chosen)
	if err != nil {
		return err
	}
	err = models.Tx(ctx, h.db, func(tx *gorm.DB) error {
		if err := models.SetPassword(ctx, tx, user.ID, hash, request.GetSession(c).IDHash()); err != nil {
			return err
		}
		return h.record(c, tx, "users.password", user.Email, nil)
	})
	if err != nil {
		return err
	}
	if err := request.GetSession(c).Rotate(ctx); err != nil {
		return err
	}
	return seeOther(c, "/account", "Your password is changed. Other sessions were signed out.")
}

func (h *Handlers) accountPage(c echo.Context, status int, wrong map[string]string) error {
	page, err := h.frame(c, "Account")
	if err != nil {
		return err
	}
	user, _ := request.User(c)
	return h.render(c, status, access.Account(access.AccountProps{
		Page: page, Name: user.Name, Email: user.Email, Role: roleText(user.Role),
		WrongOld: wrong["password"], WrongNew: wrong["new_password"],
	}))
}

func roleText(role models.Role) string {
	if role == models.RoleAdmin {
		return "Admin"
	}
	return "Rep"
}
