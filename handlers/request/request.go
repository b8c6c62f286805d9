// Package request gives handlers typed access to what the web layer put into a
// request: who is asking, with which session or token, and how.
package request

import (
	"context"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

type key int

const (
	userKey key = iota
	tokenKey
	sessionKey
	cursorKey
	idKey
)

// SetUser says who is signed in.
func SetUser(c echo.Context, u models.User) { set(c, userKey, u) }

// User returns who is signed in, and whether anybody is.
func User(c echo.Context) (models.User, bool) { return get[models.User](c, userKey) }

// SetToken says which API token the request came with.
func SetToken(c echo.Context, t models.APIToken) { set(c, tokenKey, t) }

// Token returns the API token that the request came with, if it came with a valid one.
func Token(c echo.Context) (models.APIToken, bool) { return get[models.APIToken](c, tokenKey) }

// Actor is who asks, as runs and the audit log have it: a user or a token.
// Empty for a request that needs neither.
func Actor(c echo.Context) string {
	if u, ok := User(c); ok {
		return u.Actor()
	}
	if t, ok := Token(c); ok {
		return t.Actor()
	}
	return ""
}

// CSRFField is the form field, and the key of echo's context, of the token that
// proves that a form is ours.
const CSRFField = "csrf"

// CSRF returns the token that the page's forms carry.
func CSRF(c echo.Context) string {
	token, _ := c.Get(CSRFField).(string)
	return token
}

// FromPage says whether a page that is open takes the answer into itself: a part, or
// the whole of which it takes a part out. A request that restores history opens a
// page (htmx 4: request headers).
func FromPage(c echo.Context) bool {
	header := c.Request().Header
	return header.Get("HX-Request") == "true" && header.Get("HX-History-Restore-Request") != "true"
}

// HTMX says whether a part of the page is asked for, and not the whole.
func HTMX(c echo.Context) bool {
	return FromPage(c) && c.Request().Header.Get("HX-Request-Type") != "full"
}

// SetCursor says where the stream of changes was before the request read anything.
func SetCursor(c echo.Context, cursor string) { set(c, cursorKey, cursor) }

// Cursor returns where the stream of changes was before the request read anything;
// empty where nobody said so.
func Cursor(c echo.Context) string {
	cursor, _ := get[string](c, cursorKey)
	return cursor
}

// SetID gives the request its id, for logs and error pages.
func SetID(c echo.Context, id string) { set(c, idKey, id) }

// ID returns the request's id.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(idKey).(string)
	return id
}

// The values travel in the context of the request, so that what has only a
// context, such as the log, finds them too.
func set(c echo.Context, k key, value any) {
	r := c.Request()
	c.SetRequest(r.WithContext(context.WithValue(r.Context(), k, value)))
}

func get[T any](c echo.Context, k key) (T, bool) {
	value, ok := c.Request().Context().Value(k).(T)
	return value, ok
}
