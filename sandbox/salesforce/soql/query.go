package soql

import (
	"slices"
	"strings"
)

// Query is a query that was understood, not yet held against a schema. It is
// read-only, so many goroutines may run it.
type Query struct {
	text   string
	from   string
	fromAt int
	count  bool // SELECT COUNT()
	all    bool // SELECT FIELDS(ALL)
	fields []path
	where  condition // nil = every row
	order  []ordering
	limit  int // -1 = none
	offset int
}

// From is the object's name as the query writes it.
func (q *Query) From() string { return q.from }

// Count tells whether only the number of rows was asked for.
func (q *Query) Count() bool { return q.count }

// Constraint gives the values, one of which the field must equal in each row, or nil
// when the query demands none: the caller looks in an index in place of all rows. The
// conditions are checked in any case.
func (q *Query) Constraint(field string) []string { return constraint(q.where, field) }

// path is a field, reached over the names of relationships before it.
type path struct {
	names []string
	at    int
}

func (p path) last() string { return p.names[len(p.names)-1] }

type ordering struct {
	path      path
	down      bool
	nullsLast bool
}

// condition is a junction, a negation or a comparison.
type condition any

type junction struct {
	or    bool
	parts []condition
}

type negation struct{ part condition }

type comparison struct {
	path     path
	operator string // =, !=, <, <=, >, >=, like, in, not in
	values   []literal
	sub      *Query // of IN (SELECT …)
}

func constraint(c condition, field string) []string {
	switch c := c.(type) {
	case *junction:
		if c.or {
			return nil
		}
		for _, part := range c.parts {
			if values := constraint(part, field); values != nil {
				return values
			}
		}
	case *comparison:
		if len(c.path.names) != 1 || !strings.EqualFold(c.path.last(), field) || c.sub != nil {
			return nil
		}
		if c.operator != "=" && c.operator != "in" || slices.ContainsFunc(c.values, func(l literal) bool { return l.kind != stringLiteral }) {
			return nil
		}
		values := make([]string, 0, len(c.values))
		for _, l := range c.values {
			values = append(values, l.text)
		}
		return values
	}
	return nil
}
