package marketo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"salesactions/clock"
)

const (
	identityTimeout = 30 * time.Second
	// earlyRefresh is how long before a token's end another is asked for, and
	// askAgain how often while there is none yet.
	earlyRefresh = time.Minute
	askAgain     = 10 * time.Second
	// lastMoment is a remainder that is waited out: only after a token's death is
	// there a new one (Marketo REST: authentication).
	lastMoment = 2 * time.Second
)

// Identity is whose calls ours are.
type Identity struct {
	Scope     string        // the API user, like an e-mail address
	ExpiresIn time.Duration // of the token; another is given only when it has died
}

// token is an access token and when it dies.
type token struct {
	value string
	scope string
	dies  time.Time
	stale time.Time // from then on another is asked for
}

// tokens gives the token of a custom service: one for all callers, asked for once
// however many wait. Marketo gives everybody the same token until it dies.
type tokens struct {
	client     *Client
	id, secret string
	clock      clockwork.Clock

	turn    chan struct{} // holds one; whoever put it in may touch current
	current token
}

// take waits for the turn, which whoever has it may keep for as long as the identity
// service takes.
func (t *tokens) take(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &Error{Operation: "identity", Kind: KindTransport, Err: context.Cause(ctx)}
	}
}

func (t *tokens) give() { <-t.turn }

// get returns a token that lives, and is not the refused one.
func (t *tokens) get(ctx context.Context, refused string) (token, error) {
	if err := t.take(ctx); err != nil {
		return token{}, err
	}
	defer t.give()
	if t.current.value != "" && t.current.value != refused && t.clock.Now().Before(t.current.stale) {
		return t.current, nil
	}
	fresh, err := t.fetch(ctx)
	if err != nil {
		return token{}, err
	}
	if left := fresh.dies.Sub(t.clock.Now()); left <= lastMoment {
		if err := clock.Sleep(ctx, t.clock, left+100*time.Millisecond); err != nil {
			return token{}, &Error{Operation: "identity", Kind: KindTransport, Err: err}
		}
		if fresh, err = t.fetch(ctx); err != nil {
			return token{}, err
		}
	}
	t.keep(fresh)
	return t.current, nil
}

// keep notes when to ask for another: a minute before the end, and then now and
// again, because until the end Marketo answers with the same one.
func (t *tokens) keep(fresh token) {
	fresh.stale = fresh.dies.Add(-earlyRefresh)
	if soonest := t.clock.Now().Add(askAgain); fresh.stale.Before(soonest) {
		fresh.stale = soonest
		if fresh.dies.Before(soonest) {
			fresh.stale = fresh.dies
		}
	}
	t.current = fresh
}

// fetch asks the identity service with a form, so that no secret stands in an
// address; a server that takes only the documented query gets that.
func (t *tokens) fetch(ctx context.Context) (token, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret}}
	fetched, err := t.ask(ctx, http.MethodPost, form)
	var call *Error
	if errors.As(err, &call) && (call.HTTPStatus == http.StatusMethodNotAllowed || call.HTTPStatus == http.StatusNotFound ||
		call.HTTPStatus == http.StatusBadRequest || call.HTTPStatus == http.StatusUnsupportedMediaType) {
		fetched, err = t.ask(ctx, http.MethodGet, form)
	}
	t.client.observe(ctx, "identity", err)
	return fetched, err
}

func (t *tokens) ask(ctx context.Context, method string, form url.Values) (token, error) {
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	address, body := t.client.base+identityPath, io.Reader(strings.NewReader(form.Encode()))
	if method == http.MethodGet {
		address, body = address+"?"+form.Encode(), nil
	}
	req, err := http.NewRequestWithContext(context.WithValue(ctx, operationKey{}, "identity"), method, address, body)
	if err != nil {
		return token{}, &Error{Operation: "identity", Kind: KindTransport, Message: "the address is not valid"}
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", t.client.userAgent)
	asked := t.clock.Now()
	resp, err := t.client.http.Do(req)
	if err != nil {
		return token{}, &Error{Operation: "identity", Kind: KindTransport, Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	return readToken(resp, asked)
}

func readToken(resp *http.Response, asked time.Time) (token, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return token{}, &Error{Operation: "identity", Kind: KindTransport, HTTPStatus: resp.StatusCode, Err: err}
	}
	var answer struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
		Scope       string  `json:"scope"`
		Error       string  `json:"error"`
		Description string  `json:"error_description"`
	}
	decodeErr := json.Unmarshal(raw, &answer)
	switch {
	case resp.StatusCode == http.StatusUnauthorized, decodeErr == nil && (answer.Error == "invalid_client" || answer.Error == "unauthorized"):
		return token{}, &Error{Operation: "identity", Kind: KindAuth, HTTPStatus: resp.StatusCode,
			Message: cut(strings.TrimSpace(answer.Error + " " + answer.Description))}
	case resp.StatusCode != http.StatusOK || decodeErr != nil || answer.AccessToken == "":
		return token{}, &Error{Operation: "identity", Kind: KindBadAnswer, HTTPStatus: resp.StatusCode, Message: "the answer holds no token", Err: decodeErr}
	}
	return token{value: answer.AccessToken, scope: answer.Scope, dies: asked.Add(time.Duration(answer.ExpiresIn * float64(time.Second)))}, nil
}

// Identity signs in anew and tells whose calls ours are. Errors: KindAuth for bad
// credentials.
func (c *Client) Identity(ctx context.Context) (Identity, error) {
	if err := c.tokens.take(ctx); err != nil {
		return Identity{}, err
	}
	defer c.tokens.give()
	fresh, err := c.tokens.fetch(ctx)
	if err != nil {
		return Identity{}, err
	}
	c.tokens.keep(fresh)
	return Identity{Scope: fresh.scope, ExpiresIn: fresh.dies.Sub(c.tokens.clock.Now())}, nil
}

// withoutURL drops the address from an error of net/http: it may hold the secret.
func withoutURL(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	return err
}
