package api

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

const (
	maxParameter = 512  // bytes of a filter
	maxCursor    = 4096 // bytes
	defaultLimit = 50
	maxLimit     = 500
)

// query reads the parameters of a URL strictly: a program that misspells a filter
// must not get everybody.
type query struct {
	values url.Values
	faults []FieldError
}

// readQuery takes the parameters; names that the call does not know are faults, and
// so are names given twice.
func readQuery(c echo.Context, known ...string) *query {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	q := &query{values: values}
	if err != nil {
		q.fault("", "The query is not correctly encoded.")
	}
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			q.fault(shown(name), fmt.Sprintf("There is no parameter %q; this call takes %s.", shown(name), strings.Join(known, ", ")))
		case len(given) > 1:
			q.fault(name, fmt.Sprintf("The parameter %q is given more than once.", name))
		case !isText(given[0]):
			q.fault(name, fmt.Sprintf("The parameter %q is not text that can be searched for.", name))
		case name == "cursor" && len(given[0]) > maxCursor || name != "cursor" && len(given[0]) > maxParameter:
			q.fault(name, fmt.Sprintf("The parameter %q is too long.", name))
		case given[0] == "" && name != "q" && name != "cursor":
			q.fault(name, fmt.Sprintf("The parameter %q is empty.", name))
		}
	}
	slices.SortFunc(q.faults, func(a, b FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return q
}

// problem returns what is wrong with the query, or nil.
func (q *query) problem() error {
	if len(q.faults) == 0 {
		return nil
	}
	return invalid(q.faults...)
}

func (q *query) fault(name, detail string) {
	q.faults = append(q.faults, FieldError{Pointer: "?" + name, Detail: detail})
}

// text returns a parameter as it is, empty when it is absent.
func (q *query) text(name string) string { return q.values.Get(name) }

// limit returns how many items a page may have.
func (q *query) limit() int {
	given := q.values.Get("limit")
	if given == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > maxLimit {
		q.fault("limit", fmt.Sprintf("The limit must be a whole number from 1 to %d.", maxLimit))
	}
	return n
}

// number returns a positive whole number, 0 when it is absent.
func (q *query) number(name string) int64 {
	given := q.values.Get(name)
	if given == "" {
		return 0
	}
	n, ok := positive(given)
	if !ok {
		q.fault(name, fmt.Sprintf("The parameter %q must be a positive whole number.", name))
	}
	return n
}

// time returns a time, the zero time when it is absent.
func (q *query) time(name string) time.Time {
	given := q.values.Get(name)
	if given == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, given)
	if err != nil {
		q.fault(name, fmt.Sprintf("The parameter %q must be an RFC 3339 time, like 2026-11-23T09:30:00Z.", name))
	}
	return at
}

// day returns a day at midnight UTC, nil when it is absent.
func (q *query) day(name string) *time.Time {
	given := q.values.Get(name)
	if given == "" {
		return nil
	}
	day, err := time.Parse(time.DateOnly, given)
	if err != nil {
		q.fault(name, fmt.Sprintf("The parameter %q must be a day, like 2026-11-25.", name))
	}
	return &day
}

// truth returns true or false, false when it is absent.
func (q *query) truth(name string) bool {
	given := q.values.Get(name)
	if given != "" && given != "true" && given != "false" {
		q.fault(name, fmt.Sprintf("The parameter %q must be true or false.", name))
	}
	return given == "true"
}

// positive reads an id: digits only, without the sign and the spaces that others allow.
func positive(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0 && text[0] != '+'
}

// isText says whether PostgreSQL can hold the text.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// shown cuts what a stranger sent before it is repeated to them.
func shown(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if runes := []rune(name); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return name
}
