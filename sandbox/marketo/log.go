package marketo

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"
)

// The types of activities that the sandbox logs.
const (
	typeNewLead     = 12
	typeChange      = 13
	typeConvert     = 21
	typeChangeOwner = 23
	typeAddToList   = 24
	typeMerge       = 32
	typeDelete      = 37
)

// row is a row of the activity log. It appears at visible, which may be later than
// its date.
type row struct {
	id      int64
	lead    int64
	at      time.Time // whole seconds
	visible time.Time
	kind    int
	primary string
	fields  []change
	merged  []int64
	own     *added // of a custom type
	said    []said // other attributes
}

// said is an attribute by its display name.
type said struct {
	name  string
	value any
}

type change struct {
	field    string
	old, new string
}

// append logs a row by its date; callers hold the lock.
func (s *Server) append(r row) {
	s.lastID++
	r.id, r.at = s.lastID, r.at.UTC().Truncate(time.Second)
	at := sort.Search(len(s.log), func(i int) bool { return s.log[i].at.After(r.at) })
	s.log = slices.Insert(s.log, at, r)
}

// happen logs a row now, to appear up to CommitLag later.
func (s *Server) happen(r row) {
	now := s.cfg.Clock.Now()
	r.at, r.visible = now, now
	if s.cfg.CommitLag > 0 && s.random.IntN(4) == 0 {
		r.visible = now.Add(time.Duration(s.random.Int64N(int64(s.cfg.CommitLag))))
	}
	s.append(r)
}

// place is what a token stands for: rows after a date and id. Readers must not
// look inside.
type place struct {
	epoch int
	at    time.Time
	id    int64
}

func (p place) token() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "log %d %d %d", p.epoch, p.at.Unix(), p.id)) + "=="
}

func (s *Server) parseToken(text string) (place, error) {
	var p place
	var at int64
	raw, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		raw, err = base64.RawURLEncoding.DecodeString(trimEquals(text))
	}
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "log %d %d %d", &p.epoch, &at, &p.id)
	}
	if err != nil || p.epoch != s.epoch {
		return place{}, refuse("1003", "Invalid nextPageToken")
	}
	p.at = time.Unix(at, 0).UTC()
	return p, nil
}

func trimEquals(s string) string {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	return s
}

// RefuseTokens makes all paging tokens handed out so far invalid.
func (s *Server) RefuseTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
}

