package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"salesactions/sandbox/fault"
)

// Limits of Collections (Salesforce REST: sObject Collections).
const (
	maxRecords = 200
	maxRuns    = 10
	maxRead    = 2000
)

// outcome is one record's element of the answer.
type outcome struct {
	ID      string         `json:"id,omitempty"`
	Success bool           `json:"success"`
	Created *bool          `json:"created,omitempty"`
	Errors  []*recordError `json:"errors"`
}

// item is one record of a Collections call.
type item struct {
	object *object
	id     string
	values map[string]any
}

// collections answers calls about up to 200 records.
func (s *Server) collections(c *call, rest string) (int, any, error) {
	if rest != "" {
		object, field, external := strings.Cut(rest, "/")
		if external {
			return s.upsertMany(c, object, field)
		}
		return s.readMany(c, object)
	}
	switch c.Method {
	case http.MethodPost:
		return s.saveMany(c, true)
	case http.MethodPatch:
		return s.saveMany(c, false)
	case http.MethodDelete:
		return s.deleteMany(c)
	}
	return 0, nil, fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '"+c.Method+"' not allowed.")
}

// items reads the records of a call; what is malformed spoils it.
func (s *Server) items(c *call, withID bool) ([]item, bool, error) {
	var in struct {
		AllOrNone bool             `json:"allOrNone"`
		Records   []map[string]any `json:"records"`
	}
	if json.Unmarshal(c.body, &in) != nil || in.Records == nil {
		return nil, false, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body cannot be read.")
	}
	if len(in.Records) > maxRecords {
		s.limits.violate("more than 200 records")
		return nil, false, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than 200 records into this call")
	}
	items := make([]item, len(in.Records))
	runs, last := 0, ""
	for i, record := range in.Records {
		about, _ := record["attributes"].(map[string]any)
		kind, _ := about["type"].(string)
		o := s.schema[lower(kind)]
		if o == nil {
			return nil, false, fail(http.StatusBadRequest, "INVALID_TYPE", fmt.Sprintf("sObject type '%s' is not supported.", kind))
		}
		if kind != last {
			runs, last = runs+1, kind
		}
		id := ""
		for name, value := range record {
			if lower(name) == "id" {
				id, _ = value.(string)
				delete(record, name)
			}
		}
		if withID == (id == "") {
			return nil, false, fail(http.StatusBadRequest, "MISSING_ARGUMENT", "Id must be given for updates, and for nothing else")
		}
		if err := o.known(record); err != nil {
			return nil, false, err
		}
		items[i] = item{o, id, record}
	}
	if runs > maxRuns {
		s.limits.violate("more than 10 runs of types")
		return nil, false, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "Cannot have more than 10 chunks in a single operation.")
	}
	return items, in.AllOrNone, nil
}

func (s *Server) saveMany(c *call, creating bool) (int, any, error) {
	items, allOrNone, err := s.items(c, !creating)
	if err != nil {
		return 0, nil, err
	}
	return s.writeMany(c, items, allOrNone, func(t *transaction, i item) (string, *bool, *recordError) {
		if creating {
			id, refusal := t.create(i.object, i.values)
			return id, nil, refusal
		}
		return long(i.id), nil, t.update(i.object, i.id, i.values)
	})
}

func (s *Server) upsertMany(c *call, object, name string) (int, any, error) {
	o := s.schema[lower(object)]
	if o == nil || o.field(name) == nil || !o.field(name).external {
		return 0, nil, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+name)
	}
	items, allOrNone, err := s.items(c, false)
	if err != nil {
		return 0, nil, err
	}
	f := o.field(name)
	return s.writeMany(c, items, allOrNone, func(t *transaction, i item) (string, *bool, *recordError) {
		value, _ := i.values[f.name].(string)
		if value == "" {
			return "", nil, refused("MISSING_ARGUMENT", f.name+" not specified")
		}
		delete(i.values, f.name)
		id, created, refusal := t.upsert(o, f, value, i.values)
		return id, &created, refusal
	})
}

func (s *Server) deleteMany(c *call) (int, any, error) {
	var items []item
	for id := range strings.SplitSeq(c.URL.Query().Get("ids"), ",") {
		o := s.schema[lower(objectOf(id))]
		if o == nil {
			return 0, nil, fail(http.StatusBadRequest, "MALFORMED_ID", "malformed id "+id)
		}
		items = append(items, item{object: o, id: id})
	}
	if len(items) > maxRecords {
		s.limits.violate("more than 200 records")
		return 0, nil, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached")
	}
	return s.writeMany(c, items, c.URL.Query().Get("allOrNone") == "true", func(t *transaction, i item) (string, *bool, *recordError) {
		return long(i.id), nil, t.remove(i.object, i.id)
	})
}

// writeMany does the same to each record in one transaction.
func (s *Server) writeMany(c *call, items []item, allOrNone bool, do func(*transaction, item) (string, *bool, *recordError)) (int, any, error) {
	var ids []string
	for _, i := range items {
		ids = append(ids, i.id)
	}
	unlock := func() {}
	var refusal *recordError
	if len(items) > 0 && items[0].id != "" {
		unlock, refusal = s.lockParents(c, items[0].object, ids)
	}
	defer unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.begin(c.user)
	outcomes, failed := make([]outcome, len(items)), false
	for n, i := range items {
		err := refusal
		if c.rule != nil && c.rule.Kind == fault.RecordCode && s.random.IntN(4) == 0 {
			err = refused(c.rule.Code, c.rule.Message)
		}
		var id string
		var created *bool
		if err == nil {
			id, created, err = do(t, i)
		}
		if err != nil {
			failed = true
			outcomes[n] = outcome{Errors: []*recordError{err}}
			continue
		}
		outcomes[n] = outcome{ID: id, Success: true, Created: created, Errors: []*recordError{}}
	}
	if allOrNone && failed {
		t.rollback()
		for n := range outcomes {
			if outcomes[n].Success {
				outcomes[n] = outcome{Errors: []*recordError{refused("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header")}}
			}
		}
	}
	return http.StatusOK, outcomes, nil
}

// readMany reads records by their ids; null stands for those that are not there.
func (s *Server) readMany(c *call, object string) (int, any, error) {
	o := s.schema[lower(object)]
	if o == nil {
		return 0, nil, fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	}
	var in struct {
		IDs    []string `json:"ids"`
		Fields []string `json:"fields"`
	}
	if c.Method == http.MethodGet {
		in.IDs, in.Fields = strings.Split(c.URL.Query().Get("ids"), ","), strings.Split(c.URL.Query().Get("fields"), ",")
	} else if json.Unmarshal(c.body, &in) != nil {
		return 0, nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body cannot be read.")
	}
	if len(in.IDs) > maxRead {
		return 0, nil, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "too many ids")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := []any{}
	for _, id := range in.IDs {
		r := s.tables[lower(o.name)].byID[long(id)]
		if r == nil || !r.deleted.IsZero() {
			list = append(list, nil)
			continue
		}
		row := map[string]any{"attributes": attributes(c.version, o.name, r.id)}
		for _, name := range in.Fields {
			f := o.field(name)
			if f == nil {
				return 0, nil, fail(http.StatusBadRequest, "INVALID_FIELD", fmt.Sprintf("No such column '%s' on entity '%s'.", name, o.name))
			}
			row[f.name] = r.value(f.name)
		}
		list = append(list, row)
	}
	return http.StatusOK, list, nil
}
