package soql

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

func checkOperator(q *Query, col column, c *comparison) error {
	ordered := slices.Contains([]string{"<", "<=", ">", ">="}, c.operator)
	refused := c.operator == "like" && col.field.Kind != String ||
		ordered && (col.field.Kind == ID || col.field.Kind == Boolean)
	if refused {
		return q.pictured(InvalidFilter, c.path.at, fmt.Sprintf("invalid operator on field '%s'", col.field.Name))
	}
	return nil
}

// checkLiteral refuses 'true' for a checkbox, 5 for a text and the like.
func checkLiteral(q *Query, f Field, l literal) error {
	name, kinds := "string", []literalKind{stringLiteral}
	switch f.Kind {
	case ID:
		name = "reference"
		if l.kind == stringLiteral && l.text != "" && len(l.text) != 15 && len(l.text) != 18 {
			return q.pictured(InvalidFilter, l.at, "invalid ID field: "+l.text)
		}
	case Boolean:
		name, kinds = "boolean", []literalKind{boolLiteral}
	case Number:
		name, kinds = "double", []literalKind{numberLiteral}
	case Date:
		name, kinds = "date", []literalKind{dateLiteral, rangeLiteral}
	case DateTime:
		name, kinds = "dateTime", []literalKind{dateTimeLiteral, rangeLiteral}
	case String:
	}
	if l.kind == nullLiteral || slices.Contains(kinds, l.kind) {
		return nil
	}
	quotes := "should not be enclosed in quotes"
	if kinds[0] == stringLiteral {
		quotes = "should be enclosed in quotes"
	}
	return q.pictured(InvalidField, l.at, fmt.Sprintf("value of filter criterion for field '%s' must be of type %s and %s", f.Name, name, quotes))
}

// test makes a predicate out of a comparison. Null equals null and the empty string,
// differs from all else and is neither before nor after anything.
func (b *binder) test(f Field, c *comparison) func(any) bool {
	switch c.operator {
	case "=", "in":
		return b.anyOf(f, c.values)
	case "!=", "not in":
		among := b.anyOf(f, c.values)
		return func(v any) bool { return !among(v) }
	case "like":
		return likeTest(f, c.values[0])
	}
	l := c.values[0]
	if l.kind == nullLiteral {
		return func(any) bool { return false }
	}
	from, to := b.edges(l)
	from = normal(f, from)
	// A range counts as a whole: before it is before its start, after it is from its end.
	return func(v any) bool {
		if v = normal(f, v); v == nil {
			return false
		}
		switch c.operator {
		case "<":
			return order(v, from) < 0
		case ">=":
			return order(v, from) >= 0
		case ">":
			return to != nil && order(v, to) >= 0 || to == nil && order(v, from) > 0
		default:
			return to != nil && order(v, to) < 0 || to == nil && order(v, from) <= 0
		}
	}
}

// edges are the value and nil, or the half-open span of a day or a range.
func (b *binder) edges(l literal) (any, any) {
	switch l.kind {
	case numberLiteral:
		return l.number, nil
	case dateTimeLiteral:
		return l.time, nil
	case dateLiteral, rangeLiteral:
		from, to := l.span(b.now)
		return from, to
	case boolLiteral:
		return l.truth, nil
	case nullLiteral, stringLiteral:
	}
	return l.text, nil
}

// anyOf looks plain values up in a set, so that lists of thousands of ids stay quick.
func (b *binder) anyOf(f Field, values []literal) func(any) bool {
	set := map[any]bool{}
	var spans [][2]time.Time
	for _, l := range values {
		switch l.kind {
		case dateLiteral, rangeLiteral:
			from, to := l.span(b.now)
			spans = append(spans, [2]time.Time{from, to})
		case nullLiteral:
			set[normal(f, nil)] = true
		case stringLiteral:
			set[normal(f, l.text)] = true
		case boolLiteral, numberLiteral, dateTimeLiteral:
			v, _ := b.edges(l)
			set[normal(f, v)] = true
		}
	}
	return func(v any) bool {
		v = normal(f, v)
		if set[v] {
			return true
		}
		at, ok := v.(time.Time)
		return ok && slices.ContainsFunc(spans, func(s [2]time.Time) bool { return !at.Before(s[0]) && at.Before(s[1]) })
	}
}

// normal brings a value into the one form in which equal things are equal.
func normal(f Field, v any) any {
	switch v := v.(type) {
	case nil:
		if f.Kind == Boolean {
			return false
		}
	case string:
		switch {
		case v == "":
			return nil
		case f.Kind == ID:
			return shortID(v)
		case f.CaseSensitive:
			return v
		}
		return strings.ToLower(v)
	case int:
		return float64(v)
	case time.Time:
		return v.UTC().Round(0)
	}
	return v
}

// shortID cuts an id to the 15 characters that tell it from others.
func shortID(id string) string { return id[:min(len(id), 15)] }

// order compares two normal values of one kind.
func order(a, b any) int {
	switch a := a.(type) {
	case string:
		b, _ := b.(string)
		return cmp.Compare(a, b)
	case float64:
		b, _ := b.(float64)
		return cmp.Compare(a, b)
	case time.Time:
		b, _ := b.(time.Time)
		return a.Compare(b)
	case bool:
		b, _ := b.(bool)
		if a == b {
			return 0
		}
		if b {
			return -1
		}
		return 1
	}
	return 0
}

// likeTest matches % and _; null matches no pattern.
func likeTest(f Field, l literal) func(any) bool {
	if l.kind != stringLiteral {
		return func(v any) bool { return normal(f, v) == nil }
	}
	pattern := compileLike(l.like, !f.CaseSensitive)
	return func(v any) bool {
		s, ok := normal(f, v).(string)
		return ok && pattern.matches([]rune(s))
	}
}
