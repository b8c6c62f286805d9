package marketo

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

// maxBody is the most of an answer that is read into memory: 300 people with
// every field at its longest are far below it.
const maxBody = 64 << 20

// maxQuery is the length of an address from which a list is sent as a form
// instead; the server refuses more than 8 KB (Marketo REST: 414).
const maxQuery = 6 << 10

// Time limits, a little above the server's own (Marketo REST: endpoint pages).
const (
	timeLeads    = 65 * time.Second
	timeDefault  = 35 * time.Second
	timeToken    = 305 * time.Second
	timeActivity = 35 * time.Second
	timeFile     = 2 * time.Minute // until a bulk file starts, and between its parts; no limit is documented
)

// request is one call.
type request struct {
	operation string
	method    string // default GET
	path      string // from the root: "/rest/v1/leads.json"
	query     url.Values
	body      any // JSON
	limit     time.Duration
}

// envelope is what every JSON answer is wrapped in.
type envelope struct {
	RequestID     string          `json:"requestId"`
	Success       *bool           `json:"success"`
	Result        json.RawMessage `json:"result"`
	Errors        []apiError      `json:"errors"`
	NextPageToken string          `json:"nextPageToken"`
	MoreResult    *bool           `json:"moreResult"` // absent on some pages
}

type apiError struct {
	Code    looseText `json:"code"`
	Message string    `json:"message"`
}

// looseText takes a JSON string, number or boolean.
type looseText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *looseText) UnmarshalJSON(raw []byte) error {
	text, _, err := scalar(raw)
	*t = looseText(text)
	return err
}

// call makes a call and decodes its result into result, a pointer. A token that is
// refused is replaced once.
func (c *Client) call(ctx context.Context, r request, result any) (envelope, error) {
	var refused string
	for try := 0; ; try++ {
		tok, err := c.tokens.get(ctx, refused)
		if err != nil {
			return envelope{}, err
		}
		env, err := c.once(ctx, r, tok, result)
		c.observe(ctx, r.operation, err)
		if !isTokenRefused(err) || try > 0 {
			return env, err
		}
		refused = tok.value
	}
}

func (c *Client) once(ctx context.Context, r request, tok token, result any) (envelope, error) {
	limit := r.limit
	if limit == 0 {
		limit = timeDefault
	}
	ctx, _, cancel := withLimit(ctx, limit)
	defer cancel()
	ctx, noteSent := withSent(ctx)
	resp, err := c.send(ctx, r, tok)
	if err != nil {
		return envelope{}, noteSent(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return envelope{}, noteSent(brokeOff(ctx, r.operation, resp.StatusCode, err))
	}
	env, err := open(r.operation, resp.StatusCode, raw, result)
	return env, noteSent(err)
}

// send builds the request; a long list of parameters goes as a form.
func (c *Client) send(ctx context.Context, r request, tok token) (*http.Response, error) {
	method, address, contentType, body := r.method, c.base+r.path, "", []byte(nil)
	if method == "" {
		method = http.MethodGet
	}
	query := r.query.Encode()
	switch {
	case r.body != nil:
		raw, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("write the request of %s: %w", r.operation, err)
		}
		body, contentType = raw, "application/json"
	case method == http.MethodGet && len(address)+len(query) > maxQuery:
		method, body, contentType = http.MethodPost, []byte(query), "application/x-www-form-urlencoded"
		query = "_method=GET"
	}
	if query != "" {
		address += "?" + query
	}
	req, err := http.NewRequestWithContext(context.WithValue(ctx, operationKey{}, r.operation), method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request of %s: %w", r.operation, err)
	}
	req.Header.Set("Authorization", "Bearer "+tok.value)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(unrepeatable(req))
	if err != nil {
		return nil, &Error{Operation: r.operation, Kind: KindTransport, Err: reason(ctx, err)}
	}
	return resp, nil
}

// unrepeatable keeps net/http from sending a GET again by itself when a kept
// connection breaks: Marketo would see a call that no budget counted. It does so
// only where it can have the body again, so an empty one that it cannot is given.
func unrepeatable(req *http.Request) *http.Request {
	if req.Method == http.MethodGet {
		req.Body, req.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	return req
}

// open takes an envelope apart. Marketo decides success by it and not by the HTTP
// status (Marketo REST: error codes).
func open(operation string, status int, raw []byte, result any) (envelope, error) {
	failed := func(kind Kind, message string, err error) error {
		return &Error{Operation: operation, Kind: kind, HTTPStatus: status, Message: message, Err: err}
	}
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong:
		return envelope{}, failed(KindTooLarge, "the request is too large", nil)
	}
	var env envelope
	if err := json.Unmarshal(raw, &env); err != nil {
		return envelope{}, failed(KindBadAnswer, "the answer is not the JSON that Marketo documents", err)
	}
	if len(env.Errors) > 0 {
		first := env.Errors[0]
		return env, &Error{Operation: operation, Kind: KindAPI, Code: strings.TrimSpace(string(first.Code)),
			Message: cut(first.Message), HTTPStatus: status, RequestID: env.RequestID}
	}
	if status >= 400 || env.Success == nil || !*env.Success {
		return env, failed(KindBadAnswer, "the answer says neither success nor what went wrong", nil)
	}
	if result == nil || len(env.Result) == 0 || string(env.Result) == "null" {
		return env, nil
	}
	if err := json.Unmarshal(env.Result, result); err != nil {
		return env, failed(KindBadAnswer, "the answer's result has another shape than Marketo documents", err)
	}
	return env, nil
}

// scalar returns a JSON value as text; null is absent. Objects and arrays keep
// their JSON.
func scalar(raw []byte) (text string, present bool, err error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", false, nil
	case raw[0] == '"':
		err = json.Unmarshal(raw, &text)
		return text, true, err
	default:
		return string(raw), true, nil
	}
}
