package marketo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/jonboulle/clockwork"
)

// MaxBatch is how many people one call reads or names (Marketo REST: leads, 300).
const MaxBatch = 300

// Config says which instance, and as whom.
type Config struct {
	// Endpoint is the instance's address: a bare host, or what Marketo's Admin →
	// Web Services shows, with /rest or /identity. A path before those is kept.
	Endpoint     string
	ClientID     string
	ClientSecret string
	UserAgent    string          // default "salesactions"
	Clock        clockwork.Clock // for the end of tokens; required
	// Observe, if set, is told of the end of every call, with its error or nil.
	Observe func(ctx context.Context, operation string, err error)
}

// Client calls one instance. It is safe for concurrent use.
type Client struct {
	base      string // without a slash at the end
	http      *http.Client
	userAgent string
	observe   func(ctx context.Context, operation string, err error)
	tokens    *tokens
}

// New returns a client whose calls go through hc. hc must not have a Timeout: each
// operation has its own, a little above the server's.
func New(cfg Config, hc *http.Client) (*Client, error) {
	base, err := normalise(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		return nil, errors.New("the client of marketo has no clock: Config.Clock is missing")
	}
	if cfg.ClientID == "" || cfg.ClientSecret == "" {
		return nil, errors.New("marketo needs a client id and a client secret")
	}
	caller := *hc
	caller.CheckRedirect = neverFollow
	c := &Client{base: base, http: &caller, userAgent: cmp.Or(cfg.UserAgent, "salesactions"), observe: cfg.Observe}
	if c.observe == nil {
		c.observe = func(context.Context, string, error) {}
	}
	c.tokens = &tokens{client: c, id: cfg.ClientID, secret: cfg.ClientSecret, clock: cfg.Clock, turn: make(chan struct{}, 1)}
	return c, nil
}

// neverFollow keeps token and secret from being sent elsewhere: Marketo's API
// documents no redirects, so that one is a gateway's and no answer.
func neverFollow(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// normalise takes an endpoint as people copy it and returns the address under
// which /rest, /bulk and /identity lie.
func normalise(endpoint string) (string, error) {
	text := strings.TrimSpace(endpoint)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return "", fmt.Errorf("the marketo endpoint %q is not an address like https://123-ABC-456.mktorest.com/rest", cut(endpoint))
	}
	path := strings.TrimRight(u.Path, "/")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/rest"), "/identity")
	return u.Scheme + "://" + u.Host + strings.TrimRight(path, "/"), nil
}

// identityPath is where tokens come from; it is not counted by Marketo's limits.
const identityPath = "/identity/oauth/token"

// Metered says whether a request counts against the subscription's limits
// (Marketo REST: authentication; identity calls do not).
func Metered(req *http.Request) bool { return !strings.HasSuffix(req.URL.Path, identityPath) }

type operationKey struct{}

// Operation returns what a request made with the context does, for transports.
func Operation(ctx context.Context) string {
	name, _ := ctx.Value(operationKey{}).(string)
	return name
}
