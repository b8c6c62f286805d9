package marketo

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
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
	ID         string
	Status     ExportStatus
	CreatedAt  time.Time
	QueuedAt   time.Time // the zero time until then, as are the next two
	StartedAt  time.Time
	FinishedAt time.Time
	Records    int64  // when completed
	Bytes      int64  // when completed
	Checksum   string // "sha256:" and hex digits, when completed
	Error      string // when failed
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Export) UnmarshalJSON(raw []byte) error {
	var answer struct {
		ExportID   string      `json:"exportId"`
		Status     string      `json:"status"`
		CreatedAt  looseTime   `json:"createdAt"`
		QueuedAt   looseTime   `json:"queuedAt"`
		StartedAt  looseTime   `json:"startedAt"`
		FinishedAt looseTime   `json:"finishedAt"`
		Records    json.Number `json:"numberOfRecords"`
		Bytes      json.Number `json:"fileSize"`
		Checksum   string      `json:"fileChecksum"`
		Error      string      `json:"errorMsg"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	*e = Export{
		ID: answer.ExportID, Status: ExportStatus(answer.Status), Checksum: answer.Checksum, Error: cut(answer.Error),
		CreatedAt: answer.CreatedAt.Time, QueuedAt: answer.QueuedAt.Time, StartedAt: answer.StartedAt.Time, FinishedAt: answer.FinishedAt.Time,
	}
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

// Exports yields the API user's jobs of the last 7 days; those of other users are
// not to be seen (Marketo REST: bulk lead extract).
func (c *Client) Exports(ctx context.Context) iter.Seq2[Export, error] {
	return func(yield func(Export, error) bool) {
		r := request{operation: "exports", path: exportRoot + ".json", query: url.Values{"batchSize": {strconv.Itoa(MaxBatch)}}}
		for {
			var jobs []Export
			env, err := c.call(ctx, r, &jobs)
			if err != nil {
				yield(Export{}, err)
				return
			}
			for _, job := range jobs {
				if !yield(job, nil) {
					return
				}
			}
			if env.NextPageToken == "" || len(jobs) == 0 {
				return
			}
			if env.NextPageToken == r.query.Get("nextPageToken") {
				yield(Export{}, notMoving(r, env))
				return
			}
			r.query.Set("nextPageToken", env.NextPageToken)
		}
	}
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
