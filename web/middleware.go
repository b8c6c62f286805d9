package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"salesactions/handlers/request"
)

// maxBody bounds what a request may send; single calls may allow less.
const maxBody = "8M"

// middleware is what every request passes, in this order: the outer ones see also
// what the inner ones refuse.
func (s *Server) middleware() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		s.withID(),
		s.logAccess,
		s.observe,
		s.answerErrors,
		s.recoverPanics(),
		s.secureHeaders,
		middleware.BodyLimit(maxBody),
		s.compress(),
		s.limitTime,
		s.withSession,
		s.csrf(),
		s.withCursor,
	}
}

// withID names the request for logs and error pages. An id that a client sends is
// not taken over, since logs must be able to trust it.
func (s *Server) withID() echo.MiddlewareFunc {
	return middleware.RequestIDWithConfig(middleware.RequestIDConfig{
		Skipper: func(c echo.Context) bool {
			c.Request().Header.Del(echo.HeaderXRequestID)
			return false
		},
		RequestIDHandler: request.SetID,
	})
}

// logAccess writes a line per request with the route, never the path or the query,
// since those hold names and tokens. What is polled, or taken by an open page, would
// drown the rest and is for debugging.
func (s *Server) logAccess(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.clock.Now()
		if err := next(c); err != nil {
			return err
		}
		level := slog.LevelInfo
		if r, ok := s.routeOf(c); !ok || r.has(quiet) || request.FromPage(c) {
			level = slog.LevelDebug
		}
		s.log.LogAttrs(c.Request().Context(), level, "request answered",
			slog.String("method", knownMethod(c.Request().Method)), slog.String("route", s.routeName(c)),
			slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size),
			slog.Duration("took", s.clock.Since(start)), slog.String("request_id", request.ID(c.Request().Context())))
		return nil
	}
}

// answerLimit is how long an error may take to be answered, after a request's own
// time may be over.
const answerLimit = 5 * time.Second

// answerErrors answers what the inner ones return, so that the outer ones see the
// status of the answer. Where the client is gone there is nobody to answer.
func (s *Server) answerErrors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		outer := c.Request().Context()
		err := next(c)
		if err == nil {
			return nil
		}
		if outer.Err() != nil && (c.Response().Committed || errors.Is(err, context.Canceled)) {
			c.Response().Status = statusGone
			return nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), answerLimit)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		c.Error(err)
		return nil
	}
}

// recoverPanics turns a panic into an error that is answered and logged as any other.
func (s *Server) recoverPanics() echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableStackAll: true, StackSize: 8 << 10, DisableErrorHandler: true,
		LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
			return fmt.Errorf("panic: %w\n%s", err, stack)
		},
	})
}

// compress leaves streams alone, whose events must not wait in a buffer, and what
// is compressed already.
func (s *Server) compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		MinLength: 1024,
		Skipper: func(c echo.Context) bool {
			r, ok := s.routeOf(c)
			return ok && (r.has(stream) || r.has(file))
		},
	})
}

// withCursor notes where the stream of changes is before the handler reads anything,
// so that the page can follow it from there.
func (s *Server) withCursor(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.usesSession(c) {
			request.SetCursor(c, s.deps.Live.Cursor())
		}
		return next(c)
	}
}

// limitTime bounds requests, except those that send for long: streams and exports
// bound each write instead.
func (s *Server) limitTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if r, ok := s.routeOf(c); ok && (r.has(stream) || r.has(long)) {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.cfg.RequestTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// csrf proves that a form is ours. Programs prove themselves with a token or a
// secret that no browser adds by itself, so their routes need no such proof.
func (s *Server) csrf() echo.MiddlewareFunc {
	return middleware.CSRFWithConfig(middleware.CSRFConfig{
		Skipper: func(c echo.Context) bool {
			r, ok := s.routeOf(c)
			return !s.usesSession(c) || !ok && !safe(c.Request().Method) || r.has(stream)
		},
		TokenLookup:    "form:" + request.CSRFField + ",header:" + echo.HeaderXCSRFToken,
		ContextKey:     request.CSRFField,
		CookieName:     cookieName("csrf", s.secure),
		CookiePath:     "/",
		CookieMaxAge:   int(absoluteLife / time.Second),
		CookieSecure:   s.secure,
		CookieHTTPOnly: true,
		CookieSameSite: http.SameSiteLaxMode,
		ErrorHandler:   func(error, echo.Context) error { return errForged },
	})
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// knownMethod keeps what clients make up out of logs and metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}
