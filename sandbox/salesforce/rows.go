package salesforce

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// asRest makes a record's error the error of a call about that record alone.
func (e *recordError) asRest() *restError {
	status := http.StatusBadRequest
	switch {
	case e.Code == "ENTITY_IS_DELETED", e.Code == "NOT_FOUND", e.Code == "INVALID_CROSS_REFERENCE_KEY" && len(e.Fields) == 0:
		status = http.StatusNotFound
	case e.Code == "PRECONDITION_FAILED":
		status = http.StatusPreconditionFailed
	}
	return &restError{status, e.Code, e.Message, e.Fields}
}

var errNotThere = fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")

// rows plans calls about single rows and about objects.
func (s *Server) rows(c *call, parts []string) (*plan, error) {
	o := s.visible[lower(parts[0])]
	if o == nil {
		return nil, errNotThere
	}
	switch {
	case len(parts) == 1 && c.Method == http.MethodPost:
		return c.change(&change{do: "create", object: o})
	case len(parts) == 2 && parts[1] == "describe" && c.Method == http.MethodGet:
		return reading(func() (int, any, error) { return s.describe(c, o) }), nil
	case len(parts) == 2 && (parts[1] == "updated" || parts[1] == "deleted") && c.Method == http.MethodGet:
		return reading(func() (int, any, error) { return s.replicated(c, o, parts[1]) }), nil
	case len(parts) == 2:
		return s.oneRow(c, &change{object: o, id: parts[1]})
	case len(parts) == 3:
		f := o.field(parts[1])
		if f == nil || !f.external {
			return nil, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+parts[1])
		}
		return s.oneRow(c, &change{object: o, key: f, value: parts[2]})
	}
	return nil, errNotThere
}

func (s *Server) describe(c *call, o *object) (int, any, error) {
	if since, err := http.ParseTime(c.Header.Get("If-Modified-Since")); err == nil && since.After(s.cfg.Clock.Now().Add(-time.Hour)) {
		return http.StatusNotModified, nil, nil
	}
	return http.StatusOK, o.describe(), nil
}

// oneRow plans what is done to one row, by its id or its external id.
func (s *Server) oneRow(c *call, ch *change) (*plan, error) {
	switch c.Method {
	case http.MethodGet:
		return reading(func() (int, any, error) { return s.readOne(c, ch) }), nil
	case http.MethodDelete:
		ch.do = "delete"
	case http.MethodPatch:
		ch.do = "update"
		if ch.key != nil && c.URL.Query().Get("updateOnly") != "true" {
			ch.do = "upsert"
		}
	default:
		return nil, fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '"+c.Method+"' not allowed.")
	}
	return c.change(ch)
}

// change plans a change of one row, with the call's body as its values.
func (c *call) change(ch *change) (*plan, error) {
	if ch.do != "delete" {
		values, err := ch.object.read(c.body)
		if err != nil {
			return nil, err
		}
		if ch.key != nil {
			if _, given := values[ch.key.name]; given {
				return nil, fail(http.StatusBadRequest, "INVALID_FIELD", "The "+ch.key.name+" field should not be specified in the sobject data.")
			}
		}
		ch.values = values
	}
	return &plan{writes: true, changes: []*change{ch}, do: func(t *Transaction) (int, any, error) { return c.changed(t, ch) }}, nil
}

func (c *call) changed(t *Transaction, ch *change) (int, any, error) {
	id, created, refusal := t.apply(ch)
	if refusal != nil {
		return 0, nil, refusal.asRest()
	}
	result := map[string]any{"id": id, "success": true, "errors": []any{}}
	switch {
	case ch.do == "create":
		c.location = attributes(c.version, ch.object.name, id)["url"]
		return http.StatusCreated, result, nil
	case ch.do == "delete" || ch.key == nil:
		return http.StatusNoContent, nil, nil
	}
	result["created"] = created
	if created {
		return http.StatusCreated, result, nil
	}
	return http.StatusOK, result, nil
}

// read reads a record's JSON; unknown fields spoil the call.
func (o *object) read(raw []byte) (map[string]any, error) {
	var values map[string]any
	if err := json.Unmarshal(raw, &values); err != nil || values == nil {
		return nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body or it cannot be read.")
	}
	return values, o.known(values)
}

// known gives fields the names that the schema has for them; unknown ones are refused.
func (o *object) known(values map[string]any) error {
	delete(values, "attributes")
	for _, name := range slices.Collect(maps.Keys(values)) {
		f := o.field(name)
		if f == nil {
			return &restError{http.StatusBadRequest, "INVALID_FIELD", noColumn(name, o.name), []string{}}
		}
		if f.name != name {
			values[f.name] = values[name]
			delete(values, name)
		}
	}
	return nil
}

// readOne reads a row; callers hold the org's lock.
func (s *Server) readOne(c *call, ch *change) (int, any, error) {
	o, table := ch.object, s.tables[lower(ch.object.name)]
	var r *record
	if ch.key != nil {
		r = table.holder(ch.key.name, ch.value)
	} else {
		id, refusal := checkID("Id", ch.id)
		if refusal != nil {
			return 0, nil, refusal.asRest()
		}
		r = table.byID[id]
	}
	switch {
	case r == nil:
		return 0, nil, errNotThere
	case !r.deleted.IsZero():
		return 0, nil, fail(http.StatusNotFound, "ENTITY_IS_DELETED", "entity is deleted")
	}
	if refusal := r.changedSince(dateIn(c.Header, "If-Unmodified-Since")); refusal != nil {
		return 0, nil, refusal.asRest()
	}
	if since := dateIn(c.Header, "If-Modified-Since"); !since.IsZero() && !r.stamp.After(since) {
		return http.StatusNotModified, nil, nil
	}
	names := []string{}
	for _, f := range o.fields {
		names = append(names, f.name)
	}
	if asked := c.URL.Query().Get("fields"); asked != "" {
		names = strings.Split(asked, ",")
	}
	row, err := show(c.version, o, r, names)
	return http.StatusOK, row, err
}

// show writes some fields of a row as answers have them.
func show(version string, o *object, r *record, names []string) (map[string]any, error) {
	row := map[string]any{"attributes": attributes(version, o.name, r.id)}
	for _, name := range names {
		f := o.field(name)
		if f == nil {
			return nil, fail(http.StatusBadRequest, "INVALID_FIELD", fmt.Sprintf("No such column '%s' on entity '%s'.", name, o.name))
		}
		row[f.name] = r.value(f.name)
	}
	return row, nil
}

func attributes(version, object, id string) map[string]string {
	return map[string]string{"type": object, "url": "/services/data/v" + version + "/sobjects/" + object + "/" + id}
}

// value is a field as answers write it.
func (r *record) value(name string) any {
	switch name {
	case "Id":
		return r.id
	case "IsDeleted":
		return !r.deleted.IsZero()
	case "CreatedDate":
		return r.created.Format(stampForm)
	case "LastModifiedDate":
		return r.modified.Format(stampForm)
	case "SystemModstamp":
		return r.stamp.Format(stampForm)
	}
	return r.values[name]
}
