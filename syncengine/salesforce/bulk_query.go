package salesforce

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
)

// BulkQuery starts a job that reads the rows of a query, without deleted and archived
// ones. Ask QueryJob for its state.
func (c *Client) BulkQuery(ctx context.Context, soql string) (BulkJob, error) {
	return c.bulkQuery(ctx, "query", soql)
}

// BulkQueryAll is BulkQuery with deleted and archived rows.
func (c *Client) BulkQueryAll(ctx context.Context, soql string) (BulkJob, error) {
	return c.bulkQuery(ctx, "queryAll", soql)
}

func (c *Client) bulkQuery(ctx context.Context, operation, soql string) (BulkJob, error) {
	return c.bulkJob(ctx, request{operation: "bulk query", method: http.MethodPost, path: c.data("/jobs/query"), reads: true,
		body: map[string]string{"operation": operation, "query": soql}})
}

// QueryJob returns where a query's job stands.
func (c *Client) QueryJob(ctx context.Context, id string) (BulkJob, error) {
	return c.bulkJob(ctx, request{operation: "bulk query status", path: c.job("query", id)})
}

// QueryJobResults yields the rows of a query's job that is complete, for seven days
// and with the version that it was started with. It ends with the first error.
func (c *Client) QueryJobResults(ctx context.Context, id string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for locator, more := "", true; more; {
			r := request{operation: "bulk query results", path: c.job("query", id, "results")}
			if locator != "" {
				r.query = url.Values{"locator": {locator}}
			}
			f, err := c.open(ctx, r)
			if err != nil {
				yield(nil, err)
				return
			}
			if !f.whole(r, yield) {
				return
			}
			locator = f.header.Get("Sforce-Locator")
			more = locator != "" && locator != "null" // the word stands for the end
		}
	}
}

// whole yields a file's lines and counts them, for a file that ends too early between
// two lines looks whole. It says whether to go on.
func (f *file) whole(r request, yield func(Row, error) bool) bool {
	rows, want := 0, count(f.header, "Sforce-NumberOfRecords")
	for row, err := range f.lines(r) {
		if !yield(row, err) || err != nil {
			return false
		}
		rows++
	}
	if want >= 0 && rows != want {
		yield(nil, r.bad(http.StatusOK, fmt.Errorf("the file has %d rows instead of %d", rows, want)))
		return false
	}
	return true
}