func (s *Server) pagingToken(c *call) (answer, error) {
	text := c.params.Get("sinceDatetime")
	if text == "" {
		return answer{}, refuse("1002", "Missing required parameter sinceDatetime")
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return answer{}, refuse("704", "Invalid date")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return answer{NextPageToken: place{s.epoch, at.UTC(), 0}.token()}, nil
}

// examined is how many rows a page looks at: pages may be short, or empty, and yet
// not the last.
const examined = 400

// read pages through the log.
func (s *Server) read(c *call, render func(r row) (map[string]any, bool)) (answer, error) {
	token := c.params.Get("nextPageToken")
	if token == "" {
		return answer{}, refuse("1002", "Missing required parameter nextPageToken")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, err := s.parseToken(token)
	if err != nil {
		return answer{}, err
	}
	now, size := s.cfg.Clock.Now(), batchSize(c)
	log, most := s.log, examined
	if leads := c.list("leadIds"); len(leads) > 0 {
		log, most = s.logOf(leads, now), cmp.Or(s.cfg.PageRows, examined)
	}
	from := sort.Search(len(log), func(i int) bool {
		r := log[i]
		return r.at.After(p.at) || r.at.Equal(p.at) && r.id > p.id
	})
	items, start, looked := []map[string]any{}, p, 0
	for from < len(log) && looked < most && len(items) < size {
		r := log[from]
		from++
		looked++
		if r.visible.After(now) {
			continue
		}
		if now.Sub(r.at) > kept(r.kind) {
			p.at, p.id = r.at, r.id
			continue
		}
		p.at, p.id = r.at, r.id
		if item, wanted := render(r); wanted {
			items = append(items, item)
		}
	}
	more := from < len(log) && p.id != start.id
	a := answer{NextPageToken: p.token(), MoreResult: &more, Result: items}
	if len(items) == 0 {
		a.Result = nil
	}
	return a, nil
}

// logOf is the part of the log that is about some people, by date.
func (s *Server) logOf(leads []string, now time.Time) []row {
	var log []row
	for _, r := range s.log {
		if slices.Contains(leads, strconv.FormatInt(r.lead, 10)) {
			log = append(log, r)
		}
	}
	if s.cfg.History {
		for _, text := range leads {
			if id, err := strconv.ParseInt(text, 10, 64); err == nil && s.people[id] != nil {
				log = append(log, s.history(s.people[id], now)...)
			}
		}
		slices.SortFunc(log, func(a, b row) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	}
	return log
}

// kept is how long rows stay in the log: those of high volume 90 days, others 25
// months, deletions 14 days (Marketo REST: activities, deleted leads).
func kept(kind int) time.Duration {
	const day = 24 * time.Hour
	switch kind {
	case typeDelete:
		return 14 * day
	case typeChange, typeAddToList, typeVisit, typeClickLink, typeSendEmail:
		return 90 * day
	default:
		return 760 * day
	}
}

// date writes a time in one of the two forms that the API is seen to use.
func date(r row) string {
	if r.id%2 == 0 {
		return r.at.Format("2006-01-02T15:04:05+0000")
	}
	return r.at.Format(time.RFC3339)
}

func item(r row) map[string]any {
	m := map[string]any{"marketoGUID": strconv.FormatInt(r.id, 10), "leadId": r.lead, "activityDate": date(r), "activityTypeId": r.kind}
	if r.id%5 != 0 { // the number is on its way out
		m["id"] = r.id
	}
	return m
}

func (s *Server) leadChanges(c *call) (answer, error) {
	fields := c.list("fields")
	if len(fields) == 0 {
		return answer{}, refuse("1002", "Missing required parameter fields")
	}
	if len(c.list("leadIds")) > 30 {
		s.limits.violate("more than 30 lead ids")
		return answer{}, refuse("1003", "Too many leadIds")
	}
	for _, f := range fields {
		if !s.has(f) {
			s.limits.violate("unknown field")
		}
	}
	return s.read(c, func(r row) (map[string]any, bool) {
		m := item(r)
		switch r.kind {
		case typeNewLead:
			m["attributes"] = []map[string]any{{"name": "Source Type", "value": "New person"}}
			return m, true
		case typeChange:
			changes := []map[string]any{}
			for i, f := range r.fields {
				if slices.Contains(fields, f.field) {
					changes = append(changes, map[string]any{"id": i + 1, "name": f.field, "newValue": f.new, "oldValue": f.old})
				}
			}
			m["fields"] = changes
			m["attributes"] = []map[string]any{{"name": "Source", "value": "Web service API"}, {"name": "Lead ID", "value": r.lead}}
			return m, len(changes) > 0
		}
		return nil, false
	})
}

func (s *Server) deletedLeads(c *call) (answer, error) {
	return s.read(c, func(r row) (map[string]any, bool) {
		if r.kind != typeDelete {
			return nil, false
		}
		m := item(r)
		m["primaryAttributeValueId"], m["primaryAttributeValue"], m["attributes"] = r.lead, r.primary, []any{}
		return m, true
	})
}

func (s *Server) activities(c *call) (answer, error) {
	kinds, leads := c.list("activityTypeIds"), c.list("leadIds")
	switch {
	case len(kinds) == 0:
		return answer{}, refuse("1002", "Missing required parameter activityTypeIds")
	case len(kinds) > 10:
		s.limits.violate("more than 10 activity types")
		return answer{}, refuse("1003", "Too many activityTypeIds")
	case len(leads) > 30:
		s.limits.violate("more than 30 lead ids")
		return answer{}, refuse("1003", "Too many leadIds")
	}
	return s.read(c, func(r row) (map[string]any, bool) {
		if !slices.Contains(kinds, strconv.Itoa(r.kind)) || len(leads) > 0 && !slices.Contains(leads, strconv.FormatInt(r.lead, 10)) {
			return nil, false
		}
		m := item(r)
		attributes := []map[string]any{}
		if r.kind == typeMerge {
			m["primaryAttributeValueId"] = r.lead
			var ids any = r.merged
			if r.id%2 == 0 { // an array, or a text that looks like one
				ids = fmt.Sprint(r.merged)
			}
			attributes = append(attributes, map[string]any{"name": "Merge IDs", "value": ids}, map[string]any{"name": "Merged in Sales", "value": false})
		}
		for _, a := range r.said {
			attributes = append(attributes, map[string]any{"name": a.name, "value": a.value})
		}
		if r.own != nil {
			attributes = append(attributes, r.own.shownAttributes()...)
		}
		if r.primary != "" {
			m["primaryAttributeValue"] = r.primary
		}
		m["attributes"] = attributes
		return m, true
	})
}
