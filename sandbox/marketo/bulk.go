package marketo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"salesactions/sandbox/fault"
	"salesactions/sandbox/world"
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
	problem                            string
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
	if verb == "create" && c.Method == http.MethodPost {
		return b.create(c)
	}
	if verb == "list" {
		all := []map[string]any{}
		for _, j := range b.jobs {
			all = append(all, j.show())
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
	j := &job{fields: body.Fields, status: "Created", created: b.server.cfg.Now()}
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
	case f.UpdatedAt != nil:
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
	if day := b.server.cfg.Now().Format(time.DateOnly); day != b.day {
		b.day, b.spent = day, 0
	}
	switch {
	case j.status != "Created":
		return answer{}, refuse("1029", "Export "+j.id+" is already queued")
	case len(b.queue) >= maxQueued:
		b.server.limits.violate("more than 10 bulk jobs")
		return answer{}, refuse("1029", "Too many jobs (10) in queue")
	case b.spent >= b.server.cfg.BulkDailySize:
		return answer{}, refuse("1029", "Export daily quota 500MB exceeded")
	}
	j.status, j.queued = "Queued", b.server.cfg.Now()
	b.queue = append(b.queue, j)
	b.begin()
	return answer{Result: []map[string]any{j.show()}}, nil
}

// begin starts jobs while there is room; callers hold the lock.
func (b *bulk) begin() {
	processing := 0
	for _, j := range b.queue {
		switch {
		case j.status == "Processing":
			processing++
		case j.status == "Queued" && processing < maxProcessing:
			processing++
			j.status, j.started = "Processing", b.server.cfg.Now()
			go b.process(j)
		}
	}
}

// process writes the file: membership and values are those at the beginning.
func (b *bulk) process(j *job) {
	file, rows := b.server.write31(j)
	time.Sleep(b.server.cfg.BulkDelay)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = slices.DeleteFunc(b.queue, func(q *job) bool { return q == j })
	if j.status == "Processing" {
		j.file, j.rows, j.status, j.finished = file, rows, "Completed", b.server.cfg.Now()
		b.spent += int64(len(file))
	}
	b.begin()
}

// status is refreshed only now and then; asking more often is noted.
func (b *bulk) status(j *job) map[string]any {
	now := b.server.cfg.Now()
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
	shown := map[string]any{"exportId": j.id, "status": j.status, "format": "CSV", "createdAt": j.created.UTC().Format(time.RFC3339)}
	for name, at := range map[string]time.Time{"queuedAt": j.queued, "startedAt": j.started, "finishedAt": j.finished} {
		if !at.IsZero() {
			shown[name] = at.UTC().Format(time.RFC3339)
		}
	}
	if j.status == "Completed" {
		sum := sha256.Sum256(j.file)
		shown["numberOfRecords"], shown["fileSize"], shown["fileChecksum"] = j.rows, len(j.file), "sha256:"+hex.EncodeToString(sum[:])
	}
	if j.problem != "" {
		shown["errorMsg"] = j.problem
	}
	return shown
}

// write31 makes the file of a job.
func (s *Server) write31(j *job) ([]byte, int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var file bytes.Buffer
	file.WriteString(strings.Join(j.fields, ",") + "\n")
	rows := 0
	for _, id := range s.order {
		l := s.people[id]
		if l.deleted || !j.filter.has(l) {
			continue
		}
		rows++
		for i, name := range j.fields {
			if i > 0 {
				file.WriteByte(',')
			}
			v, ok := value(l, name)
			if !ok {
				file.WriteString("null")
				continue
			}
			writeValue(&file, v)
		}
		file.WriteByte('\n')
	}
	return file.Bytes(), rows
}

// writeValue quotes where it must. A NUL may stand in a file.
func writeValue(file *bytes.Buffer, v any) {
	text, ok := v.(string)
	if !ok {
		fmt.Fprint(file, v)
		return
	}
	if !strings.ContainsAny(text, ",\"\r\n") && text == strings.TrimSpace(text) {
		file.WriteString(text)
		return
	}
	file.WriteByte('"')
	file.WriteString(strings.ReplaceAll(text, `"`, `""`))
	file.WriteByte('"')
}

func (f filter) has(l *lead) bool {
	if f.CreatedAt != nil { // both ends are inclusive
		return !l.Created.Before(f.CreatedAt.from) && !l.Created.After(f.CreatedAt.to)
	}
	return l.Values[world.OwnerID] != ""
}

// file sends a file, or a part of it; what is not there is plain text.
func (b *bulk) file(w http.ResponseWriter, c *call, id string) {
	b.mu.Lock()
	j := b.jobs[id]
	ready := j != nil && j.status == "Completed" && b.server.cfg.Now().Sub(j.finished) < fileLife
	var file []byte
	if ready {
		file = j.file
	}
	b.mu.Unlock()
	if !ready {
		http.Error(w, "File not found", http.StatusNotFound)
		return
	}
	from, status := 0, http.StatusOK
	if _, err := fmt.Sscanf(c.Header.Get("Range"), "bytes=%d-", &from); err == nil && from < len(file) {
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(file)-1, len(file)))
	} else if err == nil {
		http.Error(w, "", http.StatusRequestedRangeNotSatisfiable)
		return
	}
	w.Header().Set("Content-Type", "text/csv;charset=UTF-8")
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.Itoa(len(file)-from))
	w.WriteHeader(status)
	part := file[from:]
	if c.rule != nil && c.rule.Kind == fault.CorruptFile && len(part) > 1 {
		part = bytes.Clone(part)
		at := bytes.LastIndexByte(part[:len(part)-1], ',') // a value, so that only the checksum tells
		part = slices.Insert(part[:len(part)-1], max(at+1, 0), 'x')
	}
	if c.rule != nil && (c.rule.Kind == fault.CutFile || c.rule.Kind == fault.DropAfter || c.rule.Kind == fault.Truncate) {
		w.Write(part[:len(part)/2])
		panic(http.ErrAbortHandler)
	}
	w.Write(part)
}
