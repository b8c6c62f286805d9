package syncengine

import (
	"context"
	"crypto/rsa"
	"encoding/json"
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
	"salesactions/syncengine/org"
	"salesactions/syncengine/salesforce"
)

// ErrSalesforceNotConfigured says that the app's key is missing.
var ErrSalesforceNotConfigured = errors.New("enter the consumer key and secret of your Salesforce app first, in Settings → Salesforce")

// Why no call can be made; deliveries wait for it.
var (
	errSalesforceNotConnected = failure.OwnSalesforce("not_connected")
	errSalesforceReconnect    = failure.OwnSalesforce("needs_reconnect")
)

// SalesforceCredentials are how Salesforce is reached where the environment says so:
// with a client secret as the app's Run-As user, or with a key as a named user.
type SalesforceCredentials struct {
	LoginURL     string
	ClientID     string
	ClientSecret string
	Username     string
	PrivateKey   *rsa.PrivateKey
}

// CheckSalesforceLogin normalises the address of a login host; errors say what to give.
func CheckSalesforceLogin(address string) (string, error) { return salesforce.CheckLoginURL(address) }

func (c SalesforceCredentials) given() bool { return c.LoginURL != "" }

// The ways to a token.
const (
	flowWeb               = "web"
	flowJWT               = "jwt"
	flowClientCredentials = "client_credentials"
)

func (c SalesforceCredentials) flow() string {
	if c.PrivateKey != nil {
		return flowJWT
	}
	return flowClientCredentials
}

// What the secrets are sealed for.
const (
	sealedSalesforceSecret   = "salesforce client secret"
	sealedSalesforceAccess   = "salesforce access token"
	sealedSalesforceRefresh  = "salesforce refresh token"
	sealedSalesforceVerifier = "salesforce code verifier"
)

// SalesforceInfo is the connection as Settings shows it; secrets and tokens stay here.
type SalesforceInfo struct {
	LoginURL        string
	ClientID        string
	SecretSet       bool
	FromEnvironment bool
	Connected       bool
	NeedsReconnect  bool   // it was connected, and Salesforce takes the tokens no more
	Flow            string // "web", "jwt" or "client_credentials"
	UserName        string
	UserEmail       string
	UserID          string
	OrgID           string
	InstanceURL     string
	IssuedAt        *time.Time
	ConnectedAt     *time.Time
	ConnectedBy     string
	Pause           *models.Pause // why nothing is sent, if so
}

// salesforceRow is the connection as the database has it, opened.
type salesforceRow struct {
	loginURL, clientID, secret string
	flow                       string
	access, refresh            string
	instance                   string
	generation                 int64
	identity                   salesforce.Identity
	issuedAt, connectedAt      *time.Time
	connectedBy                string
}

func (e *Engine) oauth(r salesforceRow) salesforce.OAuth {
	return salesforce.OAuth{LoginURL: r.loginURL, ClientID: r.clientID, ClientSecret: r.secret, HTTP: e.plainHTTP(), Clock: e.clock}
}

// salesforceRow reads the connection; found is false where nothing was ever saved.
func (e *Engine) salesforceRow(ctx context.Context) (r salesforceRow, found bool, err error) {
	var secret, access, refresh []byte
	var identity *salesforce.Identity
	err = e.pool.QueryRow(ctx, `SELECT login_url, client_id, secret_sealed, flow, access_sealed, refresh_sealed, coalesce(instance_url, ''),
			generation, identity, issued_at, connected_at, coalesce(connected_by, '') FROM salesforce_connection`).
		Scan(&r.loginURL, &r.clientID, &secret, &r.flow, &access, &refresh, &r.instance, &r.generation, &identity, &r.issuedAt, &r.connectedAt, &r.connectedBy)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	if identity != nil {
		r.identity = *identity
	}
	for _, s := range []struct {
		sealed  []byte
		into    *string
		purpose string
	}{{secret, &r.secret, sealedSalesforceSecret}, {access, &r.access, sealedSalesforceAccess}, {refresh, &r.refresh, sealedSalesforceRefresh}} {
		if err == nil && len(s.sealed) > 0 {
			*s.into, err = e.cfg.Box.Open(s.sealed, s.purpose)
		}
	}
	if err != nil {
		return r, false, fmt.Errorf("read the connection to Salesforce: %w", err)
	}
	return r, true, nil
}

