package salesforce

import (
	"encoding/json"
	"fmt"
	"html/template"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"salesactions/sandbox/fault"
)

// control answers the sandbox's own calls, which have no token.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	var (
		result any = map[string]bool{"ok": true}
		err    error
	)
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/_sandbox") {
	case "GET /stats":
		result = map[string]any{"calls": s.Calls(), "violations": s.Violations(), "used": s.limits.used.Load()}
	case "POST /reset":
		s.ResetCounts()
	case "GET /records":
		s.dump(w, r.URL.Query().Get("object"), r.URL.Query().Get("deleted") != "")
		return
	case "POST /faults":
		var rule fault.Rule
		if err = json.NewDecoder(r.Body).Decode(&rule); err == nil {
			err = rule.Check()
		}
		if err == nil {
			s.Fault(rule)
		}
	case "DELETE /faults":
		s.ClearFaults()
	case "POST /act":
		result, err = s.actOn(r)
	case "POST /expire-token":
		s.ExpireSessions()
	case "POST /revoke-grants":
		s.RevokeGrants()
	case "POST /spend-quota":
		s.SpendQuota()
	case "POST /refill-quota":
		s.RefillQuota()
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, http.StatusOK, result)
}

// ResetCounts forgets calls and violations; the quota's count stays.
func (s *Server) ResetCounts() {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.calls, s.limits.violations = map[string]int{}, map[string]int{}
}

// Record is a record as the org holds it.
type Record struct {
	ID      string
	Deleted bool
	Values  map[string]any
}

// Records yields the records of an object, in the order of their creation.
func (s *Server) Records(object string, deleted bool) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		t := s.tables[lower(object)]
		if t == nil {
			return
		}
		for _, r := range t.order {
			if !r.deleted.IsZero() && !deleted {
				continue
			}
			values := map[string]any{}
			for _, f := range s.schema[lower(object)].fields {
				if v := r.value(f.name); v != nil {
					values[f.name] = v
				}
			}
			if !yield(Record{r.id, !r.deleted.IsZero(), values}) {
				return
			}
		}
	}
}

func (s *Server) dump(w http.ResponseWriter, object string, deleted bool) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for r := range s.Records(object, deleted) {
		if encoder.Encode(r.Values) != nil {
			return
		}
	}
}

// Act does something in the org as another user would: update, create, delete,
// undelete, or, for a lead, convert, or, for a lead or contact, merge into id "into".
func (s *Server) Act(do, object, id string, values map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.schema[lower(object)]
	if o == nil {
		return "", fmt.Errorf("%q is no object", object)
	}
	t := s.begin(s.otherUser())
	var refusal *recordError
	switch do {
	case "create":
		id, refusal = t.create(o, values)
	case "update":
		refusal = t.update(o, id, values)
	case "delete":
		refusal = t.remove(o, id)
	case "undelete", "convert", "merge", "deactivate":
		return id, s.special(t, do, o, id, values)
	default:
		return "", fmt.Errorf("%q is nothing that can be done: create, update, delete, undelete, convert, merge or deactivate", do)
	}
	if refusal != nil {
		return "", fmt.Errorf("%s: %s", refusal.Code, refusal.Message)
	}
	return id, nil
}

// otherUser is somebody who works in the org.
func (s *Server) otherUser() string { return s.tables["user"].order[1].id }

func (s *Server) special(t *transaction, do string, o *object, id string, values map[string]any) error {
	r := s.tables[lower(o.name)].byID[long(id)]
	if r == nil {
		return fmt.Errorf("there is no %s %s", o.name, id)
	}
	r.modified = t.stamp
	switch do {
	case "undelete":
		r.deleted = time.Time{}
	case "deactivate":
		r.values["IsActive"] = false
	case "convert":
		s.lastID++
		contact := s.put("Contact", newID("003", 2_000_000_000+s.lastID), map[string]any{"LastName": r.values["LastName"], "Name": r.values["Name"],
			"Email": r.values["Email"], "OwnerId": r.values["OwnerId"], "HasOptedOutOfEmail": r.values["HasOptedOutOfEmail"]})
		account := s.put("Account", newID("001", 2_000_000_000+s.lastID), map[string]any{"Name": r.values["Company"], "OwnerId": r.values["OwnerId"]})
		contact.values["AccountId"] = account.id
		r.values["IsConverted"], r.values["ConvertedContactId"], r.values["ConvertedAccountId"] = true, contact.id, account.id
	case "merge":
		into, _ := values["into"].(string)
		r.values["MasterRecordId"], r.deleted = long(into), t.stamp
	}
	return nil
}

func (s *Server) actOn(r *http.Request) (any, error) {
	var act struct {
		Do     string         `json:"do"`
		Object string         `json:"object"`
		ID     string         `json:"id"`
		Values map[string]any `json:"values"`
	}
	if err := json.NewDecoder(r.Body).Decode(&act); err != nil {
		return nil, fmt.Errorf("read what to do: %w", err)
	}
	id, err := s.Act(act.Do, act.Object, act.ID, act.Values)
	return map[string]string{"id": id}, err
}

// recordTemplate is the page of a record, for people who follow a link.
var recordTemplate = template.Must(template.New("record").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}} · Salesforce (sandbox)</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui;margin:2rem auto;max-width:48rem;padding:0 1rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem}dt{opacity:.75}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}</style>
<main><p>Salesforce (sandbox)</p><h1>{{.Title}}</h1>{{if .Deleted}}<p>In the recycle bin</p>{{end}}<dl>{{range .Fields}}<dt>{{.Name}}</dt><dd>{{.Value}}</dd>{{end}}</dl></main></html>`))

// recordPage shows a record to people: its id after the instance's address.
func (s *Server) recordPage(w http.ResponseWriter, r *http.Request) {
	id := long(strings.Trim(r.URL.Path, "/"))
	type line struct{ Name, Value string }
	var shown struct {
		Title   string
		Deleted bool
		Fields  []line
	}
	s.mu.RLock()
	t := s.tables[lower(objectOf(id))]
	if t != nil && t.byID[id] != nil {
		found := t.byID[id]
		shown.Title, shown.Deleted = objectOf(id)+" "+id, !found.deleted.IsZero()
		for name, value := range found.values {
			if value != nil && value != "" {
				shown.Fields = append(shown.Fields, line{name, fmt.Sprint(value)})
			}
		}
		if subject := found.text("Subject"); subject != "" {
			shown.Title = subject
		}
	}
	s.mu.RUnlock()
	if shown.Title == "" {
		http.NotFound(w, r)
		return
	}
	slices.SortFunc(shown.Fields, func(a, b line) int { return strings.Compare(a.Name, b.Name) })
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = recordTemplate.Execute(w, shown) // a reader that went away needs no page
}
