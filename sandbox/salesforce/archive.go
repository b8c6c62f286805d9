package salesforce

import (
	"maps"
	"time"
)

// archiveAge is how old closed Tasks become before they are archived (Salesforce Help:
// archived activities).
const archiveAge = 365 * 24 * time.Hour

// Archive is the nightly run: closed Tasks are archived whose date is 365 days ago, or
// which have none and were created 365 days ago. It returns how many. It is not said
// whether that moves SystemModstamp; here it does not (inferred), so that nobody may
// count on it.
func (s *Server) Archive() int {
	s.tidy()
	s.mu.Lock()
	defer s.mu.Unlock()
	n, until := 0, s.cfg.Clock.Now().UTC().Add(-archiveAge)
	for _, r := range s.tables["task"].order {
		if !r.deleted.IsZero() || r.flag("IsArchived") || !r.flag("IsClosed") || !r.agedAt(until) {
			continue
		}
		r.values = maps.Clone(r.values) // a rollback may still need the old ones
		r.values["IsArchived"] = true
		n++
	}
	return n
}

// agedAt says whether a Task's date, or else its creation, is not after a time.
func (r *record) agedAt(until time.Time) bool {
	if date := r.text("ActivityDate"); date != "" {
		return date <= until.Format(time.DateOnly)
	}
	return !r.created.After(until)
}
