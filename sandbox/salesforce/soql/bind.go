package soql

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// bound is a query held against a schema.
type bound struct {
	query   *Query
	columns []column
	keep    func(Row) bool
	order   []sortKey
}

// column is a field of the answer or of a condition, with its way there.
type column struct {
	parents []string
	field   Field
	object  string
}

func (c column) get(row Row) any {
	for _, parent := range c.parents {
		if row = row.Parent(parent); row == nil {
			return nil
		}
	}
	return row.Get(c.field.Name)
}

// binder holds what names and times of one run mean.
type binder struct {
	schema Schema
	rows   Rows
	now    time.Time
}

func (b *binder) bind(q *Query) (*bound, error) {
	object, found := b.schema.Object(q.from)
	if !found {
		return nil, q.noSuchType()
	}
	out := &bound{query: q, keep: func(Row) bool { return true }}
	fields := q.fields
	if q.all {
		for _, name := range object.Fields() {
			fields = append(fields, path{names: []string{name}, at: q.fromAt})
		}
	}
	seen := map[string]bool{}
	for _, p := range fields {
		c, err := resolve(q, object, p)
		if err != nil {
			return nil, err
		}
		key := strings.Join(append(slices.Clone(c.parents), c.field.Name), ".")
		if seen[key] {
			return nil, &Error{InvalidField, "duplicate field selected: " + key}
		}
		seen[key] = true
		out.columns = append(out.columns, c)
	}
	if q.where != nil {
		keep, err := b.condition(q, object, q.where)
		if err != nil {
			return nil, err
		}
		out.keep = keep
	}
	return out, out.bindOrder(object)
}

func (b *bound) bindOrder(object Object) error {
	for _, o := range b.query.order {
		c, err := resolve(b.query, object, o.path)
		if err != nil {
			return err
		}
		if c.field.NoSort {
			return b.query.pictured(InvalidField, o.path.at, fmt.Sprintf("field '%s' can not be sorted in a query call", c.field.Name))
		}
		b.order = append(b.order, sortKey{column: c, down: o.down, nullsLast: o.nullsLast})
	}
	return nil
}

// resolve also takes the object's own name before a field: Task.Subject.
func resolve(q *Query, object Object, p path) (column, error) {
	var c column
	parents := p.names[:len(p.names)-1]
	if len(parents) > 0 && strings.EqualFold(parents[0], object.Name()) {
		if _, _, is := object.Parent(parents[0]); !is {
			parents = parents[1:]
		}
	}
	for _, name := range parents {
		parent, canonical, found := object.Parent(name)
		if !found {
			return c, q.noSuchRelation(p, name, object.Name())
		}
		c.parents = append(c.parents, canonical)
		object = parent
	}
	field, found := object.Field(p.last())
	if !found {
		return c, q.noSuchColumn(p, object.Name())
	}
	c.field, c.object = field, object.Name()
	return c, nil
}

func (b *binder) condition(q *Query, object Object, c condition) (func(Row) bool, error) {
	switch c := c.(type) {
	case *negation:
		inner, err := b.condition(q, object, c.part)
		if err != nil {
			return nil, err
		}
		return func(row Row) bool { return !inner(row) }, nil
	case *junction:
		parts := make([]func(Row) bool, 0, len(c.parts))
		for _, part := range c.parts {
			keep, err := b.condition(q, object, part)
			if err != nil {
				return nil, err
			}
			parts = append(parts, keep)
		}
		return func(row Row) bool {
			for _, keep := range parts {
				if keep(row) == c.or {
					return c.or
				}
			}
			return !c.or
		}, nil
	case *comparison:
		return b.comparison(q, object, c)
	default:
		return nil, fmt.Errorf("bind a condition of type %T", c)
	}
}

func (b *binder) comparison(q *Query, object Object, c *comparison) (func(Row) bool, error) {
	col, err := resolve(q, object, c.path)
	if err != nil {
		return nil, err
	}
	if col.field.NoFilter {
		return nil, q.pictured(InvalidField, c.path.at, fmt.Sprintf("field '%s' can not be filtered in a query call", col.field.Name))
	}
	if c.sub != nil {
		return b.semiJoin(q, col, c)
	}
	if err := checkOperator(q, col, c); err != nil {
		return nil, err
	}
	for _, l := range c.values {
		if err := checkLiteral(q, col.field, l); err != nil {
			return nil, err
		}
	}
	test := b.test(col.field, c)
	return func(row Row) bool { return test(col.get(row)) }, nil
}

// semiJoin runs the inner query once, before the outer one looks at a row.
func (b *binder) semiJoin(q *Query, col column, c *comparison) (func(Row) bool, error) {
	inner, err := b.bind(c.sub)
	if err != nil {
		return nil, err
	}
	if col.field.Kind != ID || inner.columns[0].field.Kind != ID {
		return nil, q.pictured(MalformedQuery, c.path.at, "semi join sub-selects compare ids: both fields must be an id or a reference")
	}
	ids := map[string]bool{}
	for row := range b.rows(c.sub) {
		if !inner.keep(row) {
			continue
		}
		if id, ok := inner.columns[0].get(row).(string); ok && id != "" {
			ids[shortID(id)] = true
		}
	}
	wanted := c.operator == "in"
	return func(row Row) bool {
		id, _ := col.get(row).(string)
		return ids[shortID(id)] == wanted
	}, nil
}
