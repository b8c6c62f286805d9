package marketo

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
)

// Lead is a person of Marketo: values by field name, as text. A field without a
// value is absent, whether Marketo left it out or said null.
type Lead map[string]string

// ID returns the Marketo id, 0 if the answer had none.
func (l Lead) ID() int64 {
	id, err := strconv.ParseInt(l["id"], 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *Lead) UnmarshalJSON(raw []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	*l = make(Lead, len(fields))
	for name, value := range fields {
		text, present, err := scalar(value)
		if err != nil {
			return err
		}
		if present {
			(*l)[name] = text
		}
	}
	return nil
}

// LeadsByID reads at most MaxBatch people; ids that nobody has are missing from
// the answer, which has no order (Marketo REST: leads by filter).
func (c *Client) LeadsByID(ctx context.Context, ids []int64, fields []string) ([]Lead, error) {
	if len(ids) > MaxBatch {
		return nil, fmt.Errorf("read leads: %d ids in one call, Marketo takes %d", len(ids), MaxBatch)
	}
	if len(ids) == 0 {
		return nil, nil // Marketo refuses an empty list
	}
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = strconv.FormatInt(id, 10)
	}
	leads := make([]Lead, 0, len(ids))
	for lead, err := range c.Leads(ctx, "id", values, fields) {
		if err != nil {
			return nil, err
		}
		leads = append(leads, lead)
	}
	return leads, nil
}

// Leads yields the people whose field filterType has one of the values, page by
// page. At most MaxBatch values, and at most 1,000 people may match. Values must
// not hold a comma, which cannot be escaped. The sequence ends with the first error.
func (c *Client) Leads(ctx context.Context, filterType string, values, fields []string) iter.Seq2[Lead, error] {
	query := url.Values{
		"filterType":   {filterType},
		"filterValues": {strings.Join(values, ",")},
		"fields":       {strings.Join(fields, ",")},
		"batchSize":    {strconv.Itoa(MaxBatch)},
	}
	return c.leadPages(ctx, request{operation: "leads by filter", path: "/rest/v1/leads.json", query: query, limit: timeLeads})
}

// leadPages follows position tokens: the end is a page without one, or one that
// says that there is no more (Marketo REST: paging tokens).
func (c *Client) leadPages(ctx context.Context, r request) iter.Seq2[Lead, error] {
	return func(yield func(Lead, error) bool) {
		for {
			var page []Lead
			env, err := c.call(ctx, r, &page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, lead := range page {
				if lead.ID() == 0 {
					yield(nil, &Error{Operation: r.operation, Kind: KindBadAnswer, Message: "a person has no id", RequestID: env.RequestID})
					return
				}
				if !yield(lead, nil) {
					return
				}
			}
			more := env.MoreResult == nil && len(page) > 0 || env.MoreResult != nil && *env.MoreResult
			if env.NextPageToken == "" || !more {
				return
			}
			if env.NextPageToken == r.query.Get("nextPageToken") {
				yield(nil, notMoving(r, env))
				return
			}
			r.query.Set("nextPageToken", env.NextPageToken)
		}
	}
}

// notMoving says that a page leads to itself: following it would use up the day.
func notMoving(r request, env envelope) error {
	return &Error{Operation: r.operation, Kind: KindBadAnswer, Message: "the next page is the same page", RequestID: env.RequestID}
}
