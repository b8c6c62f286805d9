package salesforce

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// asRest makes a record's error the error of a call about that record alone.
func (e *recordError) asRest() *restError {
	status := http.StatusBadRequest
	if e.Code == "ENTITY_IS_DELETED" || e.Code == "INVALID_CROSS_REFERENCE_KEY" && len(e.Fields) == 0 {
		status = http.StatusNotFound
	}
	return &restError{status, e.Code, e.Message, e.Fields}
}

// rows answers calls about single rows and about objects.
func (s *Server) rows(c *call, parts []string) (int, any, error) {
	o := s.schema[lower(parts[0])]
	if o == nil {
		return 0, nil, fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	}
	switch {
	case len(parts) == 1 && c.Method == http.MethodPost:
		return s.createOne(c, o)
	case len(parts) == 2 && parts[1] == "describe" && c.Method == http.MethodGet:
		if since, err := http.ParseTime(c.Header.Get("If-Modified-Since")); err == nil && since.After(s.cfg.Now().Add(-time.Hour)) {
			return http.StatusNotModified, nil, nil
		}
		return http.StatusOK, o.describe(), nil
	case len(parts) == 2 && (parts[1] == "updated" || parts[1] == "deleted") && c.Method == http.MethodGet:
		return s.replicated(c, o, parts[1])
	case len(parts) == 2:
		return s.oneRow(c, o, parts[1])
	case len(parts) == 3:
		return s.byExternalID(c, o, parts[1], parts[2])
	}
	return 0, nil, fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

// fields reads a record's JSON; unknown fields spoil the call.
func (o *object) read(raw []byte) (map[string]any, error) {
	var values map[string]any
	if err := json.Unmarshal(raw, &values); err != nil || values == nil {
		return nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body or it cannot be read.")
	}
	return values, o.known(values)
}

func (o *object) known(values map[string]any) error {
	delete(values, "attributes")
	for name := range values {
		if o.field(name) == nil {
			return &restError{http.StatusBadRequest, "INVALID_FIELD", noColumn(name, o.name), []string{}}
		}
	}
	return nil
}

func (s *Server) createOne(c *call, o *object) (int, any, error) {
	values, err := o.read(c.body)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, refusal := s.begin(c.user).create(o, values)
	if refusal != nil {
		return 0, nil, refusal.asRest()
	}
	return http.StatusCreated, map[string]any{"id": id, "success": true, "errors": []any{}}, nil
}

func (s *Server) oneRow(c *call, o *object, id string) (int, any, error) {
	if c.Method == http.MethodGet {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return s.readOne(c, o, id)
	}
	unlock, refusal := s.lockParents(c, o, []string{id})
	defer unlock()
	if refusal != nil {
		return 0, nil, refusal.asRest()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.begin(c.user)
	switch c.Method {
	case http.MethodPatch:
		values, err := o.read(c.body)
		if err != nil {
			return 0, nil, err
		}
		refusal = t.update(o, id, values)
	case http.MethodDelete:
		refusal = t.remove(o, id)
	default:
		return 0, nil, fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '"+c.Method+"' not allowed.")
	}
	if refusal != nil {
		return 0, nil, refusal.asRest()
	}
	return http.StatusNoContent, nil, nil
}

func (s *Server) readOne(c *call, o *object, id string) (int, any, error) {
	id, refusal := checkID("Id", id)
	if refusal != nil {
		return 0, nil, refusal.asRest()
	}
	r := s.tables[lower(o.name)].byID[id]
	switch {
	case r == nil:
		return 0, nil, fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	case !r.deleted.IsZero():
		return 0, nil, fail(http.StatusNotFound, "ENTITY_IS_DELETED", "entity is deleted")
	}
	names := []string{}
	for _, f := range o.fields {
		names = append(names, f.name)
	}
	if asked := c.URL.Query().Get("fields"); asked != "" {
		names = strings.Split(asked, ",")
	}
	row := map[string]any{"attributes": attributes(c.version, o.name, r.id)}
	for _, name := range names {
		f := o.field(name)
		if f == nil {
			return 0, nil, fail(http.StatusBadRequest, "INVALID_FIELD", fmt.Sprintf("No such column '%s' on entity '%s'.", name, o.name))
		}
		row[f.name] = r.value(f.name)
	}
	return http.StatusOK, row, nil
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
	case "LastModifiedDate", "SystemModstamp":
		return r.modified.Format(stampForm)
	}
	return r.values[name]
}

func (s *Server) byExternalID(c *call, o *object, name, value string) (int, any, error) {
	f := o.field(name)
	if f == nil || !f.external {
		return 0, nil, fail(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+name)
	}
	s.mu.RLock()
	holder := s.tables[lower(o.name)].holder(f.name, value)
	s.mu.RUnlock()
	if holder == nil && (c.Method != http.MethodPatch || c.URL.Query().Get("updateOnly") == "true") {
		return 0, nil, fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
	}
	if c.Method != http.MethodPatch {
		return s.oneRow(c, o, holder.id)
	}
	values, err := o.read(c.body)
	if err != nil {
		return 0, nil, err
	}
	if _, given := values[f.name]; given {
		return 0, nil, fail(http.StatusBadRequest, "INVALID_FIELD", "The "+f.name+" field should not be specified in the sobject data.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, created, refusal := s.begin(c.user).upsert(o, f, value, values)
	if refusal != nil {
		return 0, nil, refusal.asRest()
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return status, map[string]any{"id": id, "success": true, "errors": []any{}, "created": created}, nil
}

// upsert changes the record with an external id, or creates it.
func (t *transaction) upsert(o *object, f *field, value string, values map[string]any) (string, bool, *recordError) {
	if holder := t.server.tables[lower(o.name)].holder(f.name, value); holder != nil {
		return holder.id, false, t.update(o, holder.id, values)
	}
	values[f.name] = value
	id, refusal := t.create(o, values)
	return id, true, refusal
}
