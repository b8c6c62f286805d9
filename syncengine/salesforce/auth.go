package salesforce

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jonboulle/clockwork"
	"golang.org/x/oauth2"
)

// jwtLife is how long an assertion is good for; Salesforce takes some minutes at most
// (Salesforce Help: OAuth 2.0 JWT bearer flow).
const jwtLife = 3 * time.Minute

// scopes are what the app asks for: calls, and tokens that outlive the session.
var scopes = [...]string{"api", "refresh_token", "id"}

// OAuth gets tokens from a login host with the key and secret of an app. Its errors
// have the kind KindAuth where Salesforce refused. They are never Ambiguous, as they
// reach a caller who writes records and whose own call was not made; whether a refresh
// token may have been used up, RequestSent tells. It is safe for concurrent use.
type OAuth struct {
	LoginURL     string // https://login.salesforce.com, https://test.salesforce.com or the org's My Domain; see CheckLoginURL
	ClientID     string
	ClientSecret string
	HTTP         *http.Client    // default http.DefaultClient
	Clock        clockwork.Clock // required
}

// Grant is what an authorisation yields. Salesforce does not tell when it ends.
type Grant struct {
	Access   string
	Refresh  string // empty where the flow has none, and from Refresh where it has not changed
	Instance string
	IDURL    string    // address of the identity of the user whose the token is
	IssuedAt time.Time // zero where it was not told, as with JWTBearer
	Scope    string    // separated by spaces
}

// NewVerifier returns the secret of one authorisation, for AuthCodeURL and Exchange.
func NewVerifier() string { return oauth2.GenerateVerifier() }

// AuthCodeURL returns the address to which an admin's browser is sent to allow the
// app. It comes back to redirectURL with the state and a code.
func (o OAuth) AuthCodeURL(state, verifier, redirectURL string) string {
	cfg := oauth2.Config{ClientID: o.ClientID, RedirectURL: redirectURL, Scopes: scopes[:],
		Endpoint: oauth2.Endpoint{AuthURL: o.address("/services/oauth2/authorize")}}
	return cfg.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
}

// Exchange turns the code that the browser brought back into a grant. A code is good
// once and for 15 minutes.
func (o OAuth) Exchange(ctx context.Context, code, verifier, redirectURL string) (Grant, error) {
	return o.grant(ctx, "exchange", url.Values{"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {redirectURL}, "code_verifier": {verifier}, "client_secret": {o.ClientSecret}})
}

// Refresh gets a new access token. Where rotation is on, the grant has a new refresh
// token too, and the old one is void: presenting it again would end the connection
// (Salesforce Help: refresh token rotation). So a caller holds a lock and stores the
// new one before anything else.
func (o OAuth) Refresh(ctx context.Context, refreshToken string) (Grant, error) {
	return o.grant(ctx, "refresh", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "client_secret": {o.ClientSecret}})
}

// ClientCredentials gets a token for the app's Run-As user. LoginURL must be the
// org's My Domain.
func (o OAuth) ClientCredentials(ctx context.Context) (Grant, error) {
	return o.grant(ctx, "client credentials", url.Values{"grant_type": {"client_credentials"}, "client_secret": {o.ClientSecret}})
}

// JWTBearer gets a token for a user who was admitted to the app beforehand, with an
// assertion that the key of the app's certificate signs. An empty audience is the
// one that goes with LoginURL.
func (o OAuth) JWTBearer(ctx context.Context, username string, key *rsa.PrivateKey, audience string) (Grant, error) {
	if audience == "" {
		audience = o.audience()
	}
	claims := jwt.MapClaims{"iss": o.ClientID, "sub": username, "aud": audience, "exp": o.Clock.Now().Add(jwtLife).Unix()}
	assertion, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	if err != nil {
		return Grant{}, fmt.Errorf("salesforce jwt bearer: sign the assertion: %w", err)
	}
	return o.grant(ctx, "jwt bearer", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}})
}

// audience is the login or test host, or the My Domain, without a path (Salesforce
// Help: OAuth 2.0 JWT bearer flow, aud).
func (o OAuth) audience() string {
	u, err := url.Parse(o.LoginURL)
	if err != nil {
		return o.LoginURL
	}
	return u.Scheme + "://" + u.Host
}

// Revoke ends a token; a refresh token with all its access tokens.
func (o OAuth) Revoke(ctx context.Context, token string) error {
	_, _, err := o.post(ctx, "revoke", "/services/oauth2/revoke", url.Values{"token": {token}})
	return err
}

// grantJSON is the token service's answer.
type grantJSON struct {
	Access   string `json:"access_token"`
	Refresh  string `json:"refresh_token"`
	Instance string `json:"instance_url"`
	ID       string `json:"id"`
	IssuedAt string `json:"issued_at"` // milliseconds
	Scope    string `json:"scope"`
}

// grant asks for a token; one way for all flows, so that their errors are alike.
func (o OAuth) grant(ctx context.Context, operation string, form url.Values) (Grant, error) {
	form.Set("client_id", o.ClientID)
	if form.Get("client_secret") == "" {
		form.Del("client_secret") // an app without one is known by its verifier
	}
	status, raw, err := o.post(ctx, operation, "/services/oauth2/token", form)
	if err != nil {
		return Grant{}, err
	}
	bad := request{operation: operation}.bad
	var g grantJSON
	if err := json.Unmarshal(raw, &g); err != nil {
		return Grant{}, bad(status, fmt.Errorf("the answer is not the JSON that Salesforce documents: %w", err))
	}
	if g.Access == "" {
		return Grant{}, bad(status, errors.New("the answer has no token"))
	}
	instance, err := CheckLoginURL(g.Instance)
	if err != nil {
		return Grant{}, bad(status, fmt.Errorf("the instance's address: %w", err))
	}
	grant := Grant{Access: g.Access, Refresh: g.Refresh, Instance: instance, IDURL: g.ID, Scope: g.Scope}
	if ms, err := strconv.ParseInt(g.IssuedAt, 10, 64); err == nil {
		grant.IssuedAt = time.UnixMilli(ms).UTC()
	}
	return grant, nil
}

func (o OAuth) address(path string) string { return strings.TrimRight(o.LoginURL, "/") + path }
