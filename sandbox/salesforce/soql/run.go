package soql

import (
	"slices"
	"time"
)

// Result is what a query found. Its rows stay cheap until a Record is made of one, so
// a page of 2,000 costs 2,000 however many were found.
type Result struct {
	// Total is the number of rows, also for COUNT().
	Total int
	// Rows are in the order asked for; none for COUNT().
	Rows    []Row
	columns []column
}

// Record is a row of the answer with the selected fields in their order.
type Record struct {
	Row   Row
	Cells []Cell
}

// Cell is one value: nil, a string, bool, number or time, or a *Record for a parent.
type Cell struct {
	Name  string
	Value any
}

type sortKey struct {
	column    column
	down      bool
	nullsLast bool
}

// Run checks the query against the schema, then filters, sorts and cuts the rows. now
// is what TODAY and the like are counted from, in UTC. What it refuses is an *Error.
func (q *Query) Run(schema Schema, rows Rows, now time.Time) (*Result, error) {
	b, err := (&binder{schema: schema, rows: rows, now: now}).bind(q)
	if err != nil {
		return nil, err
	}
	out := &Result{columns: b.columns}
	enough := -1
	if q.limit >= 0 && len(b.order) == 0 {
		enough = q.offset + q.limit
	}
	matched := 0
	for row := range rows(q) {
		if matched == enough {
			break
		}
		if !b.keep(row) {
			continue
		}
		matched++
		if !q.count {
			out.Rows = append(out.Rows, row)
		}
	}
	left := max(matched-q.offset, 0)
	if q.limit >= 0 {
		left = min(left, q.limit)
	}
	out.Total = left
	if !q.count {
		out.Rows = sorted(out.Rows, b.order)
		start := min(q.offset, len(out.Rows))
		out.Rows = out.Rows[start : start+left]
	}
	return out, nil
}

// sorted reads each key once: rows compute some of their values.
func sorted(rows []Row, keys []sortKey) []Row {
	if len(keys) == 0 {
		return rows
	}
	type keyed struct {
		row    Row
		values []any
	}
	all := make([]keyed, len(rows))
	for i, row := range rows {
		all[i] = keyed{row, make([]any, len(keys))}
		for k, key := range keys {
			all[i].values[k] = normal(key.column.field, key.column.get(row))
		}
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		for k, key := range keys {
			if c := key.compare(a.values[k], b.values[k]); c != 0 {
				return c
			}
		}
		return 0
	})
	for i := range all {
		rows[i] = all[i].row
	}
	return rows
}

// compare puts nulls first in either direction, unless NULLS LAST is asked for.
func (k sortKey) compare(a, b any) int {
	if a == nil || b == nil {
		c := 0
		switch {
		case a == nil && b != nil:
			c = -1
		case a != nil:
			c = 1
		}
		if k.nullsLast {
			return -c
		}
		return c
	}
	if k.down {
		return order(b, a)
	}
	return order(a, b)
}

// Record makes the answer's form of a row: Who.Name and Who.Type become one parent.
func (r *Result) Record(row Row) *Record {
	out := &Record{Row: row}
	for _, c := range r.columns {
		out.put(c, c.parents)
	}
	return out
}

func (r *Record) put(c column, parents []string) {
	if len(parents) == 0 {
		r.Cells = append(r.Cells, Cell{c.field.Name, r.Row.Get(c.field.Name)})
		return
	}
	i := slices.IndexFunc(r.Cells, func(cell Cell) bool { return cell.Name == parents[0] })
	if i < 0 {
		cell := Cell{Name: parents[0]}
		if parent := r.Row.Parent(parents[0]); parent != nil {
			cell.Value = &Record{Row: parent}
		}
		r.Cells = append(r.Cells, cell)
		i = len(r.Cells) - 1
	}
	if parent, ok := r.Cells[i].Value.(*Record); ok {
		parent.put(c, parents[1:])
	}
}
