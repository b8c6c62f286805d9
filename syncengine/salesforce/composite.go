package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Limits of a composite call, which counts as one (Salesforce REST: composite, limits).
const (
	MaxCompositeQueries = 5
	MaxCompositeParts   = 25
)

// part is one call inside of a composite one.
type part struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	ReferenceID string            `json:"referenceId"`
	Headers     map[string]string `json:"httpHeaders,omitempty"`
	Body        any               `json:"body,omitempty"`
}

type partAnswer struct {
	Body        json.RawMessage `json:"body"`
	Status      int             `json:"httpStatusCode"`
	ReferenceID string          `json:"referenceId"`
}

// CompositeQueries runs at most MaxCompositeQueries queries in one call, which
// counts as one, and returns all their rows in the queries' order. A query that
// fails has nil; its error is among those joined in the call's, beside the rows of
// the others.
func (c *Client) CompositeQueries(ctx context.Context, soql []string) ([][]Record, error) {
	r := request{operation: "composite queries", method: http.MethodPost, path: c.data("/composite"), reads: true}
	if len(soql) > MaxCompositeQueries {
		return nil, fmt.Errorf("salesforce %s: %d in one call, Salesforce takes %d", r.operation, len(soql), MaxCompositeQueries)
	}
	if len(soql) == 0 {
		return nil, nil
	}
	parts := make([]part, len(soql))
	for n, q := range soql {
		query := c.queryRequest("/query", q)
		parts[n] = part{Method: http.MethodGet, URL: query.path + "?" + encode(query.query), ReferenceID: reference(n)}
		if len(parts[n].URL) > MaxURI {
			return nil, fmt.Errorf("salesforce %s: query %d: %w", r.operation, n, ErrTooLong)
		}
	}
	a, answers, err := c.composite(ctx, r, parts)
	if err != nil {
		return nil, err
	}
	rows, errs := make([][]Record, len(soql)), make([]error, len(soql))
	for n, inner := range answers {
		rows[n], errs[n] = c.readOn(ctx, r, answer{status: inner.Status, header: a.header, heard: a.heard, raw: inner.Body})
	}
	return rows, errors.Join(errs...)
}

// Change is what is to become of one row.
type Change struct {
	ID     string
	Fields map[string]any // a value of nil clears its field; one that is absent stays
	// UnmodifiedSince keeps the row from being changed when somebody else changed it
	// later (Salesforce REST: conditional request headers). It has whole seconds: a
	// change in the very second is not noticed.
	UnmodifiedSince time.Time
}

// StatusModified is the HTTP status of a row that was not changed because somebody
// else had changed it (Salesforce REST: status codes, 412).
const StatusModified = http.StatusPreconditionFailed

// UpdateEach changes at most MaxCompositeParts rows of an object in one call, each on
// its own condition. It returns the error of each by position, an *Error or nil; its
// own error is that of the whole call. The client's WriteOptions go with each row: those
// of a composite call are not its parts' (Salesforce REST: composite, httpHeaders).
func (c *Client) UpdateEach(ctx context.Context, object string, changes []Change) ([]error, error) {
	r := request{operation: "update each", method: http.MethodPost, path: c.data("/composite")}
	if len(changes) > MaxCompositeParts {
		return nil, fmt.Errorf("salesforce %s: %d in one call, Salesforce takes %d", r.operation, len(changes), MaxCompositeParts)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	parts := make([]part, len(changes))
	for n, change := range changes {
		header := http.Header{}
		c.write.set(header)
		if !change.UnmodifiedSince.IsZero() {
			header.Set("If-Unmodified-Since", change.UnmodifiedSince.UTC().Format(http.TimeFormat))
		}
		parts[n] = part{Method: http.MethodPatch, URL: c.row(object, change.ID), ReferenceID: reference(n), Headers: map[string]string{}, Body: change.Fields}
		for name := range header {
			parts[n].Headers[name] = header.Get(name)
		}
	}
	a, answers, err := c.composite(ctx, r, parts)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(changes))
	for n, inner := range answers {
		errs[n] = decode(r, answer{status: inner.Status, header: a.header, heard: a.heard, raw: inner.Body}, nil)
	}
	return errs, nil
}

func reference(n int) string { return "q" + strconv.Itoa(n) }

// composite makes several calls as one, none of which keeps the others from being
// made, and returns their answers in their order.
func (c *Client) composite(ctx context.Context, r request, parts []part) (answer, []partAnswer, error) {
	r.body = map[string]any{"allOrNone": false, "compositeRequest": parts}
	var wire struct {
		Answers []partAnswer `json:"compositeResponse"`
	}
	a, err := c.call(ctx, r, &wire)
	if err != nil {
		return a, nil, err
	}
	answers, err := inOrder(r, a, wire.Answers, len(parts))
	return a, answers, err
}

// inOrder matches the parts' answers by reference: their order is not promised
// (Salesforce REST: composite, collateSubrequests).
func inOrder(r request, a answer, answers []partAnswer, want int) ([]partAnswer, error) {
	ordered := make([]partAnswer, want)
	for _, inner := range answers {
		for n := range ordered {
			if inner.ReferenceID == reference(n) {
				ordered[n] = inner
			}
		}
	}
	for n := range ordered {
		if ordered[n].ReferenceID == "" || len(answers) != want {
			return nil, r.bad(a.status, fmt.Errorf("the answer has not one part for each of %d calls", want))
		}
	}
	return ordered, nil
}

// readOn returns the rows of a query's first page and of those after it.
func (c *Client) readOn(ctx context.Context, r request, a answer) ([]Record, error) {
	var p pageJSON
	if err := decode(r, a, &p); err != nil {
		return nil, err
	}
	page, err := p.page(r, a)
	if err != nil {
		return nil, err
	}
	records := page.Records
	for page.Next != "" {
		if page, err = c.More(ctx, page.Next); err != nil {
			return nil, err
		}
		records = append(records, page.Records...)
	}
	return records, nil
}
