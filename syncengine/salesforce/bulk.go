package salesforce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

const (
	// MaxUpload is how many bytes of rows one job takes (Salesforce Bulk API 2.0:
	// limits, 150 MB once encoded).
	MaxUpload = 100_000_000
	// BulkNull clears a field; an empty value leaves it (Salesforce Bulk API 2.0: CSV).
	BulkNull = "#N/A"
)

// BulkState is where a bulk job stands.
type BulkState string

// The states (Salesforce Bulk API 2.0: job states). A complete job may hold failed rows.
const (
	BulkOpen       BulkState = "Open"
	BulkUploaded   BulkState = "UploadComplete"
	BulkInProgress BulkState = "InProgress"
	BulkComplete   BulkState = "JobComplete"
	BulkFailed     BulkState = "Failed" // what succeeded before stays
	BulkAborted    BulkState = "Aborted"
)

// Ended says that a job changes no more.
func (s BulkState) Ended() bool { return s == BulkComplete || s == BulkFailed || s == BulkAborted }

// BulkJob is a bulk job.
type BulkJob struct {
	ID        string    `json:"id"`
	State     BulkState `json:"state"`
	Object    string    `json:"object"`
	Processed int64     `json:"numberRecordsProcessed"` // with those that failed
	Failed    int64     `json:"numberRecordsFailed"`
	Message   string    `json:"errorMessage"` // why the job failed as a whole
}

// BulkInsert makes a job that inserts rows of an object, with a value for each of
// columns, and sends them; they are inserted in any order. On an error the job, if it
// has an id, holds nothing that was carried out until it is closed; abort it.
func (c *Client) BulkInsert(ctx context.Context, object string, columns []string, rows iter.Seq[[]string]) (BulkJob, error) {
	job, err := c.bulkJob(ctx, request{operation: "bulk create", method: http.MethodPost, path: c.data("/jobs/ingest"),
		body: map[string]string{"object": object, "operation": "insert", "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}})
	if err != nil {
		return BulkJob{}, err
	}
	if err := c.upload(ctx, job.ID, columns, rows); err != nil {
		return job, err
	}
	closed, err := c.bulkJob(ctx, request{operation: "bulk close", method: http.MethodPatch, path: c.job("ingest", job.ID),
		body: map[string]string{"state": string(BulkUploaded)}})
	if err != nil {
		return job, err
	}
	return closed, nil
}

// upload streams the rows: memory does not grow with them.
func (c *Client) upload(ctx context.Context, id string, columns []string, rows iter.Seq[[]string]) error {
	read, write := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := writeCSV(write, columns, rows)
		write.CloseWithError(err)
		written <- err
	}()
	_, err := c.call(ctx, request{operation: "bulk upload", method: http.MethodPut, path: c.job("ingest", id, "batches"),
		stream: read, contentType: "text/csv", limit: timeUpload}, nil)
	read.CloseWithError(io.ErrClosedPipe) // ends a writer whose reader gave up
	writeErr := <-written
	switch {
	case writeErr == nil || err != nil && errors.Is(writeErr, io.ErrClosedPipe):
		return err
	case err == nil: // an answer before the last row
		return fmt.Errorf("salesforce bulk upload: write the rows: %w", writeErr)
	}
	return fmt.Errorf("%w (the rows: %w)", err, writeErr)
}

// IngestJob returns where a job that changes records stands.
func (c *Client) IngestJob(ctx context.Context, id string) (BulkJob, error) {
	return c.bulkJob(ctx, request{operation: "bulk status", path: c.job("ingest", id)})
}

// AbortIngest ends a job; what it did stays.
func (c *Client) AbortIngest(ctx context.Context, id string) (BulkJob, error) {
	return c.bulkJob(ctx, request{operation: "bulk abort", method: http.MethodPatch, path: c.job("ingest", id), body: map[string]string{"state": string(BulkAborted)}})
}

// DeleteIngest deletes a job that has ended, with its results.
func (c *Client) DeleteIngest(ctx context.Context, id string) error {
	_, err := c.call(ctx, request{operation: "bulk delete", method: http.MethodDelete, path: c.job("ingest", id)}, nil)
	return err
}

// BulkResult is which rows of a job are asked for.
type BulkResult string

// The results (Salesforce Bulk API 2.0: get results).
const (
	BulkSuccessful  BulkResult = "successfulResults"  // with sf__Id and sf__Created
	BulkRefused     BulkResult = "failedResults"      // with sf__Id and sf__Error
	BulkUnprocessed BulkResult = "unprocessedrecords" // as they were sent
)

// IngestResults yields rows of a job that has ended, in any order: find them by a key
// of your own among the columns. It ends with the first error.
func (c *Client) IngestResults(ctx context.Context, id string, which BulkResult) iter.Seq2[Row, error] {
	r := request{operation: "bulk results", path: c.job("ingest", id, string(which))}
	return func(yield func(Row, error) bool) {
		f, err := c.open(ctx, r)
		if err != nil {
			yield(nil, err)
			return
		}
		f.lines(r)(yield)
	}
}

var errNoJob = errors.New("the answer is not a bulk job")

func (c *Client) bulkJob(ctx context.Context, r request) (BulkJob, error) {
	var job BulkJob
	a, err := c.call(ctx, r, &job)
	if err != nil {
		return BulkJob{}, err
	}
	if job.ID == "" || job.State == "" {
		return BulkJob{}, r.bad(a.status, errNoJob)
	}
	job.Message = cut(job.Message)
	return job, nil
}

func (c *Client) job(kind string, segments ...string) string {
	path := c.data("/jobs/" + kind)
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}

// count reads a header that is a number, or -1.
func count(header http.Header, name string) int {
	n, err := strconv.Atoi(header.Get(name))
	if err != nil {
		return -1
	}
	return n
}
