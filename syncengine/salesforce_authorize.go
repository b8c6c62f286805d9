package syncengine

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/salesforce"
)

// authorizeTime is how long an admin may take to sign in and allow the app.
const authorizeTime = 15 * time.Minute

// BeginSalesforce starts a connection that an admin allows in the browser, and
// returns where to send it. Salesforce sends it back to redirectURL, which the app
// must list. Errors: ErrSalesforceNotConfigured, *InvalidError.
func (e *Engine) BeginSalesforce(ctx context.Context, userID int64, redirectURL string) (string, error) {
	if e.cfg.Salesforce.given() {
		return "", &InvalidError{"connect", "The connection comes from the environment; there is nothing to connect here."}
	}
	r, found, err := e.salesforceRow(ctx)
	if err != nil {
		return "", err
	}
	if !found || r.clientID == "" || r.secret == "" {
		return "", ErrSalesforceNotConfigured
	}
	state, verifier := rand.Text()+rand.Text(), salesforce.NewVerifier()
	hash := sha256.Sum256([]byte(state))
	now := e.clock.Now()
	_, err = e.pool.Exec(ctx, `
		WITH old AS (DELETE FROM salesforce_authorizations WHERE expires_at < $6)
		INSERT INTO salesforce_authorizations (state_hash, user_id, verifier_sealed, redirect_url, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hash[:], userID, e.cfg.Box.Seal(verifier, sealedSalesforceVerifier), redirectURL, now.Add(authorizeTime), now)
	if err != nil {
		return "", fmt.Errorf("begin the connection to Salesforce: %w", err)
	}
	return e.oauth(r).AuthCodeURL(state, verifier, redirectURL), nil
}

// FinishSalesforce takes what the browser brought back, and connects. Errors:
// *InvalidError with a sentence for the admin.
func (e *Engine) FinishSalesforce(ctx context.Context, userID int64, state, code, oauthError, oauthDescription, actor string) error {
	verifier, redirectURL, err := e.takeAuthorization(ctx, userID, state)
	if err != nil {
		return err
	}
	switch {
	case oauthError == "access_denied":
		return &InvalidError{"connect", "Access was not allowed in Salesforce. Press Connect again and allow it."}
	case oauthError != "":
		return &InvalidError{"connect", "Salesforce refused: " + e.troubleOf(&salesforce.Error{Operation: "authorize", Kind: salesforce.KindAuth,
			Codes: []salesforce.CodeMessage{{Code: oauthError, Message: oauthDescription}}}).Text}
	}
	r, _, err := e.salesforceRow(ctx)
	if err != nil {
		return err
	}
	oauth := e.oauth(r)
	grant, err := oauth.Exchange(ctx, code, verifier, redirectURL)
	var who salesforce.Identity
	if err == nil {
		who, err = oauth.Identity(ctx, grant)
	}
	if err != nil {
		told := e.troubleOf(err)
		e.log.WarnContext(ctx, "Salesforce was not connected", "error", err)
		return &InvalidError{"connect", told.Text + " " + told.Remedy}
	}
	if grant.Refresh == "" {
		return &InvalidError{"connect", "Salesforce gave no refresh token, so that the connection would end in hours. " +
			"Add the scope “Perform requests at any time (refresh_token, offline_access)” to your app in Salesforce and connect again."}
	}
	return e.connected(ctx, flowWeb, grant, who, actor)
}

// ConnectSalesforceApp connects as the user whom the app itself may sign in as, with
// no browser (Salesforce Help: OAuth 2.0 client credentials flow). It needs the org's
// My Domain as the login URL. Errors: ErrSalesforceNotConfigured, *InvalidError.
func (e *Engine) ConnectSalesforceApp(ctx context.Context, actor string) error {
	r, found, err := e.salesforceRow(ctx)
	if err != nil {
		return err
	}
	if !found || r.clientID == "" || r.secret == "" {
		return ErrSalesforceNotConfigured
	}
	oauth := e.oauth(r)
	grant, err := oauth.ClientCredentials(ctx)
	var who salesforce.Identity
	if err == nil {
		who, err = oauth.Identity(ctx, grant)
	}
	if err != nil {
		return &InvalidError{"connect", e.Explain(err)}
	}
	return e.connected(ctx, flowClientCredentials, grant, who, actor)
}

// connected keeps a grant and looks what the org has.
func (e *Engine) connected(ctx context.Context, flow string, grant salesforce.Grant, who salesforce.Identity, actor string) error {
	if err := e.keepGrant(ctx, flow, grant, who, actor); err != nil {
		return err
	}
	if err := e.auditJSON(ctx, actor, "salesforce.connect", grant.Instance, map[string]any{"org_id": who.OrgID, "username": who.Username}); err != nil {
		return err
	}
	if err := e.TestSalesforce(ctx); err != nil {
		e.log.WarnContext(ctx, "What the org has is not known yet", "error", err) // kept with the setup, for Settings to show
	}
	return nil
}

// takeAuthorization finds what was begun with a state, once, by the same user.
func (e *Engine) takeAuthorization(ctx context.Context, userID int64, state string) (verifier, redirectURL string, err error) {
	hash := sha256.Sum256([]byte(state))
	var sealed []byte
	err = e.pool.QueryRow(ctx, `DELETE FROM salesforce_authorizations WHERE state_hash = $1 AND user_id = $2 AND expires_at > $3
		RETURNING verifier_sealed, redirect_url`, hash[:], userID, e.clock.Now()).Scan(&sealed, &redirectURL)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", &InvalidError{"connect", "This connection was not begun here, or too long ago. Press Connect again."}
	}
	if err == nil {
		verifier, err = e.cfg.Box.Open(sealed, sealedSalesforceVerifier)
	}
	if err != nil {
		return "", "", fmt.Errorf("find what was begun: %w", err)
	}
	return verifier, redirectURL, nil
}

// forgetAuthorizations removes what was begun and not finished before a time.
func (e *Engine) forgetAuthorizations(ctx context.Context, before time.Time) error {
	if _, err := e.pool.Exec(ctx, `DELETE FROM salesforce_authorizations WHERE expires_at < $1`, before); err != nil {
		return fmt.Errorf("forget connections that were begun: %w", err)
	}
	return nil
}

// keepGrant stores the tokens. What was remembered of another org is forgotten when this
// one is looked at.
func (e *Engine) keepGrant(ctx context.Context, flow string, grant salesforce.Grant, who salesforce.Identity, actor string) error {
	_, err := e.pool.Exec(ctx, `UPDATE salesforce_connection SET access_sealed = $1, refresh_sealed = $2, instance_url = $3,
			identity = $4, issued_at = $5, connected_at = $8, connected_by = $6, flow = $7, generation = generation + 1`,
		e.cfg.Box.Seal(grant.Access, sealedSalesforceAccess), e.cfg.Box.Seal(grant.Refresh, sealedSalesforceRefresh),
		grant.Instance, who, grant.IssuedAt, actor, flow, e.clock.Now())
	if err != nil {
		return fmt.Errorf("keep the connection to Salesforce: %w", err)
	}
	links, version, err := models.LoadRecordLinks(ctx, e.db)
	if err == nil && links.SalesforceURL == "" {
		links.SalesforceURL = grant.Instance
		err = models.SaveRecordLinks(ctx, e.db, links, version, actor)
	}
	if err != nil && !errors.Is(err, models.ErrConflict) { // then an admin has just entered one
		return err
	}
	return e.outbox.Unpause(ctx, models.ToSalesforce)
}
