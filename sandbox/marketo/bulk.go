package marketo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of bulk extract.
const (
	maxProcessing = 2
	maxQueued     = 10 // those processing included
	maxRange      = 31 * 24 * time.Hour
	fileLife      = 7 * 24 * time.Hour
	smartListID   = 1001 // "People with owner"
	emptyListID   = 1002 // "No rules", refused
	staticListID  = 2001 // "Owned people"
)

// bulk holds the bulk jobs.
type bulk struct {
	server *Server

	mu    sync.Mutex
	jobs  map[string]*job
	queue []*job
	made  int
	spent int64 // bytes of today's files
	day   string
}

type job struct {
	id                                 string
	fields                             []string
	filter                             filter
	status                             string
	created, queued, started, finished time.Time
	file                               []byte
	rows                               int
	checksum                           string
	done                               chan struct{} // closed once the file is written
	separator                          byte
	headers                            map[string]string
	format                             string
	shown                              map[string]any // the status as last refreshed
	shownAt                            time.Time
}

type filter struct {
	CreatedAt      *dateRange `json:"createdAt"`
	UpdatedAt      *dateRange `json:"updatedAt"`
	StaticListID   int64      `json:"staticListId"`
	StaticListName string     `json:"staticListName"`
	SmartListID    int64      `json:"smartListId"`
	SmartListName  string     `json:"smartListName"`
}

type dateRange struct {
	StartAt string `json:"startAt"`
	EndAt   string `json:"endAt"`
	from    time.Time
	to      time.Time
}

// exportCall takes a path of the bulk API apart.
func exportCall(path string) (id, verb string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/bulk/v1/leads/export")
	if !ok {
		return "", "", false
	}
	rest = strings.TrimPrefix(strings.TrimSuffix(rest, ".json"), "/")
	id, verb, found := strings.Cut(rest, "/")
	if !found {
		id, verb = "", rest
	}
	if verb == "" {
		verb = "list"
	}
	return id, verb, true
}

func (b *bulk) call(c *call, id, verb string) (answer, error) {
	if b.server.cfg.NoBulk {
		return answer{}, refuse("703", "Bulk extract is not enabled for this subscription")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance()
	if verb == "create" && c.Method == http.MethodPost {
		return b.create(c)
	}
	if verb == "list" {
		all := []map[string]any{}
		states := c.list("status")
		for _, j := range b.jobs {
			if len(states) == 0 || slices.Contains(states, j.status) {
				all = append(all, j.show())
			}
		}
		return answer{Result: all}, nil
	}
	j := b.jobs[id]
	if j == nil {
		return answer{}, refuse("1013", "Export "+id+" not found")
	}
	switch verb {
	case "enqueue":
		return b.enqueue(j)
	case "status":
		return answer{Result: []map[string]any{b.status(j)}}, nil
	case "cancel":
		if j.status == "Completed" {
			return answer{}, refuse("1003", "Export "+j.id+" is already completed")
		}
		j.status = "Canceled"
		b.queue = slices.DeleteFunc(b.queue, func(q *job) bool { return q == j })
		shown := j.show()
		shown["status"] = "Cancelled" // the documentation has both spellings
		return answer{Result: []map[string]any{shown}}, nil
	}
	return answer{}, refuse("610", "Requested resource not found")
}

func (b *bulk) create(c *call) (answer, error) {
	var body struct {
		Fields []string                   `json:"fields"`
		Format string                     `json:"format"`
		Filter map[string]json.RawMessage `json:"filter"`

		Headers map[string]string `json:"columnHeaderNames"`
	}
	if !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json") {
		return answer{}, refuse("612", "Invalid Content Type")
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return answer{}, refuse("609", "Invalid JSON")
	}
	if len(body.Fields) == 0 || len(body.Filter) != 1 {
		return answer{}, refuse("1003", "Exactly one filter and at least one field are required")
	}
	for _, f := range body.Fields {
		if !b.server.has(f) {
			b.server.limits.violate("unknown field")
			return answer{}, refuse("1003", "Invalid fields: "+f)
		}
	}
	j := &job{fields: body.Fields, headers: body.Headers, format: cmp.Or(body.Format, "CSV"), status: "Created", created: b.server.cfg.Clock.Now()}
	switch j.format {
	case "CSV":
		j.separator = ','
	case "TSV":
		j.separator = '\t'
	case "SSV":
		j.separator = ';'
	default:
		return answer{}, refuse("1003", "Invalid format: "+j.format)
	}
	raw, err := json.Marshal(body.Filter)
	if err == nil {
		err = json.Unmarshal(raw, &j.filter)
	}
	if err != nil {
		return answer{}, refuse("1003", "Invalid filter")
	}
	if err := b.checkFilter(&j.filter); err != nil {
		return answer{}, err
	}
	b.made++
	j.id = fmt.Sprintf("%08x-aaaa-4bbb-8ccc-dddddddddddd", b.made)
	b.jobs[j.id] = j
	return answer{Result: []map[string]any{j.show()}}, nil
}

