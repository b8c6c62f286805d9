package oauth

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

func TestJWTBearer(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ask := func(change func(jwt.MapClaims)) (int, map[string]any) {
		claims := jwt.MapClaims{"iss": "app", "sub": "rep@example.com", "aud": "https://login.salesforce.com", "exp": b.clock.Now().Add(3 * time.Minute).Unix()}
		change(claims)
		assertion, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(b.key)
		require.NoError(t, err)
		return b.post("token", "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", assertion)
	}
	status, got := ask(func(jwt.MapClaims) {})
	require.Equal(t, http.StatusOK, status, got)
	require.NotContains(t, got, "refresh_token")
	user, err := b.Check(got["access_token"].(string))
	require.NoError(t, err)
	require.Equal(t, rita, user)
	status, got = ask(func(c jwt.MapClaims) { c["aud"] = "https://example.com" })
	b.refused(status, got, "invalid_grant", "Audience validation failed")
	status, got = ask(func(c jwt.MapClaims) { c["sub"] = "x@example.com" })
	b.refused(status, got, "invalid_grant", "user hasn't approved this consumer")
	status, got = ask(func(c jwt.MapClaims) { c["iss"] = "x" })
	b.refused(status, got, "invalid_client_id", "client identifier invalid")
	for _, exp := range []time.Duration{-time.Minute, time.Hour} {
		status, got = ask(func(c jwt.MapClaims) { c["exp"] = b.clock.Now().Add(exp).Unix() })
		b.refused(status, got, "invalid_grant", "invalid assertion")
	}
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": "app"}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	status, got = b.post("token", "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", unsigned)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, got, "error")
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	ask := func(b *bundle) (int, map[string]any) {
		return b.post("token", "grant_type", "client_credentials", "client_id", "app", "client_secret", "app-secret")
	}
	b := setup(t, nil)
	status, got := ask(b)
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, got, "refresh_token")
	b = setup(t, func(c *Config) { c.Apps[0].RunAs = "" })
	status, got = ask(b)
	b.refused(status, got, "invalid_grant", "no client credentials user enabled")
	b = setup(t, nil)
	login, err := url.Parse(b.url)
	require.NoError(t, err)
	b.cfg.LoginHosts = []string{login.Host}
	status, got = ask(b)
	b.refused(status, got, "invalid_grant", "request not supported on this domain")
}

func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	status, got := b.post("token", "grant_type", "password")
	b.refused(status, got, "unsupported_grant_type", "grant type not supported")
	status, got = b.post("token", "grant_type", "refresh_token", "client_id", "x")
	b.refused(status, got, "invalid_client_id", "client identifier invalid")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	token := b.connect()
	at := b.url + "/id/" + org + "/" + rita
	status, body, _ := b.page(b.web.Get(at + "?format=json&oauth_token=" + url.QueryEscape(token.AccessToken)))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"display_name":"Rita Rep"`)
	require.Contains(t, body, `/services/data/v{version}/query/"`)
	for address, word := range map[string]string{
		at:                    "Missing_OAuth_Token",
		at + "?oauth_token=x": "Bad_OAuth_Token",
		b.url + "/id/00D000000000002AAA/" + rita + "?oauth_token=" + url.QueryEscape(token.AccessToken): "Wrong_Org",
	} {
		status, body, _ := b.page(b.web.Get(address))
		require.Equal(t, http.StatusForbidden, status)
		require.Equal(t, word+"\n", body)
	}
}

func TestRevokeAndIntrospect(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	token := b.connect()
	ask := func(token string) map[string]any {
		_, got := b.post("introspect", "token", token, "client_id", "app", "client_secret", "app-secret")
		return got
	}
	require.Equal(t, "rep@example.com", ask(token.AccessToken)["username"])
	require.Equal(t, "refresh_token", ask(token.RefreshToken)["token_type"])
	status, _ := b.post("revoke", "token", token.RefreshToken)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"active": false}, ask(token.AccessToken))
	_, err := b.Check(token.AccessToken)
	require.Error(t, err)
	status, got := b.post("revoke", "token", "x")
	b.refused(status, got, "unsupported_token_type", "this token type is not supported")
}

func TestUserInfoAndDiscovery(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	status, body, _ := b.page(b.web.Get(b.url + "/.well-known/openid-configuration"))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, b.url+"/services/oauth2/token")
	at := b.url + "/services/oauth2/userinfo?oauth_token="
	status, body, _ = b.page(b.web.Get(at + url.QueryEscape(b.Issue(rita))))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, `"preferred_username":"rep@example.com"`)
	status, body, _ = b.page(b.web.Get(at + url.QueryEscape(b.connect().AccessToken)))
	require.Equal(t, http.StatusForbidden, status, "the app did not ask for openid")
	require.Equal(t, "Bad_OAuth_Token\n", body)
}
