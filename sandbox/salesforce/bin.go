package salesforce

import (
	"slices"
	"time"
)

// binLife is how long a deleted row stays in the recycle bin, and how long getDeleted
// tells of it (Salesforce REST: get deleted).
const binLife = 15 * 24 * time.Hour

// purged is what is known of a row that has left the recycle bin.
type purged struct {
	id      string
	deleted time.Time
}

// Purge empties the recycle bin, and returns how many rows are gone. They stay in
// getDeleted.
func (s *Server) Purge() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.purge(s.now())
}

// tidy lets what has been in the bin for 15 days go. It comes before whatever looks
// at rows.
func (s *Server) tidy() {
	until := s.now().Add(-binLife)
	s.mu.RLock()
	due := !s.binSince.IsZero() && !s.binSince.After(until)
	s.mu.RUnlock()
	if due {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.purge(until)
	}
}

// purge removes rows that were deleted until a time; callers hold the org's lock.
func (s *Server) purge(until time.Time) int {
	n := 0
	s.binSince = time.Time{}
	for _, table := range s.tables {
		table.order = slices.DeleteFunc(table.order, func(r *record) bool {
			switch {
			case r.deleted.IsZero():
				return false
			case r.deleted.After(until):
				s.binned(r.deleted)
				return false
			}
			n++
			r.gone = true
			delete(table.byID, r.id)
			table.purged = append(table.purged, purged{r.id, r.deleted})
			return true
		})
	}
	return n
}

// binned notes that a row came into the bin.
func (s *Server) binned(at time.Time) {
	if s.binSince.IsZero() || at.Before(s.binSince) {
		s.binSince = at
	}
}

// undelete takes a record out of the recycle bin. It needs its unique values back.
func (t *Transaction) undelete(o *object, id string) *recordError {
	r := t.server.tables[lower(o.name)].byID[id]
	switch {
	case r == nil:
		return refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
	case r.deleted.IsZero():
		return refused("UNDELETE_FAILED", "Entity is not in the recycle bin")
	}
	if err := t.claim(o, r, nil, r.values); err != nil {
		return err
	}
	t.set(o, r, r.values)
	r.deleted = time.Time{}
	if o.field("MasterRecordId") != nil {
		r.values["MasterRecordId"] = nil
	}
	return nil
}
