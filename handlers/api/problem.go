package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// problemMedia is the media type of RFC 9457.
const problemMedia = "application/problem+json"

// FieldError says what is wrong with one part of a request.
type FieldError struct {
	Pointer string `json:"pointer"` // "#/action" in the body (RFC 6901), "?limit" in the query
	Detail  string `json:"detail"`
}

// Problem is an error as programs read it (RFC 9457). It is an error of its own, so
// that handlers can return it.
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Errors    []FieldError `json:"errors,omitempty"`
	RequestID string       `json:"request_id,omitempty"` // to find what happened in the log

	// Challenge is the WWW-Authenticate of a 401.
	Challenge string `json:"-"`
	cause     error
}

// Error implements error for logs.
func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%d %s: %v", p.Status, p.Title, p.cause)
	}
	return fmt.Sprintf("%d %s: %s", p.Status, p.Title, p.Detail)
}

// Unwrap returns the error that the problem tells of, if there is one.
func (p *Problem) Unwrap() error { return p.cause }

// Write answers the request with the problem.
func (p *Problem) Write(c echo.Context) error {
	told := *p
	if told.Status >= http.StatusInternalServerError {
		told.RequestID = request.ID(c.Request().Context())
	}
	header := c.Response().Header()
	if told.Challenge != "" {
		header.Set(echo.HeaderWWWAuthenticate, told.Challenge)
	}
	header.Set(echo.HeaderCacheControl, "no-store")
	if c.Request().Method == http.MethodHead {
		header.Set(echo.HeaderContentType, problemMedia)
		return c.NoContent(told.Status)
	}
	body, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("write a problem: %w", err)
	}
	return c.Blob(told.Status, problemMedia, body)
}

// problemKinds names the problem of each status; the types are in openapi.json.
func problemKinds(status int) (name, title, detail string) {
	switch status {
	case http.StatusBadRequest:
		return "invalid-request", "The request is not valid", "Correct the request as the API description says."
	case http.StatusUnauthorized:
		return "unauthorized", "A valid key is needed", "Send a valid API token as \"Authorization: Bearer <token>\"."
	case http.StatusForbidden:
		return "forbidden", "The token may not do this", "Use an API token with a wider scope."
	case http.StatusNotFound:
		return "not-found", "Not found", "There is nothing at this address."
	case http.StatusMethodNotAllowed:
		return "method-not-allowed", "This cannot be done here", "The address exists, but not for this method. People are read-only: edit them in Marketo or Salesforce."
	case http.StatusConflict:
		return "conflict", "Not possible now", "The state of things does not allow this now."
	case http.StatusRequestEntityTooLarge:
		return "too-large", "The body is too large", "Send a smaller body."
	case http.StatusUnsupportedMediaType:
		return "unsupported-media-type", "The body must be JSON", "Send the body as \"Content-Type: application/json\"."
	case http.StatusTooManyRequests:
		return "too-many-requests", "Too many requests", "Wait a moment, then try again."
	case http.StatusServiceUnavailable:
		return "unavailable", "Not available now", "Try again in a moment."
	default:
		return "internal", "Internal error", "Something went wrong here; the request id helps to find out what."
	}
}

// NewProblem makes the problem of a status; an empty detail takes the usual sentence.
// A status that the API does not use becomes 500.
func NewProblem(status int, detail string) *Problem {
	name, title, usual := problemKinds(status)
	if name == "internal" {
		status = http.StatusInternalServerError
	}
	if detail == "" {
		detail = usual
	}
	return &Problem{Type: "urn:salesactions:problem:" + name, Title: title, Status: status, Detail: detail}
}

// Unauthorized is for a request without a valid token (RFC 6750).
func Unauthorized() *Problem {
	p := NewProblem(http.StatusUnauthorized, "")
	p.Challenge = `Bearer realm="salesactions"`
	return p
}

// Forbidden is for a token whose scope does not reach.
func Forbidden(needed models.Scope) *Problem {
	return NewProblem(http.StatusForbidden, fmt.Sprintf("This needs an API token of scope %q.", needed))
}

// invalid is for bad input; the first fault is the detail, so that it is seen in
// clients that show nothing else.
func invalid(faults ...FieldError) *Problem {
	p := NewProblem(http.StatusBadRequest, faults[0].Detail)
	p.Errors = faults
	return p
}

// ProblemFor says what a program is told of an error. What nobody foresaw is an
// internal error without details; the caller logs err.
func ProblemFor(err error) *Problem {
	var problem *Problem
	var tooLarge *http.MaxBytesError
	var wrong *syncengine.InvalidError
	var routing *echo.HTTPError
	var noDatabase *pgconn.ConnectError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &tooLarge):
		problem = NewProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have at most %d bytes.", tooLarge.Limit))
	case errors.As(err, &wrong):
		problem = invalid(FieldError{Pointer: "#/" + wrong.Field, Detail: wrong.Message})
	case errors.Is(err, models.ErrNotFound):
		problem = NewProblem(http.StatusNotFound, "")
	case errors.Is(err, models.ErrBadCursor):
		problem = invalid(FieldError{Pointer: "?cursor", Detail: "The cursor is not one that this call gave out."})
	case errors.Is(err, models.ErrConflict):
		problem = NewProblem(http.StatusConflict, "Somebody else changed this at the same moment: read it again, then repeat the change.")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &noDatabase):
		problem = NewProblem(http.StatusServiceUnavailable, "")
	case errors.As(err, &routing):
		problem = NewProblem(routing.Code, "")
	default:
		problem = NewProblem(http.StatusInternalServerError, "")
	}
	problem.cause = err
	return problem
}
