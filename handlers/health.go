package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Healthz says that the process is up.
func (h *Handlers) Healthz(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// Readyz says whether requests can be served: the database answers and has the
// schema of this program.
func (h *Handlers) Readyz(c echo.Context) error {
	if h.ready == nil {
		return c.String(http.StatusOK, "ready\n")
	}
	if err := h.ready(c.Request().Context()); err != nil {
		return c.String(http.StatusServiceUnavailable, "not ready: "+err.Error()+"\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
