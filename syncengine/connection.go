package syncengine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

// Credentials are how Marketo is reached.
type Credentials struct {
	Endpoint     string // with or without /rest
	ClientID     string
	ClientSecret string
}

func (c Credentials) given() bool { return c.Endpoint != "" }

// sealedMarketo is the purpose that Marketo's secret is sealed for.
const sealedMarketo = "marketo client secret"

// ConnectionInfo is a connection as Settings shows it; the secret stays here.
type ConnectionInfo struct {
	Endpoint        string
	ClientID        string
	SecretSet       bool
	FromEnvironment bool
	Connected       bool
	UpdatedAt       *time.Time
	UpdatedBy       string
}

// clients keeps the client of the connection in force; with it go its token and
// what it learned.
type clients struct {
	mu      sync.Mutex
	marketo *marketo.Client
	of      Credentials
}

// Marketo returns the client of the connection in force, or ErrNotConnected.
func (e *Engine) Marketo(ctx context.Context) (*marketo.Client, error) {
	credentials, err := e.credentials(ctx)
	if err != nil {
		return nil, err
	}
	e.clients.mu.Lock()
	defer e.clients.mu.Unlock()
	if e.clients.marketo != nil && e.clients.of == credentials {
		return e.clients.marketo, nil
	}
	client, err := e.client(credentials)
	if err != nil {
		return nil, err
	}
	e.clients.marketo, e.clients.of = client, credentials
	return client, nil
}

// client makes a client whose calls the budget admits and learns from.
func (e *Engine) client(c Credentials) (*marketo.Client, error) {
	client, err := marketo.New(marketo.Config{
		Endpoint: c.Endpoint, ClientID: c.ClientID, ClientSecret: c.ClientSecret, UserAgent: e.cfg.UserAgent, Observe: e.observe,
		Clock: e.clock,
	}, &http.Client{Transport: e.budget.Transport(e.cfg.HTTP, marketo.Metered)})
	if err != nil {
		return nil, fmt.Errorf("connect to Marketo: %w", err)
	}
	return client, nil
}

// observe hands what an answer says about limits and health to the budget.
func (e *Engine) observe(ctx context.Context, operation string, err error) {
	if noteErr := e.budget.Observe(ctx, failure.Signal(err)); noteErr != nil {
		e.log.WarnContext(ctx, "A pause was not noted", "operation", operation, "error", noteErr)
	}
}

// credentials are those of the environment, else those saved in Settings.
func (e *Engine) credentials(ctx context.Context) (Credentials, error) {
	if e.cfg.Marketo.given() {
		return e.cfg.Marketo, nil
	}
	var (
		c      Credentials
		sealed []byte
	)
	err := e.pool.QueryRow(ctx, `SELECT endpoint, client_id, secret_sealed FROM connections WHERE system = 'marketo'`).
		Scan(&c.Endpoint, &c.ClientID, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return Credentials{}, ErrNotConnected
	}
	if err == nil && c.ClientID == "" {
		return Credentials{}, ErrNotConnected // disconnected; the endpoint is kept, see checkMarketo
	}
	if err == nil {
		c.ClientSecret, err = e.cfg.Box.Open(sealed, sealedMarketo)
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("read the connection to Marketo: %w", err)
	}
	return c, nil
}

// MarketoConnection returns the connection for Settings to show.
func (e *Engine) MarketoConnection(ctx context.Context) (ConnectionInfo, error) {
	if c := e.cfg.Marketo; c.given() {
		return ConnectionInfo{Endpoint: c.Endpoint, ClientID: c.ClientID, SecretSet: true, FromEnvironment: true, Connected: true}, nil
	}
	info := ConnectionInfo{}
	err := e.pool.QueryRow(ctx, `SELECT endpoint, client_id, updated_at, updated_by FROM connections WHERE system = 'marketo'`).
		Scan(&info.Endpoint, &info.ClientID, &info.UpdatedAt, &info.UpdatedBy)
	if errors.Is(err, pgx.ErrNoRows) {
		return ConnectionInfo{}, nil
	}
	if err != nil {
		return ConnectionInfo{}, fmt.Errorf("read the connection to Marketo: %w", err)
	}
	info.SecretSet, info.Connected = info.ClientID != "", info.ClientID != ""
	return info, nil
}

