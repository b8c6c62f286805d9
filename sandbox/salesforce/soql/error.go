package soql

import (
	"fmt"
	"strings"
)

// Codes of errors, as Salesforce names them.
const (
	MalformedQuery   = "MALFORMED_QUERY"
	InvalidField     = "INVALID_FIELD"
	InvalidType      = "INVALID_TYPE"
	InvalidFilter    = "INVALID_QUERY_FILTER_OPERATOR"
	NumberOutOfRange = "NUMBER_OUTSIDE_VALID_RANGE"
)

// aroundError is how many bytes of the query a picture shows on either side.
const aroundError = 60

// wrongName ends the sentences about unknown fields and objects.
const wrongName = " Please reference your WSDL or the describe call for the appropriate names."

// Error is what Salesforce answers, with status 400, to a query that it refuses.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func unexpected(t token) *Error {
	text := t.text
	if t.kind == end {
		text = "<EOF>"
	}
	return &Error{MalformedQuery, fmt.Sprintf("unexpected token: '%s'", text)}
}

// pictured points at the place in the query:
//
//	SELECT Colour FROM Task
//	       ^
//	ERROR at Row:1:Column:8
//	No such column 'Colour' on entity 'Task'. …
func (q *Query) pictured(code string, at int, sentence string) *Error {
	before := q.text[:at]
	row := strings.Count(before, "\n") + 1
	start := strings.LastIndexByte(before, '\n') + 1
	column := at - start + 1
	stop := len(q.text)
	if i := strings.IndexByte(q.text[at:], '\n'); i >= 0 {
		stop = at + i
	}
	start, stop = max(start, at-aroundError), min(stop, at+aroundError)
	return &Error{code, fmt.Sprintf("\n%s\n%s^\nERROR at Row:%d:Column:%d\n%s",
		strings.ToValidUTF8(q.text[start:stop], "?"), strings.Repeat(" ", at-start), row, column, sentence)}
}

func (q *Query) noSuchColumn(p path, object string) *Error {
	return q.pictured(InvalidField, p.at, fmt.Sprintf("No such column '%s' on entity '%s'. If you are attempting to use a custom field, "+
		"be sure to append the '__c' after the custom field name.", p.last(), object)+wrongName)
}

func (q *Query) noSuchRelation(p path, name, object string) *Error {
	return q.pictured(InvalidField, p.at, fmt.Sprintf("Didn't understand relationship '%s' in field path. If you are attempting to use "+
		"a custom relationship, be sure to append the '__r' after the custom relationship name (entity '%s').", name, object)+wrongName)
}

func (q *Query) noSuchType() *Error {
	return q.pictured(InvalidType, q.fromAt, fmt.Sprintf("sObject type '%s' is not supported. If you are attempting to use a custom object, "+
		"be sure to append the '__c' after the entity name.", q.from)+wrongName)
}
