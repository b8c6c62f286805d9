package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/views/access"
)

// Signin shows the form, or goes on when somebody is signed in already.
func (h *Handlers) Signin(c echo.Context) error {
	if _, ok := request.User(c); ok {
		return c.Redirect(http.StatusSeeOther, localPath(c.QueryParam("next")))
	}
	return h.signinForm(c, http.StatusOK, "", "")
}

// SigninSubmit checks the password. What it says of a wrong one, and how long it
// takes, is the same whether the address is known or not.
func (h *Handlers) SigninSubmit(c echo.Context) error {
	ctx := c.Request().Context()
	email, given := models.NormalEmail(field(c, "email")), c.FormValue("password")
	if email == "" || given == "" || len(email) > 320 {
		return h.signinForm(c, http.StatusUnprocessableEntity, email, "Enter your e-mail address and your password.")
	}
	place := networkOf(c.RealIP())
	try, until, err := models.BeginSignin(ctx, h.db, email, place, h.clock.Now())
	if err != nil {
		return err
	}
	if until != nil {
		return h.tooManyTries(c, email, *until)
	}
	user, err := h.checkPassword(ctx, email, given)
	if errors.Is(err, errWrongPassword) {
		return h.signinForm(c, http.StatusUnprocessableEntity, email, "The e-mail address or the password is not right.")
	}
	if err != nil {
		return errors.Join(err, models.ForgetSignin(context.WithoutCancel(ctx), h.db, try))
	}
	if err := models.SigninSucceeded(ctx, h.db, email, place); err != nil {
		return err
	}
	if err := request.GetSession(c).SignIn(ctx, user); err != nil {
		return err
	}
	request.SetUser(c, user)
	if err := h.record(c, h.db, "session.start", user.Email, nil); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, localPath(c.FormValue("next")))
}

func (h *Handlers) signinForm(c echo.Context, status int, email, problem string) error {
	page, err := h.frame(c, "Sign in")
	if err != nil {
		return err
	}
	return h.render(c, status, access.Signin(access.SigninProps{Page: page, Email: email, Next: c.FormValue("next"), Problem: problem}))
}

var errWrongPassword = errors.New("wrong address or password")

// checkPassword returns the active user whom the password belongs to.
func (h *Handlers) checkPassword(ctx context.Context, email, given string) (models.User, error) {
	user, err := models.FindUserByEmail(ctx, h.db, email)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return models.User{}, err
	}
	hash := user.PasswordHash
	if !user.Active() {
		hash = nil
	}
	match, err := h.passwords.Match(ctx, given, hash)
	if err != nil {
		return models.User{}, err
	}
	if !match {
		return models.User{}, errWrongPassword
	}
	return user, nil
}

// tooManyTries says when to try again.
func (h *Handlers) tooManyTries(c echo.Context, email string, until time.Time) error {
	wait := until.Sub(h.clock.Now())
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(wait.Seconds())+1))
	minutes := int(wait/time.Minute) + 1
	unit := "minutes"
	if minutes == 1 {
		unit = "minute"
	}
	return h.signinForm(c, http.StatusTooManyRequests, email,
		fmt.Sprintf("There were too many tries that failed. Try again in %d %s (at %s UTC).", minutes, unit, until.UTC().Format("15:04")))
}

// networkOf is what failures to sign in are counted by: the address, of IPv6 the
// network that one subscriber has whole.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
}

// localPath returns where to go after signing in: a path of this site and nothing
// else, so that a link to the sign-in page cannot lead away ("//evil.example",
// "/\evil.example").
func localPath(next string) string {
	const home = "/"
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t\x00") {
		return home
	}
	to, err := url.Parse(next)
	if err != nil || to.IsAbs() || to.Host != "" || strings.HasPrefix(to.Path, "//") || strings.HasPrefix(to.Path, "/sign") {
		return home
	}
	return to.RequestURI()
}
