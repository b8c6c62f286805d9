package salesforce

import (
	"net/http"
	"time"
)

// replicated answers getUpdated and getDeleted, which ignore seconds; callers hold the
// org's lock.
func (s *Server) replicated(c *call, o *object, which string) (int, any, error) {
	from, err := time.Parse(time.RFC3339, c.URL.Query().Get("start"))
	to, err2 := time.Parse(time.RFC3339, c.URL.Query().Get("end"))
	reach := map[string]time.Duration{"updated": 30 * 24 * time.Hour, "deleted": 15 * 24 * time.Hour}[which]
	from, to = from.Truncate(time.Minute), to.Truncate(time.Minute)
	now := s.cfg.Now()
	if err != nil || err2 != nil || !from.Before(to) || from.Before(now.Add(-reach)) {
		return 0, nil, fail(http.StatusBadRequest, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date")
	}
	ids, deleted := []string{}, []any{}
	for _, r := range s.tables[lower(o.name)].order {
		if r.modified.Before(from) || !r.modified.Before(to) {
			continue
		}
		if r.deleted.IsZero() {
			ids = append(ids, r.id)
		} else {
			deleted = append(deleted, map[string]string{"id": r.id, "deletedDate": r.deleted.Format(stampForm)})
		}
	}
	covered := s.covered(to).Format(stampForm)
	if which == "updated" {
		return http.StatusOK, map[string]any{"ids": ids, "latestDateCovered": covered}, nil
	}
	return http.StatusOK, map[string]any{"deletedRecords": deleted, "earliestDateAvailable": now.Add(-reach).UTC().Format(stampForm), "latestDateCovered": covered}, nil
}

// covered is until when everything is known, at most until a time: not longer than
// the transactions reach back that have not ended, and not into the future.
func (s *Server) covered(to time.Time) time.Time {
	if now := s.now(); now.Before(to) {
		to = now
	}
	for t := range s.begun {
		if t.stamp.Before(to) {
			to = t.stamp
		}
	}
	return to.Truncate(time.Minute)
}
