package syncengine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"salesactions/clock"
	"salesactions/models"
	"salesactions/syncengine/salesforce"
)

// salesforceTokens gives calls their tokens. Those of a connection that an admin made
// are in the database, because replicas share a refresh token that may be good for a
// single use; those of the environment's credentials can be had again at any time and
// stay in memory.
type salesforceTokens struct {
	engine *Engine

	mu       sync.Mutex // one refresh at a time in this process
	own      salesforce.Token
	identity salesforce.Identity
}

// Token implements salesforce.TokenSource. It reads the database each time, so that
// a connection that was made, or ended, by another replica holds at once.
func (t *salesforceTokens) Token(ctx context.Context) (salesforce.Token, error) {
	if t.engine.cfg.Salesforce.given() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.own.Access != "" {
			return t.own, nil
		}
		return t.signIn(ctx)
	}
	r, found, err := t.engine.salesforceRow(ctx)
	switch {
	case err != nil:
		return salesforce.Token{}, err
	case !found || r.access == "" && r.connectedAt == nil:
		return salesforce.Token{}, errSalesforceNotConnected
	case r.access == "":
		return salesforce.Token{}, errSalesforceReconnect
	}
	return salesforce.Token{Access: r.access, Instance: r.instance, Generation: r.generation}, nil
}

// whose tells where calls go and as whom.
func (t *salesforceTokens) whose(ctx context.Context) (instance, userID string, err error) {
	token, err := t.Token(ctx)
	if err != nil {
		return "", "", err
	}
	if t.engine.cfg.Salesforce.given() {
		t.mu.Lock()
		defer t.mu.Unlock()
		return token.Instance, t.identity.UserID, nil
	}
	r, _, err := t.engine.salesforceRow(ctx)
	return r.instance, r.identity.UserID, err
}

// Refresh implements salesforce.TokenSource: each generation is refreshed once,
// whoever asks.
func (t *salesforceTokens) Refresh(ctx context.Context, refused salesforce.Token) (salesforce.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.engine.cfg.Salesforce.given() {
		if t.own.Generation > refused.Generation {
			return t.own, nil
		}
		return t.signIn(ctx)
	}
	return t.refresh(ctx, refused)
}

// signIn gets a token with the environment's credentials.
func (t *salesforceTokens) signIn(ctx context.Context) (salesforce.Token, error) {
	c := t.engine.cfg.Salesforce
	oauth := salesforce.OAuth{LoginURL: c.LoginURL, ClientID: c.ClientID, ClientSecret: c.ClientSecret, HTTP: t.engine.plainHTTP(), Clock: t.engine.clock}
	var (
		grant salesforce.Grant
		err   error
	)
	if c.flow() == flowJWT {
		grant, err = oauth.JWTBearer(ctx, c.Username, c.PrivateKey, "")
	} else {
		grant, err = oauth.ClientCredentials(ctx)
	}
	if err != nil {
		return salesforce.Token{}, fmt.Errorf("sign in to Salesforce: %w", err)
	}
	who, err := oauth.Identity(ctx, grant)
	if err != nil {
		return salesforce.Token{}, fmt.Errorf("sign in to Salesforce: %w", err)
	}
	t.own = salesforce.Token{Access: grant.Access, Instance: grant.Instance, Generation: t.own.Generation + 1}
	t.identity = who
	_, err = t.engine.pool.Exec(ctx, `
		INSERT INTO salesforce_connection (login_url, client_id, secret_sealed, flow, instance_url, identity, issued_at, connected_at, connected_by, updated_by)
		VALUES ($1, $2, '', $3, $4, $5, $6, $7, 'environment', 'environment')
		ON CONFLICT (only_row) DO UPDATE SET flow = $3, instance_url = $4, identity = $5, issued_at = $6,
			connected_at = coalesce(salesforce_connection.connected_at, $7), connected_by = 'environment'`,
		c.LoginURL, c.ClientID, c.flow(), grant.Instance, who, grant.IssuedAt, t.engine.clock.Now())
	if err != nil {
		return salesforce.Token{}, fmt.Errorf("keep who is connected to Salesforce: %w", err)
	}
	return t.own, nil
}

const (
	refreshLease = "salesforce_refresh"
	refreshTime  = 75 * time.Second // two tries, see renew
	refreshPoll  = 50 * time.Millisecond
)

