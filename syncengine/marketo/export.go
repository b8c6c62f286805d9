package marketo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ExportStatus is where a bulk job stands.
type ExportStatus string

// The statuses. Marketo writes "Canceled" and "Cancelled"; both are ExportCanceled.
const (
	ExportCreated    ExportStatus = "Created"
	ExportQueued     ExportStatus = "Queued"
	ExportProcessing ExportStatus = "Processing"
	ExportCompleted  ExportStatus = "Completed"
	ExportFailed     ExportStatus = "Failed"
	ExportCanceled   ExportStatus = "Canceled"
)

// DateRange has inclusive ends, at most 31 days apart.
type DateRange struct {
	StartAt time.Time
	EndAt   time.Time
}

// MarshalJSON writes UTC without fractions: bulk filters refuse milliseconds.
func (r DateRange) MarshalJSON() ([]byte, error) {
	const form = "2006-01-02T15:04:05Z"
	return json.Marshal(map[string]string{"startAt": r.StartAt.UTC().Format(form), "endAt": r.EndAt.UTC().Format(form)})
}

// ExportFilter says who is exported; exactly one member is set.
type ExportFilter struct {
	CreatedAt      *DateRange `json:"createdAt,omitempty"`
	UpdatedAt      *DateRange `json:"updatedAt,omitempty"` // not in every subscription
	StaticListID   int64      `json:"staticListId,omitempty"`
	StaticListName string     `json:"staticListName,omitempty"`
	SmartListID    int64      `json:"smartListId,omitempty"` // not in every subscription
	SmartListName  string     `json:"smartListName,omitempty"`
}

// Export is a bulk job.
type Export struct {
	ID       string
	Status   ExportStatus
	Records  int64  // when completed
	Bytes    int64  // when completed
	Checksum string // "sha256:" and hex digits, when completed
	Error    string // when failed
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Export) UnmarshalJSON(raw []byte) error {
	var answer struct {
		ExportID string      `json:"exportId"`
		Status   string      `json:"status"`
		Records  json.Number `json:"numberOfRecords"`
		Bytes    json.Number `json:"fileSize"`
		Checksum string      `json:"fileChecksum"`
		Error    string      `json:"errorMsg"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	*e = Export{ID: answer.ExportID, Status: ExportStatus(answer.Status), Checksum: answer.Checksum, Error: cut(answer.Error)}
	if strings.EqualFold(answer.Status, "Cancelled") {
		e.Status = ExportCanceled
	}
	e.Records, _ = answer.Records.Int64() // absent until completed
	e.Bytes, _ = answer.Bytes.Int64()
	return nil
}

// exportRoot has no /rest before it (Marketo REST: bulk extract).
const exportRoot = "/bulk/v1/leads/export"

// CreateExport makes a bulk job of CSV; it waits for EnqueueExport.
func (c *Client) CreateExport(ctx context.Context, fields []string, filter ExportFilter) (Export, error) {
	body := map[string]any{"fields": fields, "format": "CSV", "filter": filter}
	return c.export(ctx, request{operation: "create export", method: http.MethodPost, path: exportRoot + "/create.json", body: body})
}

// EnqueueExport queues a job; code 1029 when the queue is full, the day's volume is
// used up, or the job is queued already.
func (c *Client) EnqueueExport(ctx context.Context, id string) (Export, error) {
	return c.export(ctx, request{operation: "enqueue export", method: http.MethodPost, path: exportRoot + "/" + id + "/enqueue.json"})
}

// ExportStatus asks after a job. Marketo refreshes the answer once in 60 seconds.
func (c *Client) ExportStatus(ctx context.Context, id string) (Export, error) {
	return c.export(ctx, request{operation: "export status", path: exportRoot + "/" + id + "/status.json"})
}

// CancelExport gives a job up.
func (c *Client) CancelExport(ctx context.Context, id string) (Export, error) {
	return c.export(ctx, request{operation: "cancel export", method: http.MethodPost, path: exportRoot + "/" + id + "/cancel.json"})
}

func (c *Client) export(ctx context.Context, r request) (Export, error) {
	var jobs []Export
	env, err := c.call(ctx, r, &jobs)
	if err != nil {
		return Export{}, err
	}
	if len(jobs) != 1 || jobs[0].ID == "" {
		return Export{}, &Error{Operation: r.operation, Kind: KindBadAnswer, Message: "the answer names no job", RequestID: env.RequestID}
	}
	return jobs[0], nil
}

// ExportFile opens a completed job's file from a byte on. The caller reads until
// the end and closes it. KindNotFound: the file is not there, not yet or no more;
// it was seen to be missing for some seconds after completion.
func (c *Client) ExportFile(ctx context.Context, id string, from int64) (io.ReadCloser, error) {
	var refused string
	for try := 0; ; try++ {
		tok, err := c.tokens.get(ctx, refused)
		if err != nil {
			return nil, err
		}
		body, err := c.openFile(ctx, id, from, tok)
		c.observe(ctx, "export file", err)
		if try == 0 && (IsCode(err, CodeTokenInvalid) || IsCode(err, CodeTokenExpired) || IsCode(err, CodeTokenEmpty)) {
			refused = tok.value
			continue
		}
		return body, err
	}
}

func (c *Client) openFile(ctx context.Context, id string, from int64, tok token) (io.ReadCloser, error) {
	const operation = "export file"
	req, err := http.NewRequestWithContext(context.WithValue(ctx, operationKey{}, operation), http.MethodGet, c.base+exportRoot+"/"+id+"/file.json", nil)
	if err != nil {
		return nil, fmt.Errorf("make the request of %s: %w", operation, err)
	}
	req.Header.Set("Authorization", "Bearer "+tok.value)
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept-Encoding", "identity") // ranges count the bytes of the file itself
	if from > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.transportError(ctx, operation, err)
	}
	body, err := checkFile(operation, resp, from)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return body, nil
}

// checkFile makes sure that the answer is the file from the byte asked for. A
// server that ignores the range sends all of it, of which the beginning is skipped.
func checkFile(operation string, resp *http.Response, from int64) (io.ReadCloser, error) {
	failed := func(kind Kind, message string, err error) error {
		return &Error{Operation: operation, Kind: kind, HTTPStatus: resp.StatusCode, Message: message, Err: err}
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, failed(KindNotFound, "the file is not there", nil)
	case strings.Contains(resp.Header.Get("Content-Type"), "json"):
		raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err == nil {
			_, err = open(operation, resp.StatusCode, raw, nil)
		}
		if err == nil {
			err = failed(KindBadAnswer, "the answer is JSON and not the file", nil)
		}
		return nil, err
	case resp.StatusCode == http.StatusPartialContent:
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(from, 10)+"-") {
			return nil, failed(KindBadAnswer, "the answer is another range than asked for", nil)
		}
		return resp.Body, nil
	case resp.StatusCode != http.StatusOK || strings.Contains(resp.Header.Get("Content-Type"), "html"):
		return nil, failed(KindBadAnswer, "the answer is not the file", nil)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, from); err != nil {
		return nil, failed(KindTransport, "the file broke off", err)
	}
	return resp.Body, nil
}
