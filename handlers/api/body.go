package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// maxBody is how many bytes a request of these calls may have.
const maxBody = 64 << 10

// readBody reads a JSON object strictly into a pointer: members that the call does
// not know are refused, since a misspelt one would silently do nothing.
// Members that are absent leave what into holds.
func readBody(c echo.Context, into any) error {
	if err := checkMedia(c.Request().Header.Get(echo.HeaderContentType)); err != nil {
		return err
	}
	body, err := readAll(c)
	if err != nil {
		return err
	}
	if !json.Valid(body) || bytes.TrimSpace(body)[0] != '{' {
		return invalid(FieldError{Pointer: "#", Detail: "The body must be one JSON object."})
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return bodyProblem(err)
	}
	return nil
}

// readAll reads a body of at most maxBody bytes.
func readAll(c echo.Context) ([]byte, error) { return readAllOf(c, maxBody) }

// readAllOf reads a body of at most so many bytes.
func readAllOf(c echo.Context, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, most))
	var tooLarge *http.MaxBytesError
	var refused *echo.HTTPError // by a limit of the web layer
	switch {
	case err == nil:
		return body, nil
	case errors.As(err, &tooLarge), errors.As(err, &refused):
		return nil, err
	default: // the caller broke off
		return nil, invalid(FieldError{Pointer: "#", Detail: "The body did not arrive whole."})
	}
}

// checkMedia takes JSON in its variants, and bodies of clients that do not say.
func checkMedia(contentType string) error {
	if contentType == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != echo.MIMEApplicationJSON && media != "application/merge-patch+json" {
		return NewProblem(http.StatusUnsupportedMediaType, "")
	}
	return nil
}

// members are the names of a path in JSON: the decoder also tells of Go's own, of
// embedded structs, which begin with a capital.
func members(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "."), func(name string) bool { return name == "" || name[0] >= 'A' && name[0] <= 'Z' })
}

func bodyProblem(err error) *Problem {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return invalid(FieldError{Pointer: "#/" + strings.Join(members(wrongType.Field), "/"), Detail: fmt.Sprintf("A JSON %s is not what belongs here.", wrongType.Value)})
	}
	// encoding/json has no type for this error: `json: unknown field "acton"`.
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		name = shown(strings.Trim(name, `"`))
		return invalid(FieldError{Pointer: "#/" + name, Detail: fmt.Sprintf("There is no member %q here.", name)})
	}
	return invalid(FieldError{Pointer: "#", Detail: "The body cannot be read."})
}
