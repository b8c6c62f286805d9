package salesforce

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
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
		s.tidy()
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

// actOn does what another user would; the transaction may be held.
func (s *Server) actOn(r *http.Request) (any, error) {
	var act struct {
		Do     string         `json:"do"`
		Object string         `json:"object"`
		ID     string         `json:"id"`
		Values map[string]any `json:"values"`
		HeldMS int            `json:"held_ms"`
	}
	if err := json.NewDecoder(r.Body).Decode(&act); err != nil {
		return nil, fmt.Errorf("read what to do: %w", err)
	}
	switch act.Do {
	case "purge":
		return map[string]int{"purged": s.Purge()}, nil
	case "archive":
		return map[string]int{"archived": s.Archive()}, nil
	}
	t := s.Open()
	defer t.Rollback()
	id, err := t.Act(act.Do, act.Object, act.ID, act.Values)
	if err != nil {
		return nil, err
	}
	s.cfg.Clock.Sleep(time.Duration(act.HeldMS) * time.Millisecond) // it is done whether or not the caller waits
	return map[string]string{"id": id}, t.Commit()
}
