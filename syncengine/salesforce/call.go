package salesforce

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxBody is the most of an answer that is read into memory.
const maxBody = 64 << 20

// answer is what came back whole.
type answer struct {
	status int
	header http.Header
	raw    []byte
	asked  time.Time // the earliest that it can have been there when we asked; zero: unknown
	heard  time.Time // when it was here
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
	if !refreshable(err) {
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
	limited, cancel := withLimit(ctx, cmp.Or(r.limit, timeCall))
	defer cancel()
	limited, noteSent := withSent(limited, r.write())
	asked := c.clock.now()
	resp, err := c.send(limited, r, tok)
	if err != nil {
		return answer{}, noteSent(err)
	}
	defer resp.Body.Close()
	c.clock.hear(resp.Header)
	a = answer{status: resp.StatusCode, header: resp.Header, asked: asked, heard: c.clock.ours.Now()}
	if a.raw, err = c.readAll(limited, r.operation, resp); err != nil {
		return a, noteSent(err)
	}
	return a, noteSent(decode(r, a, result))
}

func (c *Client) readAll(ctx context.Context, operation string, resp *http.Response) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, brokeOff(ctx, operation, resp, c.clock.ours.Now(), err)
	}
	if len(raw) > maxBody {
		return nil, &Error{Operation: operation, Kind: KindBadAnswer, HTTPStatus: resp.StatusCode, Err: fmt.Errorf("the answer is longer than %d bytes", maxBody)}
	}
	return raw, nil
}

func brokeOff(ctx context.Context, operation string, resp *http.Response, now time.Time, err error) error {
	return &Error{Operation: operation, Kind: KindTransport, HTTPStatus: resp.StatusCode,
		RetryAfter: retryAfter(resp.Header, now), Err: fmt.Errorf("the answer broke off: %w", reason(ctx, err))}
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

// retryAfter reads the header, which Salesforce rarely sends: seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
