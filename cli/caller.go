package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// caller calls an API of JSON as other programs do: ours for the demo and the
// benchmark, and the sandboxes'. It is safe for concurrent use.
type caller struct {
	base   string // before each path
	token  string // empty: none is sent
	client *http.Client
}

// callTime is how long one call may take.
const callTime = 10 * time.Second

func newCaller(base, token string) *caller {
	return &caller{base: base, token: token, client: &http.Client{Timeout: callTime}}
}

// errGone says that what a call was about is not there.
var errGone = errors.New("it is not there")

// call sends body, nil for none, and reads the answer into result, nil for nowhere.
// Errors: errGone for HTTP 404.
func (c *caller) call(ctx context.Context, method, path string, body, result any) error {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write a request: %w", err)
		}
		sent = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, sent)
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("call %s %s: %w", method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return fmt.Errorf("call %s %s: %w", method, req.URL.Path, errGone)
	case resp.StatusCode >= 300:
		return fmt.Errorf("call %s %s: HTTP %d", method, req.URL.Path, resp.StatusCode)
	case result == nil:
		// The rest is read, so that the connection can be used again.
		_, err = io.Copy(io.Discard, resp.Body)
	default:
		err = json.NewDecoder(resp.Body).Decode(result)
	}
	if err != nil {
		return fmt.Errorf("read the answer of %s %s: %w", method, req.URL.Path, err)
	}
	return nil
}
