package salesforce

import (
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"salesactions/sandbox/salesforce/soql"
)

// pageSize is how many rows a page has at most (Salesforce REST: query).
const (
	pageSize    = 2000
	leastPage   = 200
	cursorLives = 48 * time.Hour
)

// cursors are the results that are being paged through, each its user's.
type cursors struct {
	mu   sync.Mutex
	open map[string]*cursor
	n    int
}

type cursor struct {
	user    string
	records []map[string]any
	until   time.Time
}

func (s *Server) query(c *call, all bool) (*plan, error) {
	q, err := soql.Parse(c.URL.Query().Get("q"))
	if err != nil {
		return nil, asQueryError(err)
	}
	return reading(func() (int, any, error) { return s.run(c, q, all) }), nil
}

func (s *Server) run(c *call, q *soql.Query, all bool) (int, any, error) {
	result, err := q.Run(org{s}, s.source(all), s.cfg.Clock.Now().UTC())
	if err != nil {
		return 0, nil, asQueryError(err)
	}
	var records []map[string]any
	for _, found := range result.Rows {
		records = append(records, render(c.version, result.Record(found)))
	}
	size := pageSize
	if _, given, found := strings.Cut(c.Header.Get("Sforce-Query-Options"), "batchSize="); found {
		if n, err := strconv.Atoi(given); err == nil {
			size = min(max(n, leastPage), pageSize)
		}
	}
	id := ""
	if len(records) > size {
		id = s.cursors.keep(&cursor{c.user, records, s.cfg.Clock.Now().Add(cursorLives)})
	}
	return http.StatusOK, page(c.version, id, records, 0, size, result.Total), nil
}

// render writes a row as JSON has it.
func render(version string, r *soql.Record) map[string]any {
	m := map[string]any{}
	if at, ok := r.Row.(row); ok {
		m["attributes"] = attributes(version, at.object.name, at.record.id)
	}
	for _, cell := range r.Cells {
		switch value := cell.Value.(type) {
		case *soql.Record:
			m[cell.Name] = render(version, value)
		case time.Time:
			m[cell.Name] = value.Format(stampForm)
			if at, ok := r.Row.(row); ok && at.object.field(cell.Name) != nil && at.object.field(cell.Name).kind == "date" {
				m[cell.Name] = value.Format(time.DateOnly)
			}
		default:
			m[cell.Name] = value
		}
	}
	return m
}

func (k *cursors) keep(c *cursor) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open == nil {
		k.open = map[string]*cursor{}
	}
	k.n++
	id := newID("01g", int64(k.n))
	k.open[id] = c
	return id
}