// SaveMarketo saves the connection and lets work go on with it. An empty secret
// keeps the one before. Errors: *InvalidError.
func (e *Engine) SaveMarketo(ctx context.Context, endpoint, clientID, secret, actor string) error {
	if e.cfg.Marketo.given() {
		return &InvalidError{"endpoint", "The connection comes from the environment; change it there."}
	}
	c := Credentials{Endpoint: strings.TrimSpace(endpoint), ClientID: strings.TrimSpace(clientID), ClientSecret: strings.TrimSpace(secret)}
	before, err := e.credentials(ctx)
	if err != nil && !errors.Is(err, ErrNotConnected) && c.ClientSecret == "" {
		return err
	}
	if c.ClientSecret == "" {
		c.ClientSecret = before.ClientSecret
	}
	if err := e.checkMarketo(ctx, c); err != nil {
		return err
	}
	sealed := e.cfg.Box.Seal(c.ClientSecret, sealedMarketo)
	_, err = e.pool.Exec(ctx, `INSERT INTO connections (system, endpoint, client_id, secret_sealed, updated_by, updated_at)
		VALUES ('marketo', $1, $2, $3, $4, $5)
		ON CONFLICT (system) DO UPDATE SET endpoint = $1, client_id = $2, secret_sealed = $3, updated_by = $4, updated_at = $5`,
		c.Endpoint, c.ClientID, sealed, actor, e.clock.Now())
	if err != nil {
		return fmt.Errorf("save the connection to Marketo: %w", err)
	}
	if err := e.forgetTrouble(ctx); err != nil {
		return err
	}
	if err := e.outbox.Unpause(ctx, models.ToMarketo); err != nil {
		return err
	}
	details := map[string]any{"endpoint": c.Endpoint, "client_id": c.ClientID, "new_secret": secret != ""}
	if err := e.auditJSON(ctx, actor, "marketo.connect", c.Endpoint, details); err != nil {
		return err
	}
	return e.nudge(ctx, jobCheck)
}

// checkMarketo says what is wrong with a connection before it is saved.
func (e *Engine) checkMarketo(ctx context.Context, c Credentials) error {
	switch {
	case c.ClientID == "":
		return &InvalidError{"client_id", "Enter the client id of the custom service in Marketo."}
	case c.ClientSecret == "":
		return &InvalidError{"client_secret", "Enter the client secret of the custom service in Marketo."}
	}
	if _, err := e.client(c); err != nil {
		return &InvalidError{"endpoint", "Enter the REST endpoint from Marketo's Admin → Web Services, like https://123-ABC-456.mktorest.com/rest."}
	}
	info, err := e.MarketoConnection(ctx)
	if err != nil || info.Endpoint == "" || hostOf(info.Endpoint) == hostOf(c.Endpoint) {
		return err
	}
	// Ids are unique in one instance only: another's people would become these.
	var people bool
	if err := e.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM people)`).Scan(&people); err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	if people {
		return &InvalidError{"endpoint", "This workspace holds the people of " + hostOf(info.Endpoint) +
			". Another Marketo instance needs a workspace of its own, with an empty database."}
	}
	return nil
}

func hostOf(endpoint string) string {
	endpoint = strings.ToLower(endpoint)
	if _, rest, found := strings.Cut(endpoint, "://"); found {
		endpoint = rest
	}
	host, _, _ := strings.Cut(endpoint, "/")
	return host
}

// DisconnectMarketo forgets the credentials. People stay; nothing is read any more.
func (e *Engine) DisconnectMarketo(ctx context.Context, actor string) error {
	if e.cfg.Marketo.given() {
		return &InvalidError{"endpoint", "The connection comes from the environment; change it there."}
	}
	if _, err := e.pool.Exec(ctx, `UPDATE connections SET client_id = '', secret_sealed = '' WHERE system = 'marketo'`); err != nil {
		return fmt.Errorf("forget the connection to Marketo: %w", err)
	}
	return e.audit(ctx, actor, "marketo.disconnect", "", nil)
}

// ForgetMarketo forgets the connection, and with it which instance the people are from:
// the next one may have another address. That is right only where both hold the same
// people under the same ids.
func (e *Engine) ForgetMarketo(ctx context.Context) error {
	if _, err := e.pool.Exec(ctx, `DELETE FROM connections WHERE system = 'marketo'`); err != nil {
		return fmt.Errorf("forget the connection to Marketo: %w", err)
	}
	return nil
}

// Budget is what was spent of a system's calls today.
type Budget struct {
	Day          string
	Calls        int64
	Others       int64 // made by other integrations, where OthersKnown
	OthersKnown  bool
	DailyBudget  int64
	ByPurpose    []budget.PurposeCalls
	Rate         int // calls per 20 s
	BlockedUntil *time.Time
	BlockedWhy   string
	OrgUsed      int64 // Salesforce: the org's calls of the last 24 hours, everybody's; 0 before the first answer
	OrgMax       int64
}

// MarketoBudget returns today's usage. Others' calls are those that the last
// connection test was told of.
func (e *Engine) MarketoBudget(ctx context.Context) (Budget, error) {
	usage, err := e.budget.Usage(ctx)
	if err != nil {
		return Budget{}, err
	}
	b := Budget{Day: usage.Day, Calls: usage.Calls, DailyBudget: usage.Limits.Daily, ByPurpose: usage.ByPurpose,
		Rate: usage.Limits.Rate, BlockedUntil: usage.BlockedUntil, BlockedWhy: usage.BlockedWhy}
	if usage.SpentUntil != nil {
		b.BlockedUntil, b.BlockedWhy = usage.SpentUntil, "Marketo says that the daily quota is used up"
	}
	test, err := e.LastMarketoTest(ctx)
	if err == nil && test != nil && test.UsageDay == usage.Day {
		b.Others, b.OthersKnown = max(test.UsageTotal-test.UsageOurs, 0), true
	}
	return b, err
}
