package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"salesactions/handlers"
	"salesactions/handlers/api"
	"salesactions/handlers/request"
	"salesactions/models"
)

// What the web layer itself refuses.
var (
	errForged      = errors.New("the form is not one of ours")
	errNotAllowed  = errors.New("the role does not allow it")
	errNotSignedIn = errors.New("nobody is signed in")
)

// statusGone is what others log for a client that went away; nobody reads the answer.
const statusGone = 499

// answers is THE table of errors on pages: what callers decide on, and what people
// see of it. The first line that matches counts; everything else is an internal
// error. What programs see of errors is in api.ProblemFor.
func answers() []struct {
	err    error
	answer handlers.Failure
} {
	return []struct {
		err    error
		answer handlers.Failure
	}{
		{errForged, handlers.Failure{Status: http.StatusForbidden,
			Detail: "The form was open for too long, or did not come from this site. Go back, reload the page and try again."}},
		{errNotAllowed, handlers.Failure{Status: http.StatusForbidden,
			Detail: "Only admins can open settings. Ask an admin of your workspace if you need something changed there."}},
		{errNotSignedIn, handlers.Failure{Status: http.StatusUnauthorized, Detail: "Sign in first."}},
		{models.ErrNotFound, handlers.Failure{Status: http.StatusNotFound}},
		{models.ErrBadCursor, handlers.Failure{Status: http.StatusBadRequest,
			Detail: "The link to this page of the list is no longer valid. Start from the first page."}},
		{models.ErrConflict, handlers.Failure{Status: http.StatusConflict,
			Detail: "Somebody else changed this at the same time. Reload and try again."}},
		{context.DeadlineExceeded, handlers.Failure{Status: http.StatusServiceUnavailable,
			Detail: "This took too long. Try again in a moment."}},
	}
}

// describe turns an error into what is answered. unexpected says that nobody
// foresaw it, so that it is logged.
func describe(err error) (f handlers.Failure, unexpected bool) {
	for _, line := range answers() {
		if errors.Is(err, line.err) {
			return line.answer, false
		}
	}
	var failure handlers.Failure
	var tooLarge *http.MaxBytesError
	var echoed *echo.HTTPError
	var noDatabase *pgconn.ConnectError
	switch {
	case errors.As(err, &failure):
		return failure, false
	case errors.As(err, &tooLarge):
		return handlers.Failure{Status: http.StatusRequestEntityTooLarge}, false
	case errors.As(err, &noDatabase):
		return handlers.Failure{Status: http.StatusServiceUnavailable,
			Detail: "The database cannot be reached at the moment. Try again shortly."}, true
	case errors.As(err, &echoed) && echoed.Code < http.StatusInternalServerError:
		return handlers.Failure{Status: echoed.Code}, false
	default:
		return handlers.Failure{Status: http.StatusInternalServerError,
			Detail: "internal error"}, true
	}
}

// answerError is where every error ends: it is logged here, once, if nobody foresaw
// it, and answered with a page or, for programs, a problem.
func (s *Server) answerError(err error, c echo.Context) {
	ctx := c.Request().Context()
	log := s.log.With(slog.String("request_id", request.ID(ctx)), slog.String("route", s.routeName(c)))
	switch {
	case c.Response().Committed:
		log.WarnContext(ctx, "answer broke off", slog.Any("error", err))
		// Without its end the answer must not look whole: net/http cuts the
		// connection on this value alone.
		panic(http.ErrAbortHandler)
	case isAPI(c):
		problem := api.ProblemFor(err)
		if problem.Status >= http.StatusInternalServerError {
			log.ErrorContext(ctx, "call failed", slog.Any("error", err))
		}
		s.finish(c, log, problem.Write(c))
	default:
		failure, unexpected := describe(err)
		if unexpected {
			log.ErrorContext(ctx, "request failed", slog.Any("error", err))
		}
		failure.RequestID = request.ID(ctx)
		s.placeError(c)
		s.finish(c, log, s.deps.Pages.ErrorPage(c, failure))
	}
}

// placeError tells htmx, which asked for a part of a page, where the error belongs: in
// place of the page's content. A part that is polled stays as it is until the next poll.
func (s *Server) placeError(c echo.Context) {
	if !request.HTMX(c) {
		return
	}
	header := c.Response().Header()
	if r, ok := s.routeOf(c); ok && r.has(quiet) {
		header.Set("HX-Reswap", "none")
		return
	}
	header.Set("HX-Retarget", "#main")
	header.Set("HX-Reselect", "#main")
	header.Set("HX-Reswap", "outerHTML")
}

// finish answers at least with a status when even the page of the error failed.
func (s *Server) finish(c echo.Context, log *slog.Logger, err error) {
	if err == nil {
		return
	}
	log.ErrorContext(c.Request().Context(), "error was not answered", slog.Any("error", err))
	if !c.Response().Committed {
		c.Response().WriteHeader(http.StatusInternalServerError)
	}
}
