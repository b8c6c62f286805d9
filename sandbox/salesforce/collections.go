package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
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

// collections plans calls about up to 200 records.
func (s *Server) collections(c *call, rest string) (*plan, error) {
	if rest != "" {
		object, field, external := strings.Cut(rest, "/")
		if external {
			return s.upsertMany(c, object, field)
		}
		return s.readMany(c, object)
	}
	switch c.Method {
	case http.MethodPost:
		return s.saveMany(c, "create")
	case http.MethodPatch:
		return s.saveMany(c, "update")
	case http.MethodDelete:
		return s.deleteMany(c)
	}
	return nil, fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '"+c.Method+"' not allowed.")
}

func (s *Server) saveMany(c *call, do string) (*plan, error) {
	changes, allOrNone, err := s.changes(c, do)
	if err != nil {
		return nil, err
	}
	return s.writeMany(changes, allOrNone), nil
}

func (s *Server) upsertMany(c *call, object, name string) (*plan, error) {
	o := s.visible[lower(object)]
	if o == nil || o.field(name) == nil || !o.field(name).external {
		return nil, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+name)
	}
	changes, allOrNone, err := s.changes(c, "upsert")
	if err != nil {
		return nil, err
	}
	for _, ch := range changes {
		ch.key = o.field(name)
		ch.value, _ = ch.values[ch.key.name].(string)
		delete(ch.values, ch.key.name)
		if ch.value == "" {
			ch.refusal = refused("MISSING_ARGUMENT", ch.key.name+" not specified")
		}
	}
	return s.writeMany(changes, allOrNone), nil
}

// changes reads the records of a call; what is malformed spoils it.
func (s *Server) changes(c *call, do string) ([]*change, bool, error) {
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
	changes := make([]*change, len(in.Records))
	runs, last := 0, ""
	for i, record := range in.Records {
		about, _ := record["attributes"].(map[string]any)
		kind, _ := about["type"].(string)
		if kind != last {
			runs, last = runs+1, kind
		}
		var err error
		if changes[i], err = s.changeOf(do, kind, record); err != nil {
			return nil, false, err
		}
	}
	if runs > maxRuns {
		s.limits.violate("more than 10 runs of types")
		return nil, false, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "Cannot have more than 10 chunks in a single operation.")
	}
	return changes, in.AllOrNone, nil
}

func (s *Server) changeOf(do, kind string, record map[string]any) (*change, error) {
	o := s.visible[lower(kind)]
	if o == nil {
		return nil, fail(http.StatusBadRequest, "INVALID_TYPE", fmt.Sprintf("sObject type '%s' is not supported.", kind))
	}
	if err := o.known(record); err != nil {
		return nil, err
	}
	id, _ := record["Id"].(string)
	delete(record, "Id")
	if (do == "update") == (id == "") {
		return nil, fail(http.StatusBadRequest, "MISSING_ARGUMENT", "Id must be given for updates, and for nothing else")
	}
	return &change{do: do, object: o, id: id, values: record}, nil
}

func (s *Server) deleteMany(c *call) (*plan, error) {
	var changes []*change
	for id := range strings.SplitSeq(c.URL.Query().Get("ids"), ",") {
		o := s.visible[lower(objectOf(id))]
		if o == nil {
			return nil, fail(http.StatusBadRequest, "MALFORMED_ID", "malformed id "+id)
		}
		changes = append(changes, &change{do: "delete", object: o, id: id})
	}
	if len(changes) > maxRecords {
		s.limits.violate("more than 200 records")
		return nil, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "record limit reached")
	}
	return s.writeMany(changes, c.URL.Query().Get("allOrNone") == "true"), nil
}

// writeMany plans changes of records, each with its own outcome.
func (s *Server) writeMany(changes []*change, allOrNone bool) *plan {
	p := &plan{writes: true, many: true, changes: changes, allOrNone: allOrNone}
	p.do = func(t *Transaction) (int, any, error) {
		mark, failed := len(t.undo), false
		outcomes := make([]outcome, len(changes))
		for n, ch := range changes {
			id, created, refusal := t.apply(ch)
			if refusal != nil {
				failed = true
				outcomes[n] = outcome{Errors: []*recordError{refusal}}
				continue
			}
			outcomes[n] = outcome{ID: id, Success: true, Errors: []*recordError{}}
			if ch.do == "upsert" {
				outcomes[n].Created = &created
			}
		}
		if p.allOrNone && failed {
			t.back(mark)
			rolledBack(outcomes)
		}
		return http.StatusOK, outcomes, nil
	}
	return p
}

// rolledBack tells the innocent records of a call that it failed.
func rolledBack(outcomes []outcome) {
	for n := range outcomes {
		if outcomes[n].Success {
			outcomes[n] = outcome{Errors: []*recordError{refused("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was using AllOrNone header")}}
		}
	}
}

// readMany plans to read records by their ids.
func (s *Server) readMany(c *call, object string) (*plan, error) {
	o := s.visible[lower(object)]
	if o == nil {
		return nil, errNotThere
	}
	var in struct {
		IDs    []string `json:"ids"`
		Fields []string `json:"fields"`
	}
	if c.Method == http.MethodGet {
		in.IDs, in.Fields = strings.Split(c.URL.Query().Get("ids"), ","), strings.Split(c.URL.Query().Get("fields"), ",")
	} else if json.Unmarshal(c.body, &in) != nil {
		return nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body cannot be read.")
	}
	if len(in.IDs) > maxRead {
		return nil, fail(http.StatusBadRequest, "EXCEEDED_ID_LIMIT", "too many ids")
	}
	return reading(func() (int, any, error) { return s.readRows(c, o, in.IDs, in.Fields) }), nil
}

// readRows reads records; null stands for those that are not there. Callers hold the
// org's lock.
func (s *Server) readRows(c *call, o *object, ids, fields []string) (int, any, error) {
	list := []any{}
	for _, id := range ids {
		r := s.tables[lower(o.name)].byID[long(id)]
		if r == nil || !r.deleted.IsZero() {
			list = append(list, nil)
			continue
		}
		row, err := show(c.version, o, r, fields)
		if err != nil {
			return 0, nil, err
		}
		list = append(list, row)
	}
	return http.StatusOK, list, nil
}
