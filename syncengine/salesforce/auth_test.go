package salesforce_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/salesforce"
)

// grant is the token service's answer with what an authorisation yields.
func grant(server, refresh string) string {
	return fmt.Sprintf(`{"access_token":"00D!AQ",%s"signature":"x","scope":"api refresh_token","instance_url":"%[2]s/",
		"id":"%[2]s/id/00D000000000001AAA/005000000000001AAA","token_type":"Bearer","issued_at":"1278448101416"}`, refresh, server)
}

// login is a token service that keeps what it was asked.
func login(t *testing.T, status int, body func(server string) string) (salesforce.OAuth, *url.Values) {
	t.Helper()
	var form url.Values
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assertThat(t, r.ParseForm() == nil, "the form can be read")
		form = r.Form
		form.Set("path", r.URL.Path)
		form.Set("bearer", r.Header.Get("Authorization"))
		w.WriteHeader(status)
		fmt.Fprint(w, body(server.URL))
	}))
	t.Cleanup(server.Close)
	return salesforce.OAuth{LoginURL: server.URL, ClientID: "key", ClientSecret: "s3cret", HTTP: server.Client(), Clock: clockwork.NewRealClock()}, &form
}

func always(body string) func(string) string { return func(string) string { return body } }

func TestAuthCodeURL(t *testing.T) {
	t.Parallel()
	oauth := salesforce.OAuth{Clock: clockwork.NewRealClock(), LoginURL: "https://login.salesforce.com", ClientID: "key", ClientSecret: "s3cret"}
	verifier := salesforce.NewVerifier()
	u, err := url.Parse(oauth.AuthCodeURL("state", verifier, "https://app.example/callback"))
	require.NoError(t, err)
	require.Equal(t, "https://login.salesforce.com/services/oauth2/authorize", u.Scheme+"://"+u.Host+u.Path)
	sum := sha256.Sum256([]byte(verifier))
	require.Equal(t, url.Values{"response_type": {"code"}, "client_id": {"key"}, "redirect_uri": {"https://app.example/callback"}, "state": {"state"},
		"scope": {"api refresh_token id"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}, u.Query())
}

func TestGrants(t *testing.T) {
	t.Parallel()

	t.Run("a_code_becomes_a_grant", func(t *testing.T) {
		t.Parallel()
		oauth, form := login(t, http.StatusOK, func(server string) string { return grant(server, `"refresh_token":"5Aep8",`) })
		got, err := oauth.Exchange(t.Context(), "aPrx", "verifier", "https://app.example/callback")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(salesforce.Grant{Access: "00D!AQ", Refresh: "5Aep8", Instance: oauth.LoginURL,
			IDURL:    oauth.LoginURL + "/id/00D000000000001AAA/005000000000001AAA",
			IssuedAt: time.Date(2010, 7, 6, 20, 28, 21, 416e6, time.UTC), Scope: "api refresh_token"}, got))
		require.Equal(t, url.Values{"path": {"/services/oauth2/token"}, "bearer": {""}, "grant_type": {"authorization_code"}, "code": {"aPrx"}, "client_id": {"key"},
			"client_secret": {"s3cret"}, "redirect_uri": {"https://app.example/callback"}, "code_verifier": {"verifier"}}, *form)
	})

	t.Run("a_refresh_brings_a_new_refresh_token_only_with_rotation", func(t *testing.T) {
		t.Parallel()
		for _, rotated := range []string{"", "5Aep9"} {
			field := ""
			if rotated != "" {
				field = `"refresh_token":"` + rotated + `",`
			}
			oauth, form := login(t, http.StatusOK, func(server string) string { return grant(server, field) })
			got, err := oauth.Refresh(t.Context(), "5Aep8")
			require.NoError(t, err)
			require.Equal(t, rotated, got.Refresh)
			require.Equal(t, url.Values{"path": {"/services/oauth2/token"}, "bearer": {""}, "grant_type": {"refresh_token"}, "refresh_token": {"5Aep8"},
				"client_id": {"key"}, "client_secret": {"s3cret"}}, *form)
		}
	})

	t.Run("an_app_without_a_secret_sends_none", func(t *testing.T) {
		t.Parallel()
		oauth, form := login(t, http.StatusOK, func(server string) string { return grant(server, "") })
		oauth.ClientSecret = ""
		_, err := oauth.Refresh(t.Context(), "5Aep8")
		require.NoError(t, err)
		require.False(t, form.Has("client_secret"))
	})

	t.Run("client_credentials", func(t *testing.T) {
		t.Parallel()
		oauth, form := login(t, http.StatusOK, func(server string) string { return grant(server, "") })
		_, err := oauth.ClientCredentials(t.Context())
		require.NoError(t, err)
		require.Equal(t, "client_credentials", form.Get("grant_type"))
	})

	t.Run("an_assertion_is_signed_for_the_login_host", func(t *testing.T) {
		t.Parallel()
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		for _, audience := range []string{"", "https://test.salesforce.com"} {
			oauth, form := login(t, http.StatusOK, func(server string) string { return grant(server, "") })
			_, err := oauth.JWTBearer(t.Context(), "ada@acme.com", key, audience)
			require.NoError(t, err)
			want := audience
			if want == "" {
				want = oauth.LoginURL
			}
			token, err := jwt.Parse(form.Get("assertion"), func(*jwt.Token) (any, error) { return &key.PublicKey, nil },
				jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer("key"), jwt.WithSubject("ada@acme.com"), jwt.WithAudience(want), jwt.WithExpirationRequired())
			require.NoError(t, err)
			require.True(t, token.Valid)
			require.False(t, form.Has("client_secret"))
		}
	})

	t.Run("a_grant_may_not_tell_when_it_was_issued", func(t *testing.T) {
		t.Parallel()
		oauth, _ := login(t, http.StatusOK, always(`{"access_token":"x","instance_url":"https://acme.my.salesforce.com","token_type":"Bearer"}`))
		got, err := oauth.ClientCredentials(t.Context())
		require.NoError(t, err)
		require.Equal(t, salesforce.Grant{Access: "x", Instance: "https://acme.my.salesforce.com"}, got)
	})

	for name, body := range map[string]string{
		"without_a_token":    `{"instance_url":"https://acme.my.salesforce.com","issued_at":"1"}`,
		"without_encryption": `{"access_token":"x","instance_url":"http://acme.my.salesforce.com","issued_at":"1"}`,
		"of_the_pages":       `{"access_token":"x","instance_url":"https://acme.lightning.force.com","issued_at":"1"}`,
		"cut":                `{"access_token":"x","ins`,
	} {
		t.Run("an_answer_is_not_taken_"+name, func(t *testing.T) {
			t.Parallel()
			oauth, _ := login(t, http.StatusOK, always(body))
			_, err := oauth.Refresh(t.Context(), "5Aep8")
			require.Equal(t, salesforce.KindBadAnswer, asError(t, err).Kind)
		})
	}
}

func TestAuthErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		kind   salesforce.Kind
		code   string
	}{
		"expired":      {400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`, salesforce.KindAuth, salesforce.CodeInvalidGrant},
		"wrong_secret": {401, `{"error":"invalid_client","error_description":"invalid client credentials"}`, salesforce.KindAuth, "invalid_client"},
		"a_gateway":    {503, `<html>`, salesforce.KindBadAnswer, ""},
		"a_redirect":   {302, ``, salesforce.KindBadAnswer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oauth, _ := login(t, tt.status, always(tt.body))
			_, err := oauth.Refresh(t.Context(), "5Aep8")
			got := asError(t, err)
			require.Equal(t, tt.kind, got.Kind)
			require.Equal(t, tt.code, got.Code())
			require.Equal(t, tt.status, got.HTTPStatus)
			require.NotContains(t, err.Error(), "5Aep8")
			require.False(t, got.Ambiguous())
			require.False(t, tt.kind == salesforce.KindAuth && got.Metered())
		})
	}

	t.Run("a_lost_answer_leaves_the_token_in_doubt_and_no_record", func(t *testing.T) {
		t.Parallel()
		oauth, _ := login(t, http.StatusOK, func(string) string { panic(http.ErrAbortHandler) })
		_, err := oauth.Refresh(t.Context(), "5Aep8")
		require.True(t, asError(t, err).RequestSent, "the token may have been rotated")
		require.False(t, asError(t, err).Ambiguous())
	})

	t.Run("a_bad_login_address_is_not_called", func(t *testing.T) {
		t.Parallel()
		_, err := salesforce.OAuth{Clock: clockwork.NewRealClock(), LoginURL: "http://login.salesforce.com"}.Refresh(t.Context(), "5Aep8")
		require.ErrorIs(t, err, salesforce.ErrNotHTTPS)
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	oauth, form := login(t, http.StatusOK, always(""))
	require.NoError(t, oauth.Revoke(t.Context(), "5Aep8"))
	require.Equal(t, url.Values{"path": {"/services/oauth2/revoke"}, "bearer": {""}, "token": {"5Aep8"}}, *form)
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	const who = `{"user_id":"005000000000001AAA","organization_id":"00D000000000001AAA","username":"rita@acme.com","display_name":"Rita","email":"rita@acme.com","active":true}`

	t.Run("tells_whose_the_token_is", func(t *testing.T) {
		t.Parallel()
		oauth, form := login(t, http.StatusOK, always(who))
		got, err := oauth.Identity(t.Context(), salesforce.Grant{Access: "00D!AQ", IDURL: oauth.LoginURL + "/id/00D/005"})
		require.NoError(t, err)
		require.Equal(t, salesforce.Identity{UserID: "005000000000001AAA", OrgID: "00D000000000001AAA", Username: "rita@acme.com", DisplayName: "Rita", Email: "rita@acme.com"}, got)
		require.Equal(t, url.Values{"path": {"/id/00D/005"}, "format": {"json"}, "bearer": {"Bearer 00D!AQ"}}, *form)
	})

	t.Run("a_bare_word_is_its_code", func(t *testing.T) {
		t.Parallel()
		oauth, _ := login(t, http.StatusForbidden, always("Bad_OAuth_Token"))
		_, err := oauth.Identity(t.Context(), salesforce.Grant{IDURL: oauth.LoginURL + "/id/00D/005"})
		require.Equal(t, "Bad_OAuth_Token", asError(t, err).Code())
	})

	t.Run("the_token_goes_nowhere_else", func(t *testing.T) {
		t.Parallel()
		oauth, form := login(t, http.StatusOK, always(who))
		for _, address := range []string{"", "https://elsewhere.example/id/1", oauth.LoginURL + ".elsewhere.example/id/1", "https://salesforce.com.elsewhere.example/id", "http://login.salesforce.com/id/1"} {
			_, err := oauth.Identity(t.Context(), salesforce.Grant{Access: "00D!AQ", IDURL: address})
			require.Error(t, err, address)
		}
		require.Empty(t, *form)
	})
}

func TestCheckLoginURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		" login.salesforce.com ":          "https://login.salesforce.com",
		"https://ACME.my.salesforce.com/": "https://acme.my.salesforce.com",
		"http://localhost:9102/sf/":       "http://localhost:9102/sf",
		"http://[::1]:9102":               "http://[::1]:9102",
	} {
		got, err := salesforce.CheckLoginURL(address)
		require.NoError(t, err, address)
		require.Equal(t, want, got)
	}
	for address, want := range map[string]error{
		"": salesforce.ErrNoAddress, "ftp://login.salesforce.com": salesforce.ErrNoAddress, "https://u:p@login.salesforce.com": salesforce.ErrNoAddress,
		"https://login.salesforce.com/?a=b": salesforce.ErrNoAddress, "http://acme.my.salesforce.com": salesforce.ErrNotHTTPS,
		"https://acme.lightning.force.com": salesforce.ErrLightning,
	} {
		_, err := salesforce.CheckLoginURL(address)
		require.ErrorIs(t, err, want, address)
	}
}
