package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// MaxCompositeQueries is how many queries go into one call (Salesforce REST:
// composite, limits).
const MaxCompositeQueries = 5

// part is one call inside of a composite one.
type part struct {
	Method      string `json:"method"`
	URL         string `json:"url"`
	ReferenceID string `json:"referenceId"`
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
		parts[n] = part{Method: http.MethodGet, URL: query.path + "?" + encode(query.query), ReferenceID: "q" + strconv.Itoa(n)}
		if len(parts[n].URL) > MaxURI {
			return nil, fmt.Errorf("salesforce %s: query %d: %w", r.operation, n, ErrTooLong)
		}
	}
	r.body = map[string]any{"allOrNone": false, "compositeRequest": parts}
	var wire struct {
		Answers []partAnswer `json:"compositeResponse"`
	}
	a, err := c.call(ctx, r, &wire)
	if err != nil {
		return nil, err
	}
	answers, err := inOrder(r, a, wire.Answers, len(soql))
	if err != nil {
		return nil, err
	}
	rows, errs := make([][]Record, len(soql)), make([]error, len(soql))
	for n, inner := range answers {
		rows[n], errs[n] = c.readOn(ctx, r, answer{status: inner.Status, header: a.header, raw: inner.Body})
	}
	return rows, errors.Join(errs...)
}

// inOrder matches the parts' answers by reference: their order is not promised
// (Salesforce REST: composite, collateSubrequests).
func inOrder(r request, a answer, answers []partAnswer, want int) ([]partAnswer, error) {
	ordered := make([]partAnswer, want)
	for _, inner := range answers {
		for n := range ordered {
			if inner.ReferenceID == "q"+strconv.Itoa(n) {
				ordered[n] = inner
			}
		}
	}
	for n := range ordered {
		if ordered[n].ReferenceID == "" || len(answers) != want {
			return nil, r.bad(a.status, fmt.Errorf("the answer has not one part for each of %d queries", want))
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
