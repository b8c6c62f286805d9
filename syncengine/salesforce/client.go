package salesforce

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
)

// DefaultVersion is the version of the API that the client speaks: Spring '26.
const DefaultVersion = "v66.0"

// Token is an access token and where it is good.
type Token struct {
	Access     string
	Instance   string // address of the org, as the token service told it
	Generation int64  // grows with each refresh
}

// TokenSource has the tokens. It is asked anew for each call and must be safe for
// concurrent use.
type TokenSource interface {
	// Token returns the token to use now.
	Token(ctx context.Context) (Token, error)
	// Refresh returns a token other than the one that Salesforce refused, which may be
	// there already.
	Refresh(ctx context.Context, refused Token) (Token, error)
}

// Config says how to call.
type Config struct {
	Version    string          // default DefaultVersion
	UserAgent  string          // default "salesactions"
	ClientName string          // shown in the org's logs; default "salesactions"
	Clock      clockwork.Clock // required
	// Observe, if set, is told of the end of every call, with what the answer told of
	// the org's limit and its error or nil.
	Observe func(ctx context.Context, operation string, usage Usage, err error)
}

// Usage is how many calls the org has made in the last 24 hours, everybody's
// (Salesforce REST: Sforce-Limit-Info).
type Usage struct {
	Used, Max int64
	Known     bool // the answer told it
}

// Client calls one org. It is safe for concurrent use.
type Client struct {
	version   string
	userAgent string
	options   string
	observe   func(ctx context.Context, operation string, usage Usage, err error)
	tokens    TokenSource
	http      *http.Client
	write     WriteOptions
	clock     *clock
}

// New returns a client whose calls go through hc. hc must not have a Timeout: each
// operation has its own, from its sending on.
func New(cfg Config, tokens TokenSource, hc *http.Client) *Client {
	c := &Client{version: cmp.Or(cfg.Version, DefaultVersion), userAgent: cmp.Or(cfg.UserAgent, "salesactions"),
		options: "client=" + cmp.Or(cfg.ClientName, "salesactions"), observe: cfg.Observe, tokens: tokens, http: withoutRedirects(hc), clock: &clock{ours: cfg.Clock}}
	if c.observe == nil {
		c.observe = func(context.Context, string, Usage, error) {}
	}
	return c
}

// WriteOptions change how records are written.
type WriteOptions struct {
	KeepOwner       bool // do not run assignment rules, which run otherwise (Salesforce REST: Sforce-Auto-Assign)
	AllowDuplicates bool // save in spite of a duplicate rule (Salesforce REST: Sforce-Duplicate-Rule-Header)
}

// With returns a client that writes with options, and is otherwise the same.
func (c *Client) With(options WriteOptions) *Client {
	other := *c
	other.write = options
	return &other
}

// Version returns the version of the API that the client speaks, such as "v66.0".
func (c *Client) Version() string { return c.version }

// NewTransport returns a transport with the limits on connections. Answers come
// compressed.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 130 * time.Second,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
	}
}

// withoutRedirects keeps token and secret from being sent elsewhere: the API
// documents no redirects, so that one is a gateway's and no answer.
func withoutRedirects(hc *http.Client) *http.Client {
	caller := *hc
	caller.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &caller
}

// Metered says whether a request counts against the org's daily limit (Salesforce
// REST: API request limits; the token service and the list of versions do not).
func Metered(req *http.Request) bool {
	return strings.Contains(strings.TrimSuffix(req.URL.Path, "/"), "/services/data/")
}

type operationKey struct{}

// Operation returns what a request made with the context does, for transports.
func Operation(ctx context.Context) string {
	name, _ := ctx.Value(operationKey{}).(string)
	return name
}
