package soql

import "strings"

// conditions reads a AND b AND c or a OR b OR c. SOQL refuses to mix the two
// without parentheses.
func (p *parser) conditions() (condition, error) {
	first, err := p.part()
	if err != nil {
		return nil, err
	}
	joined := &junction{or: p.peek().is("or"), parts: []condition{first}}
	operator := "and"
	if joined.or {
		operator = "or"
	}
	for p.accept(operator) {
		next, err := p.part()
		if err != nil {
			return nil, err
		}
		joined.parts = append(joined.parts, next)
	}
	if t := p.peek(); t.is("and") || t.is("or") {
		return nil, unexpected(t)
	}
	if len(joined.parts) == 1 {
		return first, nil
	}
	return joined, nil
}

func (p *parser) part() (condition, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, unexpected(p.peek())
	}
	if p.accept("not") {
		inner, err := p.part()
		if err != nil {
			return nil, err
		}
		return &negation{inner}, nil
	}
	if !p.accept("(") {
		return p.comparison()
	}
	inner, err := p.conditions()
	if err != nil {
		return nil, err
	}
	return inner, p.expect(")")
}

func (p *parser) comparison() (condition, error) {
	field, err := p.path()
	if err != nil {
		return nil, err
	}
	c := &comparison{path: field}
	switch t := p.next(); {
	case t.is("<>"):
		c.operator = "!="
	case t.is("in"):
		c.operator = "in"
		return c, p.list(c)
	case t.is("not"):
		c.operator = "not in"
		if err := p.expect("in"); err != nil {
			return nil, err
		}
		return c, p.list(c)
	case t.is("like"), t.kind == symbol && strings.ContainsAny(t.text, "=<>"):
		c.operator = strings.ToLower(t.text)
	default:
		return nil, unexpected(t)
	}
	l, err := p.literal()
	c.values = []literal{l}
	return c, err
}

func (p *parser) list(c *comparison) error {
	if err := p.expect("("); err != nil {
		return err
	}
	if p.peek().is("select") {
		sub, err := p.query()
		if err != nil {
			return err
		}
		if len(sub.fields) != 1 || len(sub.order) > 0 || sub.limit >= 0 || sub.offset > 0 {
			return &Error{MalformedQuery, "semi join sub-selects can only query one field and have no order or limit"}
		}
		c.sub = sub
		return p.expect(")")
	}
	for {
		l, err := p.literal()
		if err != nil {
			return err
		}
		c.values = append(c.values, l)
		if !p.accept(",") {
			return p.expect(")")
		}
	}
}

func (p *parser) literal() (literal, error) {
	t := p.next()
	l, ok := parseLiteral(t)
	if !ok {
		return l, unexpected(t)
	}
	return l, nil
}
