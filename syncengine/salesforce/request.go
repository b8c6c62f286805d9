package salesforce

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// MaxURI is how many bytes an address may have, and an address with the headers
	// (Salesforce REST: status codes, 414 and 431).
	MaxURI = 16_384
	// ownHeaders is room for those that net/http and a transport add.
	ownHeaders = 512
)

// request is one call.
type request struct {
	operation string
	method    string // default GET
	path      string // from the instance's root: c.data("/limits")
	query     url.Values
	header    map[string]string
	body      any           // JSON
	limit     time.Duration // default timeCall
	saves     bool          // writes records: takes the client's WriteOptions
	reads     bool          // changes nothing in spite of its method
}

// write says whether the call is to change something.
func (r request) write() bool { return r.method != "" && r.method != http.MethodGet && !r.reads }

func (c *Client) build(ctx context.Context, r request, tok Token) (*http.Request, error) {
	method, address := r.method, strings.TrimRight(tok.Instance, "/")+r.path
	if method == "" {
		method = http.MethodGet
	}
	if len(r.query) > 0 {
		address += "?" + encode(r.query)
	}
	body, err := r.payload()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(context.WithValue(ctx, operationKey{}, r.operation), method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make the request of salesforce %s: %w", r.operation, reason(ctx, err))
	}
	req.Header.Set("Authorization", "Bearer "+tok.Access)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Sforce-Call-Options", c.options)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.saves {
		c.write.set(req.Header)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	if size := len(address) + headerSize(req.Header); size > MaxURI {
		return nil, fmt.Errorf("salesforce %s: %w: %d bytes with the headers, it takes %d", r.operation, ErrTooLong, size, MaxURI)
	}
	return req, nil
}

func headerSize(header http.Header) int {
	size := ownHeaders
	for name, values := range header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size
}

func (r request) payload() (io.Reader, error) {
	if r.body == nil {
		return nil, nil
	}
	raw, err := json.Marshal(r.body)
	if err != nil {
		return nil, fmt.Errorf("write the request of salesforce %s: %w", r.operation, err)
	}
	return bytes.NewReader(raw), nil
}

func (o WriteOptions) set(header http.Header) {
	if o.KeepOwner {
		header.Set("Sforce-Auto-Assign", "FALSE")
	}
	if o.AllowDuplicates {
		header.Set("Sforce-Duplicate-Rule-Header", "allowSave=true")
	}
}

// encode writes a query with %20 for spaces, which is good in an address and in an
// address inside of a body.
func encode(query url.Values) string { return strings.ReplaceAll(query.Encode(), "+", "%20") }

// unrepeatable keeps net/http from sending a GET again by itself when a kept
// connection breaks: Salesforce would see a call that no budget counted. It does so
// only where it can have the body again, so an empty one that it cannot is given.
func unrepeatable(req *http.Request) *http.Request {
	if req.Method == http.MethodGet {
		req.Body, req.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	return req
}
