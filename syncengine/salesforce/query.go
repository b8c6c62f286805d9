package salesforce

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Page is one page of a query's result.
type Page struct {
	Records []Record
	Total   int       // of all pages; the answer of COUNT()
	Next    string    // where the next page is, for More; empty on the last
	At      time.Time // Salesforce's clock; zero where it did not tell
	Asked   time.Time // the earliest that it can have been there before it was read; zero: unknown
}

// pageJSON is a page as it arrives. Its last has no address of a next.
type pageJSON struct {
	Total   int      `json:"totalSize"`
	Done    *bool    `json:"done"`
	Next    string   `json:"nextRecordsUrl"`
	Records []Record `json:"records"`
}

// Query yields the rows of a query, page by page as they are asked for, without
// deleted and archived ones. It ends with the first error.
func (c *Client) Query(ctx context.Context, soql string) iter.Seq2[Record, error] {
	return c.rows(ctx, c.queryRequest("/query", soql))
}

// QueryAll is Query with deleted and archived rows.
func (c *Client) QueryAll(ctx context.Context, soql string) iter.Seq2[Record, error] {
	return c.rows(ctx, c.queryRequest("/queryAll", soql))
}

func (c *Client) queryRequest(resource, soql string) request {
	return request{operation: "query", path: c.data(resource), query: url.Values{"q": {soql}}}
}

func (c *Client) rows(ctx context.Context, r request) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		page, err := c.page(ctx, r)
		for {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, record := range page.Records {
				if !yield(record, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			page, err = c.More(ctx, page.Next)
		}
	}
}

// QueryOnce returns the first page of a query, and for COUNT() its Total.
func (c *Client) QueryOnce(ctx context.Context, soql string) (Page, error) {
	return c.page(ctx, c.queryRequest("/query", soql))
}

// QueryAllOnce is QueryOnce with deleted and archived rows.
func (c *Client) QueryAllOnce(ctx context.Context, soql string) (Page, error) {
	return c.page(ctx, c.queryRequest("/queryAll", soql))
}

// More returns the page at Page.Next. It is kept for two days, for the user who
// asked (Salesforce REST: query).
func (c *Client) More(ctx context.Context, next string) (Page, error) {
	return c.page(ctx, request{operation: "query more", path: next})
}

func (c *Client) page(ctx context.Context, r request) (Page, error) {
	var p pageJSON
	a, err := c.call(ctx, r, &p)
	if err != nil {
		return Page{}, err
	}
	return p.page(r, a)
}

var errNoPage = errors.New("the answer is not a page of a query's result")

// page checks that a page is whole. An address of a next page is a path of the same
// instance, so that the token goes nowhere else.
func (p pageJSON) page(r request, a answer) (Page, error) {
	if p.Done == nil || *p.Done != (p.Next == "") {
		return Page{}, r.bad(a.status, errNoPage)
	}
	page := Page{Records: p.Records, Total: p.Total, Asked: a.asked}
	if at, err := http.ParseTime(a.header.Get("Date")); err == nil {
		page.At = at
	}
	if p.Next == "" {
		return page, nil
	}
	at := strings.Index(p.Next, "/services/data/")
	if at < 0 || strings.ContainsAny(p.Next, "?#") {
		return Page{}, r.bad(a.status, errNoPage)
	}
	page.Next = p.Next[at:]
	return page, nil
}
