package soql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of SOQL.
const (
	maxOffset    = 2_000
	maxFieldsAll = 200
	maxParents   = 5
	maxDepth     = 50 // of parentheses; ours, so that no query eats the stack
)

// reserved are words that no field or object is called by.
var reserved = []string{"select", "from", "where", "and", "or", "not", "in", "like", "order", "limit", "offset", "asc", "desc", "nulls"}

type parser struct {
	text   string
	tokens []token
	depth  int
}

// Parse reads a query. What it refuses is an *Error.
func Parse(query string) (*Query, error) {
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	p := &parser{text: query, tokens: tokens}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != end {
		return nil, unexpected(t)
	}
	return q, nil
}

func (p *parser) query() (*Query, error) {
	q := &Query{text: p.text, limit: -1}
	if err := p.expect("select"); err != nil {
		return nil, err
	}
	if err := p.selection(q); err != nil {
		return nil, err
	}
	if err := p.expect("from"); err != nil {
		return nil, err
	}
	object, err := p.name()
	if err != nil {
		return nil, err
	}
	q.from, q.fromAt = object.text, object.at
	if p.accept("where") {
		if q.where, err = p.conditions(); err != nil {
			return nil, err
		}
	}
	if p.accept("order") {
		if err := p.orderBy(q); err != nil {
			return nil, err
		}
	}
	return q, p.bounds(q)
}

func (p *parser) selection(q *Query) error {
	first, second := p.peek(), p.tokens[min(1, len(p.tokens)-1)]
	if second.is("(") && first.is("count") {
		p.next()
		p.next()
		q.count = true
		return p.expect(")")
	}
	if second.is("(") && first.is("fields") {
		p.next()
		p.next()
		q.all = true
		if err := p.expect("all"); err != nil {
			return err
		}
		return p.expect(")")
	}
	for {
		field, err := p.path()
		if err != nil {
			return err
		}
		q.fields = append(q.fields, field)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) orderBy(q *Query) error {
	if err := p.expect("by"); err != nil {
		return err
	}
	for {
		field, err := p.path()
		if err != nil {
			return err
		}
		o := ordering{path: field}
		if p.accept("desc") {
			o.down = true
		} else {
			p.accept("asc")
		}
		if p.accept("nulls") {
			o.nullsLast = p.accept("last")
			if !o.nullsLast {
				if err := p.expect("first"); err != nil {
					return err
				}
			}
		}
		q.order = append(q.order, o)
		if !p.accept(",") {
			return nil
		}
	}
}

func (p *parser) bounds(q *Query) error {
	var err error
	if p.accept("limit") {
		if q.limit, err = p.whole(); err != nil {
			return err
		}
	}
	if p.accept("offset") {
		if q.offset, err = p.whole(); err != nil {
			return err
		}
	}
	if q.offset > maxOffset {
		return &Error{NumberOutOfRange, fmt.Sprintf("Maximum SOQL offset allowed is %d", maxOffset)}
	}
	if q.all && (q.limit < 0 || q.limit > maxFieldsAll) {
		return &Error{MalformedQuery, fmt.Sprintf("The SOQL FIELDS function must have a LIMIT of at most %d", maxFieldsAll)}
	}
	return nil
}

func (p *parser) path() (path, error) {
	t, err := p.name()
	if err != nil {
		return path{}, err
	}
	names := strings.Split(t.text, ".")
	if slices.Contains(names, "") || strings.Contains(t.text, ":") {
		return path{}, unexpected(t)
	}
	if len(names) > maxParents+1 {
		return path{}, &Error{MalformedQuery, fmt.Sprintf("SOQL: relationship queries may go up to %d levels of parents", maxParents)}
	}
	return path{names: names, at: t.at}, nil
}

func (p *parser) name() (token, error) {
	t := p.next()
	if t.kind != word || slices.Contains(reserved, strings.ToLower(t.text)) {
		return t, unexpected(t)
	}
	return t, nil
}

func (p *parser) whole() (int, error) {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if t.kind != number || err != nil || n < 0 {
		return 0, unexpected(t)
	}
	return n, nil
}

func (p *parser) peek() token { return p.tokens[0] }

// next never goes beyond the end.
func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) accept(s string) bool {
	if !p.peek().is(s) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(s string) error {
	if t := p.next(); !t.is(s) {
		return unexpected(t)
	}
	return nil
}

// is compares a keyword or symbol, never the text of a string.
func (t token) is(s string) bool {
	return (t.kind == word || t.kind == symbol) && strings.EqualFold(t.text, s)
}
