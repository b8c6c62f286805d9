package handlers

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/syncengine"
)

const syncPath = "/settings/sync"

// JobsRedirect leads to River's pages, which want the slash.
func (h *Handlers) JobsRedirect(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/settings/jobs/")
}

// Settings leads to the first page of the settings.
func (h *Handlers) Settings(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, syncPath)
}

// SyncStart starts the initial sync, or the whole of it again.
func (h *Handlers) SyncStart(c echo.Context) error { return syncAction(c, h.engine.StartSync) }

// SyncPause pauses the sync.
func (h *Handlers) SyncPause(c echo.Context) error { return syncAction(c, h.engine.PauseSync) }

// SyncResume goes on with a sync that was paused or failed.
func (h *Handlers) SyncResume(c echo.Context) error { return syncAction(c, h.engine.ResumeSync) }

// SyncReconcile starts a reconciliation.
func (h *Handlers) SyncReconcile(c echo.Context) error { return syncAction(c, h.engine.StartReconcile) }

// SyncPreview starts counting who qualifies.
func (h *Handlers) SyncPreview(c echo.Context) error { return syncAction(c, h.engine.StartPreview) }

// syncAction asks the engine for something; the page shows its progress. Where it is
// not possible, the page says why. The engine writes the audit event.
func syncAction(c echo.Context, do func(ctx context.Context, actor string) error) error {
	err := do(c.Request().Context(), request.Actor(c))
	switch {
	case err == nil:
		return c.Redirect(http.StatusSeeOther, syncPath)
	case errors.Is(err, syncengine.ErrNotConnected):
		return refuse(c, syncPath, "Connect Marketo first.")
	case errors.Is(err, syncengine.ErrAlreadyRunning):
		return refuse(c, syncPath, "This is running already.")
	case errors.Is(err, syncengine.ErrNotRunning):
		return refuse(c, syncPath, "The sync is not running.")
	case errors.Is(err, syncengine.ErrNotPaused):
		return refuse(c, syncPath, "The sync is not paused.")
	case errors.Is(err, syncengine.ErrNeverCopied):
		return refuse(c, syncPath, "Run the initial sync to its end first.")
	default:
		return err
	}
}
