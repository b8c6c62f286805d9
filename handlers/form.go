package handlers

import (
	"strings"

	"github.com/labstack/echo/v4"
)

// field reads a field of a form as people mean it.
func field(c echo.Context, name string) string { return clean(c.FormValue(name)) }

// clean drops the white space around a text, and what PostgreSQL cannot hold: NUL
// characters and bytes that are no UTF-8.
func clean(text string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), ""))
}

// choose sets one of a group of values by its name; whoever saves it checks it.
func choose[S ~string](to *S, name string) { *to = S(name) }