// SalesforceConnection returns the connection for Settings to show.
func (e *Engine) SalesforceConnection(ctx context.Context) (SalesforceInfo, error) {
	r, found, err := e.salesforceRow(ctx)
	if err != nil {
		return SalesforceInfo{}, err
	}
	info := SalesforceInfo{LoginURL: r.loginURL, ClientID: r.clientID, SecretSet: r.secret != "", Flow: r.flow, UserName: r.identity.DisplayName,
		UserEmail: r.identity.Email, UserID: r.identity.UserID, OrgID: r.identity.OrgID, InstanceURL: r.instance,
		IssuedAt: r.issuedAt, ConnectedAt: r.connectedAt, ConnectedBy: r.connectedBy,
		Connected: found && r.access != "", NeedsReconnect: found && r.access == "" && r.connectedAt != nil}
	if c := e.cfg.Salesforce; c.given() {
		info.LoginURL, info.ClientID, info.SecretSet, info.FromEnvironment, info.Flow = c.LoginURL, c.ClientID, true, true, c.flow()
	}
	pauses, err := models.ListPauses(ctx, e.db)
	for _, p := range pauses {
		if p.Destination == models.ToSalesforce {
			info.Pause = &p
		}
	}
	return info, err
}

// SaveSalesforce saves which app signs in where. An empty secret keeps the one
// before; another app needs to be connected anew. Errors: *InvalidError.
func (e *Engine) SaveSalesforce(ctx context.Context, loginURL, clientID, secret, actor string) error {
	if e.cfg.Salesforce.given() {
		return &InvalidError{"login_url", "The connection comes from the environment; change it there."}
	}
	login, err := salesforce.CheckLoginURL(loginURL)
	if err != nil {
		return &InvalidError{"login_url", "This is no login address that can be used: " + err.Error() + "."}
	}
	clientID, secret = strings.TrimSpace(clientID), strings.TrimSpace(secret)
	before, _, err := e.salesforceRow(ctx)
	if err != nil && secret == "" {
		return err
	}
	if secret == "" {
		secret = before.secret
	}
	switch {
	case clientID == "":
		return &InvalidError{"client_id", "Enter the consumer key of your app in Salesforce."}
	case secret == "":
		return &InvalidError{"client_secret", "Enter the consumer secret of your app in Salesforce."}
	}
	_, err = e.pool.Exec(ctx, `
		INSERT INTO salesforce_connection AS c (login_url, client_id, secret_sealed, updated_by, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (only_row) DO UPDATE SET login_url = $1, client_id = $2, secret_sealed = $3, updated_by = $4, updated_at = $5,
			access_sealed = CASE WHEN c.login_url = $1 AND c.client_id = $2 THEN c.access_sealed END,
			refresh_sealed = CASE WHEN c.login_url = $1 AND c.client_id = $2 THEN c.refresh_sealed END, generation = c.generation + 1`,
		login, clientID, e.cfg.Box.Seal(secret, sealedSalesforceSecret), actor, e.clock.Now())
	if err != nil {
		return fmt.Errorf("save the connection to Salesforce: %w", err)
	}
	return e.auditJSON(ctx, actor, "salesforce.save", login, map[string]any{"login_url": login, "client_id": clientID})
}

// DisconnectSalesforce gives the tokens back and forgets them. What is queued waits.
func (e *Engine) DisconnectSalesforce(ctx context.Context, actor string) error {
	if e.cfg.Salesforce.given() {
		return &InvalidError{"login_url", "The connection comes from the environment; change it there."}
	}
	r, found, err := e.salesforceRow(ctx)
	if err != nil || !found {
		return err
	}
	if token := r.refresh; token != "" {
		if err := e.oauth(r).Revoke(ctx, token); err != nil { // Salesforce may not be there any more
			e.log.WarnContext(ctx, "Salesforce was not told of the disconnection", "error", err)
		}
	}
	_, err = e.pool.Exec(ctx, `UPDATE salesforce_connection SET access_sealed = NULL, refresh_sealed = NULL, connected_at = NULL, connected_by = NULL,
		identity = NULL, issued_at = NULL, generation = generation + 1`)
	if err != nil {
		return fmt.Errorf("forget the connection to Salesforce: %w", err)
	}
	return e.auditJSON(ctx, actor, "salesforce.disconnect", r.loginURL, nil)
}

