package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// MaxCollection is how many records one call writes (Salesforce REST: sObject
// Collections).
const MaxCollection = 200

// SaveResult is what became of one record.
type SaveResult struct {
	ID      string        `json:"id"`
	Success bool          `json:"success"`
	Errors  []CodeMessage `json:"errors"`
}

// FirstError is why a record was refused. One that is refused without a reason has
// UNKNOWN_EXCEPTION.
func (r SaveResult) FirstError() CodeMessage {
	if len(r.Errors) == 0 {
		return CodeMessage{Code: "UNKNOWN_EXCEPTION", Message: "Salesforce refused the record without saying why."}
	}
	return r.Errors[0]
}

// CreateMany creates at most MaxCollection records of an object in one call and
// returns what became of each, by position. One that is refused does not keep the
// others from being created.
func (c *Client) CreateMany(ctx context.Context, object string, records []map[string]any) ([]SaveResult, error) {
	return c.save(ctx, request{operation: "create many", method: http.MethodPost, path: c.data("/composite/sobjects")}, object, records)
}

// UpdateMany changes at most MaxCollection records, each with its "id", and returns
// what became of each, by position. A value of nil clears its field; a field that is
// absent stays.
func (c *Client) UpdateMany(ctx context.Context, object string, records []map[string]any) ([]SaveResult, error) {
	return c.save(ctx, request{operation: "update many", method: http.MethodPatch, path: c.data("/composite/sobjects")}, object, records)
}

// DeleteMany deletes at most MaxCollection records, of any objects, and returns what
// became of each, by position. One that was deleted before has ENTITY_IS_DELETED.
func (c *Client) DeleteMany(ctx context.Context, ids []string) ([]SaveResult, error) {
	query := url.Values{"ids": {strings.Join(ids, ",")}, "allOrNone": {"false"}}
	return c.results(ctx, request{operation: "delete many", method: http.MethodDelete, path: c.data("/composite/sobjects"), query: query}, len(ids))
}

// save sends records with the type that each must name.
func (c *Client) save(ctx context.Context, r request, object string, records []map[string]any) ([]SaveResult, error) {
	typed := make([]map[string]any, len(records))
	for n, record := range records {
		typed[n] = map[string]any{"attributes": map[string]string{"type": object}}
		for name, value := range record {
			if name == "Id" {
				name = "id"
			}
			typed[n][name] = value
		}
	}
	r.saves, r.body = true, map[string]any{"allOrNone": false, "records": typed}
	return c.results(ctx, r, len(records))
}

// results makes a call whose results are matched by position. A wrong number of
// them, or a success without an id, leaves open what was done.
func (c *Client) results(ctx context.Context, r request, want int) ([]SaveResult, error) {
	if want > MaxCollection {
		return nil, fmt.Errorf("salesforce %s: %d records in one call, Salesforce takes %d", r.operation, want, MaxCollection)
	}
	if want == 0 {
		return nil, nil
	}
	var results []SaveResult
	a, err := c.call(ctx, r, &results)
	if err != nil {
		return nil, err
	}
	if len(results) != want {
		return nil, r.bad(a.status, fmt.Errorf("the answer has %d results for %d records", len(results), want))
	}
	for _, result := range results {
		if result.Success && result.ID == "" {
			return nil, r.bad(a.status, errors.New("a result says success and has no id"))
		}
	}
	return results, nil
}
