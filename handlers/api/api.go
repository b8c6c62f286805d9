// Package api is the JSON API under /api/v1. It has types of its own, which no page
// shares, because programs rely on them; openapi.json describes them and a test
// keeps it true.
//
// The web layer mounts each handler under the method and path that openapi.json
// gives to the operation of the same name, and has checked the token's scope
// before a handler runs. Handlers return errors; ProblemFor says what a program is
// told of them.
package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"salesactions/syncengine"
)

// Prefix is the path under which the web layer mounts the handlers.
const Prefix = "/api/v1"

// Deps are what the handlers ask.
type Deps struct {
	DB     *gorm.DB
	Engine *syncengine.Engine
	// BaseURL is where people reach the program, without a slash at the end; unsubscribe
	// links start with it. Empty: the address that the request came to.
	BaseURL string
}

// Handlers answer the calls of the API. They are safe for concurrent use.
type Handlers struct {
	db      *gorm.DB
	engine  *syncengine.Engine
	baseURL string
}

// New makes the handlers.
func New(deps Deps) *Handlers {
	return &Handlers{db: deps.DB, engine: deps.Engine, baseURL: deps.BaseURL}
}

// answer writes a value as JSON that no cache keeps, for it is as old as it is.
func answer(c echo.Context, status int, value any) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(status, value)
}

// ok is answer with 200.
func ok(c echo.Context, value any) error { return answer(c, http.StatusOK, value) }
