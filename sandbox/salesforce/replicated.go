package salesforce

import (
	"net/http"
	"time"
)

// updatesReach is how far back getUpdated looks (Salesforce REST: get updated).
const updatesReach = 30 * 24 * time.Hour

// replicated answers getUpdated and getDeleted, which ignore seconds; callers hold the
// org's lock.
func (s *Server) replicated(c *call, o *object, which string) (int, any, error) {
	from, err := time.Parse(time.RFC3339, c.URL.Query().Get("start"))
	to, err2 := time.Parse(time.RFC3339, c.URL.Query().Get("end"))
	reach := updatesReach
	if which == "deleted" {
		reach = binLife
	}
	from, to = from.UTC().Truncate(time.Minute), to.UTC().Truncate(time.Minute)
	earliest := s.now().Add(-reach).Truncate(time.Minute)
	if err != nil || err2 != nil || !from.Before(to) || from.Before(earliest) {
		return 0, nil, fail(http.StatusBadRequest, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date")
	}
	within := func(at time.Time) bool { return !at.Before(from) && at.Before(to) }
	answer := map[string]any{"latestDateCovered": s.covered(to).Format(stampForm)}
	table := s.tables[lower(o.name)]
	if which == "updated" {
		answer["ids"] = table.updated(within)
	} else {
		answer["deletedRecords"], answer["earliestDateAvailable"] = table.deleted(within), earliest.Format(stampForm)
	}
	return http.StatusOK, answer, nil
}

func (t *table) updated(within func(time.Time) bool) []string {
	ids := []string{}
	for _, r := range t.order {
		if r.deleted.IsZero() && within(r.stamp) {
			ids = append(ids, r.id)
		}
	}
	return ids
}

// deleted lists rows in the recycle bin, and those that have left it.
func (t *table) deleted(within func(time.Time) bool) []map[string]string {
	list := []map[string]string{}
	add := func(id string, at time.Time) {
		if within(at) {
			list = append(list, map[string]string{"id": id, "deletedDate": at.Format(stampForm)})
		}
	}
	for _, p := range t.purged {
		add(p.id, p.deleted)
	}
	for _, r := range t.order {
		if !r.deleted.IsZero() {
			add(r.id, r.deleted)
		}
	}
	return list
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
