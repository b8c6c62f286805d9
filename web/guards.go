package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/api"
	"salesactions/handlers/request"
	"salesactions/models"
)

// guard lets a request through to its handler, or sends it where it can be: people
// to the sign-in page, programs a problem.
func (s *Server) guard(p permission) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			switch p {
			case public, webhook:
				return next(c)
			case signedIn, admin:
				return s.guardPage(c, p, next)
			case tokenRead:
				return s.guardCall(c, models.ScopeRead, next)
			case tokenRecord:
				return s.guardCall(c, models.ScopeRecord, next)
			case tokenAdmin:
				return s.guardCall(c, models.ScopeAdmin, next)
			default:
				return errNotAllowed
			}
		}
	}
}

func (s *Server) guardPage(c echo.Context, p permission, next echo.HandlerFunc) error {
	user, ok := request.User(c)
	switch {
	case !ok:
		return toSignin(c)
	case p == admin && user.Role != models.RoleAdmin:
		return errNotAllowed
	default:
		return next(c)
	}
}

// toSignin asks who it is and comes back. A part of a page makes the browser leave
// the page; an event stream and a script's call can only be refused.
func toSignin(c echo.Context) error {
	r := c.Request()
	if r.Header.Get("HX-Request") == "true" {
		target := "/signin"
		if page, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && page.Path != "" {
			target = signinFor(page.RequestURI())
		}
		c.Response().Header().Set("HX-Redirect", target)
		return c.NoContent(http.StatusUnauthorized)
	}
	if strings.Contains(r.Header.Get(echo.HeaderAccept), "text/event-stream") {
		return errNotSignedIn
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return c.Redirect(http.StatusSeeOther, "/signin")
	}
	return c.Redirect(http.StatusSeeOther, signinFor(r.URL.RequestURI()))
}

func signinFor(next string) string {
	if next == "/" {
		return "/signin"
	}
	return "/signin?" + url.Values{"next": {next}}.Encode()
}

// guardCall lets programs in by their token.
func (s *Server) guardCall(c echo.Context, needed models.Scope, next echo.HandlerFunc) error {
	scheme, plain, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return api.Unauthorized()
	}
	ctx := c.Request().Context()
	token, err := models.FindAPIToken(ctx, s.deps.DB, strings.TrimSpace(plain))
	if errors.Is(err, models.ErrNotFound) {
		return api.Unauthorized()
	}
	if err != nil {
		return err
	}
	if !token.Scope.Includes(needed) {
		return api.Forbidden(needed)
	}
	if now := s.clock.Now(); token.LastUsedAt == nil || now.Sub(*token.LastUsedAt) > seenEvery {
		if err := models.SeeAPIToken(ctx, s.deps.DB, token.ID, now); err != nil {
			return err
		}
	}
	request.SetToken(c, token)
	return next(c)
}