func (s *Server) more(c *call, locator string) (int, any, error) {
	id, at, _ := strings.Cut(locator, "-")
	from, err := strconv.Atoi(at)
	s.cursors.mu.Lock()
	k := s.cursors.open[id]
	s.cursors.mu.Unlock()
	if k == nil || err != nil || k.user != c.user || from > len(k.records) || s.cfg.Clock.Now().After(k.until) {
		return 0, nil, fail(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
	}
	return http.StatusOK, page(c.version, id, k.records, from, pageSize, len(k.records)), nil
}

func page(version, id string, records []map[string]any, from, size, total int) map[string]any {
	to := min(from+size, len(records))
	rows := records[from:to]
	if rows == nil {
		rows = []map[string]any{}
	}
	p := map[string]any{"totalSize": total, "done": to == len(records), "records": rows}
	if to < len(records) {
		p["nextRecordsUrl"] = "/services/data/v" + version + "/query/" + id + "-" + itoa(to)
	}
	return p
}

func asQueryError(err error) error {
	var refused *soql.Error
	if errors.As(err, &refused) {
		return fail(http.StatusBadRequest, refused.Code, refused.Message)
	}
	return err
}

// org shows the schema to queries.
type org struct{ server *Server }

// Object implements soql.Schema.
func (o org) Object(name string) (soql.Object, bool) {
	found := o.server.visible[lower(name)]
	if found == nil {
		return nil, false
	}
	return entity{o.server, found}, true
}

// entity shows an object to queries.
type entity struct {
	server *Server
	object *object
}

func (e entity) Name() string { return e.object.name }

func (e entity) Field(name string) (soql.Field, bool) {
	f := e.object.field(name)
	if f == nil {
		return soql.Field{}, false
	}
	kinds := map[string]soql.Kind{"id": soql.ID, "reference": soql.ID, "boolean": soql.Boolean, "int": soql.Number, "double": soql.Number, "date": soql.Date, "datetime": soql.DateTime}
	return soql.Field{Name: f.name, Kind: kinds[f.kind], NoFilter: f.unfiltered, NoSort: f.unfiltered}, true
}

func (e entity) Fields() []string {
	names := []string{}
	for _, f := range e.object.fields {
		names = append(names, f.name)
	}
	return names
}

// nameFields are those that all parents of a polymorphic reference have.
var nameFields = &object{name: "Name", fields: []field{{name: "Id", kind: "id"}, {name: "Name", kind: "string"}, {name: "Type", kind: "string"}, {name: "Email", kind: "string"}},
	byName: map[string]*field{"id": {name: "Id", kind: "id"}, "name": {name: "Name", kind: "string"}, "type": {name: "Type", kind: "string"}, "email": {name: "Email", kind: "string"}}}

func (e entity) Parent(relationship string) (soql.Object, string, bool) {
	for _, f := range e.object.fields {
		if f.relation == "" || !strings.EqualFold(f.relation, relationship) {
			continue
		}
		if len(f.refersTo) > 1 {
			return entity{e.server, nameFields}, f.relation, true
		}
		return entity{e.server, e.server.visible[lower(f.refersTo[0])]}, f.relation, true
	}
	return nil, "", false
}

// row shows a record to queries.
type row struct {
	server *Server
	object *object
	record *record
}

func (r row) Get(name string) any {
	switch name {
	case "Id":
		return r.record.id
	case "Type":
		if r.object.field("Type") == nil {
			return r.object.name
		}
	case "IsDeleted":
		return !r.record.deleted.IsZero()
	case "CreatedDate":
		return r.record.created
	case "LastModifiedDate":
		return r.record.modified
	case "SystemModstamp":
		return r.record.stamp
	}
	value := r.record.values[name]
	f := r.object.field(name)
	text, isText := value.(string)
	switch {
	case f == nil || !isText:
		return value
	case f.kind == "date":
		if t, err := time.Parse(time.DateOnly, text); err == nil {
			return t
		}
	case f.kind == "datetime":
		if t, err := time.Parse(stampForm, text); err == nil {
			return t
		}
	}
	return value
}

func (r row) Parent(relationship string) soql.Row {
	for _, f := range r.object.fields {
		if !strings.EqualFold(f.relation, relationship) {
			continue
		}
		id, _ := r.record.values[f.name].(string)
		if parent := r.server.tables[lower(objectOf(id))]; parent != nil && parent.byID[id] != nil {
			return row{r.server, r.server.visible[lower(objectOf(id))], parent.byID[id]}
		}
	}
	return nil
}

// source hands out the rows of a query, by an index where one fits.
func (s *Server) source(all bool) soql.Rows {
	return func(q *soql.Query) iter.Seq[soql.Row] {
		o, t := s.visible[lower(q.From())], s.tables[lower(q.From())]
		return func(yield func(soql.Row) bool) {
			for _, r := range t.candidates(q, o, all) {
				hidden := r.gone || !all && (!r.deleted.IsZero() || r.flag("IsArchived"))
				if !hidden && !yield(row{s, o, r}) {
					return
				}
			}
		}
	}
}

// candidates are all records, or those that an index knows of, each once.
func (t *table) candidates(q *soql.Query, o *object, all bool) []*record {
	if ids := q.Constraint("Id"); ids != nil {
		return distinct(ids, func(id string) []*record { return []*record{t.byID[long(id)]} })
	}
	for _, f := range o.fields {
		values := q.Constraint(f.name)
		if !f.unique || all || values == nil {
			continue // deleted records are not among the holders
		}
		return distinct(values, func(v string) []*record { return []*record{t.holder(f.name, v)} })
	}
	for _, name := range indexed {
		values := q.Constraint(name)
		if values == nil {
			continue
		}
		return distinct(values, func(v string) []*record {
			if name != "Email" {
				v = long(v)
			}
			return t.index[name][lower(v)]
		})
	}
	return t.order
}

// distinct gathers what an index has for some values. Indexes know records by their
// former values too, so that one may be there twice.
func distinct(values []string, of func(string) []*record) []*record {
	var list []*record
	seen := map[*record]bool{}
	for _, v := range values {
		for _, r := range of(v) {
			if r != nil && !seen[r] {
				seen[r] = true
				list = append(list, r)
			}
		}
	}
	return list
}