// refresh takes the lease of refreshing, unless another did the work meanwhile. A
// lease and not a lock on the row, because no transaction stays open across a call.
func (t *salesforceTokens) refresh(ctx context.Context, refused salesforce.Token) (salesforce.Token, error) {
	lease := models.Lease{Name: refreshLease, Holder: uuid.NewString(), Lasting: refreshTime}
	for {
		current, err := t.Token(ctx)
		if err != nil || current.Generation > refused.Generation {
			return current, err
		}
		got, err := models.AcquireLease(ctx, t.engine.pool, lease)
		if err != nil {
			return salesforce.Token{}, err
		}
		if got {
			break
		}
		if err := clock.Sleep(ctx, t.engine.clock, refreshPoll); err != nil {
			return salesforce.Token{}, err
		}
	}
	// What the other side did must be kept, whoever gave up waiting.
	working, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
	defer cancel()
	token, err := t.renew(working, refused)
	return token, errors.Join(err, models.ReleaseLease(working, t.engine.pool, lease))
}

// renew uses the refresh token and stores what it yields before anybody uses it.
func (t *salesforceTokens) renew(ctx context.Context, refused salesforce.Token) (salesforce.Token, error) {
	r, _, err := t.engine.salesforceRow(ctx)
	switch {
	case err != nil:
		return salesforce.Token{}, err
	case r.access == "":
		return salesforce.Token{}, errSalesforceReconnect
	case r.generation > refused.Generation:
		return salesforce.Token{Access: r.access, Instance: r.instance, Generation: r.generation}, nil
	case r.refresh == "" && r.flow == flowWeb:
		return salesforce.Token{}, t.lose(ctx, r.generation)
	}
	again := func() (salesforce.Grant, error) { return t.engine.oauth(r).Refresh(ctx, r.refresh) }
	if r.flow == flowClientCredentials {
		again = func() (salesforce.Grant, error) { return t.engine.oauth(r).ClientCredentials(ctx) }
	}
	grant, err := again()
	if isTransport(err) { // either it never arrived, or the token was used up: both show now
		grant, err = again()
	}
	if isFinal(err) {
		t.engine.log.ErrorContext(ctx, "Salesforce must be connected anew", "error", err)
		return salesforce.Token{}, t.lose(ctx, r.generation)
	}
	if err != nil {
		return salesforce.Token{}, fmt.Errorf("refresh Salesforce's token: %w", err)
	}
	next := grant.Refresh
	if next == "" {
		next = r.refresh
	}
	// There is no refresh token where the app signs in by itself.
	_, err = t.engine.pool.Exec(ctx, `UPDATE salesforce_connection SET access_sealed = $1, refresh_sealed = $2, instance_url = $3,
			issued_at = $4, generation = generation + 1 WHERE generation = $5`,
		t.engine.cfg.Box.Seal(grant.Access, sealedSalesforceAccess), t.engine.cfg.Box.Seal(next, sealedSalesforceRefresh),
		grant.Instance, grant.IssuedAt, r.generation)
	if err != nil {
		return salesforce.Token{}, fmt.Errorf("keep Salesforce's new token: %w", err)
	}
	return salesforce.Token{Access: grant.Access, Instance: grant.Instance, Generation: r.generation + 1}, nil
}

// lose notes that the connection is no good any more, for an admin to connect anew.
func (t *salesforceTokens) lose(ctx context.Context, generation int64) error {
	_, err := t.engine.pool.Exec(ctx, `UPDATE salesforce_connection SET access_sealed = NULL, refresh_sealed = NULL, generation = generation + 1
		WHERE generation = $1`, generation)
	if err != nil {
		return fmt.Errorf("note that Salesforce must be connected anew: %w", err)
	}
	return errSalesforceReconnect
}

func isTransport(err error) bool {
	var call *salesforce.Error
	return errors.As(err, &call) && (call.Kind == salesforce.KindTransport || call.Kind == salesforce.KindBadAnswer)
}

// isFinal says that no later try with the same token can work (Salesforce: OAuth
// errors, invalid_grant).
func isFinal(err error) bool {
	var call *salesforce.Error
	return errors.As(err, &call) && call.Kind == salesforce.KindAuth && call.Code() == "invalid_grant"
}
