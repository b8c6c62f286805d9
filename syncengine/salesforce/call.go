package salesforce

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxBody is the most of an answer that is read into memory.
	maxBody = 64 << 20
	// MaxURI is how long an address may be (Salesforce REST: status codes, 414).
	MaxURI = 16_384
)

// request is one call.
type request struct {
	operation   string
	method      string // default GET
	path        string // from the instance's root: c.data("/limits")
	query       url.Values
	header      map[string]string
	body        any           // JSON
	stream      io.Reader     // instead of body; such a call is never made twice
	contentType string        // of stream
	limit       time.Duration // default timeCall
	saves       bool          // writes records: takes the client's WriteOptions
	reads       bool          // changes nothing in spite of its method
}

// write says whether the call is to change something.
func (r request) write() bool { return r.method != "" && r.method != http.MethodGet && !r.reads }

// answer is what came back whole.
type answer struct {
	status int
	header http.Header
	raw    []byte
}

// data returns the path of a resource of the client's version.
func (c *Client) data(resource string) string { return "/services/data/" + c.version + resource }

// call makes a call and decodes its answer into result, a pointer, or nil.
func (c *Client) call(ctx context.Context, r request, result any) (answer, error) {
	var a answer
	err := c.withToken(ctx, r, func(tok Token) (err error) {
		a, err = c.once(ctx, r, tok, result)
		return err
	})
	return a, err
}

// withToken makes a call, and makes it once more when the token has expired: a
// request with an expired token was not executed (Salesforce REST:
// INVALID_SESSION_ID).
func (c *Client) withToken(ctx context.Context, r request, once func(Token) error) error {
	tok, err := c.tokens.Token(ctx)
	if err != nil {
		return fmt.Errorf("salesforce %s: get a token: %w", r.operation, err)
	}
	err = once(tok)
	if !refreshable(err) || r.stream != nil {
		return err
	}
	fresh, refreshErr := c.tokens.Refresh(ctx, tok)
	if refreshErr != nil {
		return fmt.Errorf("salesforce %s: refresh the token: %w", r.operation, refreshErr)
	}
	return once(fresh)
}

func (c *Client) once(ctx context.Context, r request, tok Token, result any) (a answer, err error) {
	defer func() { c.observe(ctx, r.operation, usageOf(a.header), err) }()
	limited, _, cancel := withLimit(ctx, cmp.Or(r.limit, timeCall))
	defer cancel()
	limited, noteSent := withSent(limited, r.write())
	resp, err := c.send(limited, r, tok)
	if err != nil {
		return answer{}, noteSent(err)
	}
	defer resp.Body.Close()
	a = answer{status: resp.StatusCode, header: resp.Header}
	if a.raw, err = readAll(limited, r.operation, resp); err != nil {
		return a, noteSent(err)
	}
	return a, noteSent(decode(r, a, result))
}

func readAll(ctx context.Context, operation string, resp *http.Response) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, brokeOff(ctx, operation, resp, err)
	}
	if len(raw) > maxBody {
		return nil, &Error{Operation: operation, Kind: KindBadAnswer, HTTPStatus: resp.StatusCode, Err: fmt.Errorf("the answer is longer than %d bytes", maxBody)}
	}
	return raw, nil
}

func brokeOff(ctx context.Context, operation string, resp *http.Response, err error) error {
	return &Error{Operation: operation, Kind: KindTransport, HTTPStatus: resp.StatusCode,
		RetryAfter: retryAfter(resp.Header), Err: fmt.Errorf("the answer broke off: %w", reason(ctx, err))}
}

// send makes the request and waits for the head of its answer.
func (c *Client) send(ctx context.Context, r request, tok Token) (*http.Response, error) {
	req, err := c.build(ctx, r, tok)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(unrepeatable(req))
	if err != nil {
		return nil, &Error{Operation: r.operation, Kind: KindTransport, Err: reason(ctx, err)}
	}
	return resp, nil
}

func (c *Client) build(ctx context.Context, r request, tok Token) (*http.Request, error) {
	method, address := r.method, strings.TrimRight(tok.Instance, "/")+r.path
	if method == "" {
		method = http.MethodGet
	}
	if len(r.query) > 0 {
		address += "?" + encode(r.query)
	}
	if len(address) > MaxURI {
		return nil, fmt.Errorf("salesforce %s: %w: %d bytes, it takes %d", r.operation, ErrTooLong, len(address), MaxURI)
	}
	body, contentType, err := r.payload()
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
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if r.saves {
		c.write.set(req.Header)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	return req, nil
}

func (r request) payload() (io.Reader, string, error) {
	switch {
	case r.stream != nil:
		return r.stream, r.contentType, nil
	case r.body == nil:
		return nil, "", nil
	}
	raw, err := json.Marshal(r.body)
	if err != nil {
		return nil, "", fmt.Errorf("write the request of salesforce %s: %w", r.operation, err)
	}
	return bytes.NewReader(raw), "application/json", nil
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

// retryAfter reads the header, which Salesforce rarely sends: seconds or a date.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, time.Until(at))
}