func (e *Engine) plainHTTP() *http.Client { return &http.Client{Transport: e.cfg.HTTP} }

// salesforceClients keeps the client, whose tokens are asked for with each call.
type salesforceClients struct {
	mu     sync.Mutex
	client *salesforce.Client
	tokens *salesforceTokens
	used   salesforce.Usage // as the last answer told
}

// Salesforce returns the session of the connection in force. Errors:
// *failure.PausedError where there is none.
func (e *Engine) Salesforce(ctx context.Context) (org.Session, error) {
	e.salesforce.mu.Lock()
	if e.salesforce.client == nil {
		e.salesforce.tokens = &salesforceTokens{engine: e}
		e.salesforce.client = salesforce.New(salesforce.Config{UserAgent: e.cfg.UserAgent, Observe: e.observeSalesforce, Clock: e.clock}, e.salesforce.tokens,
			&http.Client{Transport: e.salesforceBudget.Transport(e.cfg.HTTP, salesforce.Metered)})
	}
	client, tokens := e.salesforce.client, e.salesforce.tokens
	e.salesforce.mu.Unlock()
	instance, userID, err := tokens.whose(ctx)
	return org.Session{Client: client, Instance: instance, UserID: userID}, err
}

func (e *Engine) observeSalesforce(ctx context.Context, operation string, usage salesforce.Usage, err error) {
	if usage.Known {
		e.salesforce.mu.Lock()
		e.salesforce.used = usage
		e.salesforce.mu.Unlock()
	}
	if noteErr := e.salesforceBudget.Observe(ctx, failure.Signal(err)); noteErr != nil {
		e.log.WarnContext(ctx, "A pause was not noted", "operation", operation, "error", noteErr)
	}
}

// SalesforceBudget returns today's usage of Salesforce's calls.
func (e *Engine) SalesforceBudget(ctx context.Context) (Budget, error) {
	usage, err := e.salesforceBudget.Usage(ctx)
	if err != nil {
		return Budget{}, err
	}
	b := Budget{Day: usage.Day, Calls: usage.Calls, DailyBudget: usage.Limits.Daily, ByPurpose: usage.ByPurpose,
		BlockedUntil: usage.BlockedUntil, BlockedWhy: usage.BlockedWhy}
	if usage.SpentUntil != nil {
		b.BlockedUntil, b.BlockedWhy = usage.SpentUntil, "Salesforce says that the org's limit of calls is reached"
	}
	e.salesforce.mu.Lock()
	b.OrgUsed, b.OrgMax = e.salesforce.used.Used, e.salesforce.used.Max
	e.salesforce.mu.Unlock()
	return b, nil
}

// SalesforceSetup is what the org has, as it was last found.
type SalesforceSetup = org.Setup

// How a second Task of an activity is kept out of the org.
const (
	SchemeKey    = org.SchemeKey
	SchemeField  = org.SchemeField
	SchemeMarker = org.SchemeMarker
)

// SalesforceTaskFields are the custom fields of Task that are filled where the org has them.
func SalesforceTaskFields() []org.CustomField { return org.CustomFields() }

// SalesforceSetup returns what was last found, nil when nobody has looked.
func (e *Engine) SalesforceSetup(ctx context.Context) (*SalesforceSetup, error) {
	return org.Load(ctx, e.pool)
}

// TestSalesforce looks anew what the org has, and lets deliveries begin when it
// answers. What is wrong is kept with what was found.
func (e *Engine) TestSalesforce(ctx context.Context) error {
	ctx = budget.For(ctx, budget.ConnectionTest)
	if err := e.salesforceBudget.Reset(ctx); err != nil { // an admin wants to know now, whatever was said before
		return err
	}
	if err := e.org.Examine(ctx); err != nil {
		return err
	}
	if err := e.outbox.Unpause(ctx, models.ToSalesforce); err != nil {
		return err
	}
	return e.nudgeDeliveries(ctx)
}

func (e *Engine) auditJSON(ctx context.Context, actor, action, subject string, details map[string]any) error {
	raw, err := json.Marshal(details)
	if err != nil {
		return fmt.Errorf("write what was changed: %w", err)
	}
	if details == nil {
		raw = nil
	}
	return e.audit(ctx, actor, action, subject, raw)
}