func (b *bulk) checkFilter(f *filter) error {
	cfg := b.server.cfg
	for _, r := range []*dateRange{f.CreatedAt, f.UpdatedAt} {
		if r == nil {
			continue
		}
		if strings.Contains(r.StartAt+r.EndAt, ".") {
			b.server.limits.violate("fractions in a date")
		}
		var err1, err2 error
		r.from, err1 = time.Parse(time.RFC3339, r.StartAt)
		r.to, err2 = time.Parse(time.RFC3339, r.EndAt)
		if err1 != nil || err2 != nil || strings.Contains(r.StartAt+r.EndAt, ".") {
			return refuse("1003", "Invalid date")
		}
		if r.to.Sub(r.from) > maxRange {
			b.server.limits.violate("range over 31 days")
			return refuse("1003", "The date range may not exceed 31 days")
		}
	}
	switch {
	case f.UpdatedAt != nil && !cfg.HasUpdatedAt:
		return refuse("1035", "Unsupported filter type for target subscription: updatedAt")
	case (f.SmartListID != 0 || f.SmartListName != "") && cfg.NoSmartList:
		return refuse("1035", "Unsupported filter type for target subscription: smartList")
	case f.SmartListID == emptyListID:
		return refuse("1003", "The smart list has no rules")
	case f.SmartListID != 0 && f.SmartListID != smartListID, f.SmartListName != "" && f.SmartListName != "People with owner",
		f.StaticListID != 0 && f.StaticListID != staticListID, f.StaticListName != "" && f.StaticListName != "Owned people":
		return refuse("1013", "List not found")
	}
	return nil
}

// enqueue takes a job into the queue, where there is room.
func (b *bulk) enqueue(j *job) (answer, error) {
	cfg := b.server.cfg
	switch {
	case j.status != "Created":
		return answer{}, refuse("1029", "Export "+j.id+" is already queued")
	case len(b.queue) >= maxQueued:
		b.server.limits.violate("more than 10 bulk jobs")
		return answer{}, refuse("1029", "Too many jobs (10) in queue")
	case !cfg.QuotaOff && b.spent >= cfg.BulkDailySize:
		return answer{}, refuse("1029", "Export daily quota 500MB exceeded")
	}
	j.status, j.queued = "Queued", cfg.Clock.Now()
	b.queue = append(b.queue, j)
	b.advance()
	return answer{Result: []map[string]any{j.show()}}, nil
}

// advance brings the queue to the present: jobs whose time is over complete, and
// others take their places. Callers hold the lock.
func (b *bulk) advance() {
	now := b.server.cfg.Clock.Now()
	if day := b.server.limits.date(now); day != b.day {
		b.day, b.spent = day, 0
	}
	b.queue = slices.DeleteFunc(b.queue, func(j *job) bool {
		if j.status != "Processing" || now.Sub(j.started) < b.server.cfg.BulkDelay || !j.written() {
			return false
		}
		j.status, j.finished = "Completed", now
		b.spent += int64(len(j.file))
		return true
	})
	processing := 0
	for _, j := range b.queue {
		if processing++; processing > maxProcessing {
			break
		}
		if j.status == "Queued" {
			j.status, j.started, j.done = "Processing", now, make(chan struct{})
			go b.server.writeFile(j)
		}
	}
}

// written says whether the file is there.
func (j *job) written() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// status is refreshed only now and then; asking more often is noted.
func (b *bulk) status(j *job) map[string]any {
	now := b.server.cfg.Clock.Now()
	if j.shown != nil && now.Sub(j.shownAt) < b.server.cfg.BulkRefresh {
		if now.Sub(j.shownAt) < b.server.cfg.BulkRefresh*9/10 {
			b.server.limits.violate("status asked more often than it is refreshed")
		}
		return j.shown
	}
	j.shown, j.shownAt = j.show(), now
	return j.shown
}

func (j *job) show() map[string]any {
	shown := map[string]any{"exportId": j.id, "status": j.status, "format": j.format, "createdAt": j.created.UTC().Format(time.RFC3339)}
	for name, at := range map[string]time.Time{"queuedAt": j.queued, "startedAt": j.started, "finishedAt": j.finished} {
		if !at.IsZero() {
			shown[name] = at.UTC().Format(time.RFC3339)
		}
	}
	if j.status == "Completed" {
		shown["numberOfRecords"], shown["fileSize"], shown["fileChecksum"] = j.rows, len(j.file), j.checksum
	}
	return shown
}
