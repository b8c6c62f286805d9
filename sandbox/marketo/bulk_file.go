package marketo

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"salesactions/sandbox/fault"
	"salesactions/sandbox/world"
)

// writeFile makes the file of a job: membership and values are those of the
// beginning. It closes done.
func (s *Server) writeFile(j *job) {
	defer close(j.done)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var file bytes.Buffer
	for i, name := range j.fields {
		if i > 0 {
			file.WriteByte(j.separator)
		}
		writeValue(&file, cmp.Or(j.headers[name], name), j.separator)
	}
	file.WriteByte('\n')
	for _, id := range s.order {
		if l := s.people[id]; !l.deleted && j.filter.has(l) {
			j.rows++
			j.writeRow(&file, l)
		}
	}
	j.file = file.Bytes()
	sum := sha256.Sum256(j.file)
	j.checksum = "sha256:" + hex.EncodeToString(sum[:])
}

// writeRow writes a person. A file may hold a NUL that no other call shows.
func (j *job) writeRow(file *bytes.Buffer, l *lead) {
	for i, name := range j.fields {
		if i > 0 {
			file.WriteByte(j.separator)
		}
		v, ok := value(l, name)
		switch text, isText := v.(string); {
		case !ok:
			file.WriteString("null")
		case isText && name == "title" && l.ID%oddTitle == 0:
			writeValue(file, text+"\x00", j.separator)
		case isText:
			writeValue(file, text, j.separator)
		default:
			fmt.Fprint(file, v)
		}
	}
	file.WriteByte('\n')
}

// oddTitle is how rare a NUL in a file is.
const oddTitle = 997

// writeValue quotes where it must.
func writeValue(file *bytes.Buffer, text string, separator byte) {
	if strings.IndexByte(text, separator) < 0 && !strings.ContainsAny(text, "\"\r\n\x00") && text == strings.TrimSpace(text) {
		file.WriteString(text)
		return
	}
	file.WriteByte('"')
	file.WriteString(strings.ReplaceAll(text, `"`, `""`))
	file.WriteByte('"')
}

func (f filter) has(l *lead) bool {
	switch { // both ends are inclusive
	case f.CreatedAt != nil:
		return f.CreatedAt.has(l.Created)
	case f.UpdatedAt != nil:
		return f.UpdatedAt.has(l.touched)
	}
	return l.Values[world.OwnerID] != ""
}

func (r *dateRange) has(at time.Time) bool { return !at.Before(r.from) && !at.After(r.to) }

// file sends a file, or a part of it; what is not there is plain text.
func (b *bulk) file(w http.ResponseWriter, c *call, id string) {
	b.mu.Lock()
	b.advance()
	j := b.jobs[id]
	ready := j != nil && j.status == "Completed" && b.server.cfg.Clock.Now().Sub(j.finished) < fileLife
	var file []byte
	if ready {
		file = j.file
	}
	b.mu.Unlock()
	if !ready {
		http.Error(w, "File not found", http.StatusNotFound)
		return
	}
	from, to, status := 0, len(file)-1, http.StatusOK
	if asked := c.Header.Get("Range"); asked != "" {
		// "bytes=0-9999", or "bytes=0-" for the rest.
		n, _ := fmt.Sscanf(asked, "bytes=%d-%d", &from, &to)
		if n == 0 || from < 0 || from > to || from >= len(file) {
			http.Error(w, "range not satisfiable", http.StatusRequestedRangeNotSatisfiable)
			return
		}
		to, status = min(to, len(file)-1), http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(file)))
	}
	part := file[from : to+1]
	w.Header().Set("Content-Type", "text/csv;charset=UTF-8")
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.Itoa(len(part)))
	w.WriteHeader(status)
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
