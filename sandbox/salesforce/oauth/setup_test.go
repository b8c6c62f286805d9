package oauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

const (
	org      = "00D000000000001AAA"
	rita     = "005000000000001AAA"
	callback = "http://app.example.com/settings/salesforce/callback"
)

type bundle struct {
	*Server
	t     *testing.T
	url   string
	key   *rsa.PrivateKey
	clock *clockwork.FakeClock
	web   *http.Client // follows no redirects
}

func setup(t *testing.T, change func(*Config)) *bundle {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	b := &bundle{t: t, key: key, clock: clockwork.NewFakeClock()}
	cfg := Config{OrgID: org,
		Users: []User{{ID: rita, Username: "rep@example.com", Password: "secret", Name: "Rita Rep", Email: "rep@example.com"}},
		Apps:  []App{{ClientID: "app", Secret: "app-secret", PublicKey: &key.PublicKey, RunAs: "rep@example.com"}},
		Clock: b.clock}
	if change != nil {
		change(&cfg)
	}
	b.Server, err = New(cfg)
	require.NoError(t, err)
	server := httptest.NewServer(b.Server)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b.url = server.URL
	b.web = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return b
}

func (b *bundle) client() *oauth2.Config {
	return &oauth2.Config{ClientID: "app", ClientSecret: "app-secret", RedirectURL: callback, Scopes: []string{"api", "refresh_token"},
		Endpoint: oauth2.Endpoint{AuthURL: b.url + "/services/oauth2/authorize", TokenURL: b.url + "/services/oauth2/token", AuthStyle: oauth2.AuthStyleInParams}}
}

// page gives status, body and where the answer leads.
func (b *bundle) page(r *http.Response, err error) (int, string, *url.URL) {
	b.t.Helper()
	require.NoError(b.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(b.t, err)
	at, _ := r.Location()
	return r.StatusCode, string(body), at
}

var hidden = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)

// submit sends a page's form with what a person fills in.
func (b *bundle) submit(body string, filled ...string) (int, string, *url.URL) {
	b.t.Helper()
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(body, -1) {
		form.Set(field[1], strings.NewReplacer("&#43;", "+", "&amp;", "&").Replace(field[2]))
	}
	for i := 0; i < len(filled); i += 2 {
		form.Set(filled[i], filled[i+1])
	}
	return b.page(b.web.PostForm(b.url+"/services/oauth2/authorize", form))
}

// click goes through both pages and gives the answer's query.
func (b *bundle) click(address, answer string) url.Values {
	b.t.Helper()
	status, body, _ := b.page(b.web.Get(address))
	require.Equal(b.t, http.StatusOK, status)
	status, body, _ = b.submit(body, "username", "rep@example.com", "password", "secret")
	require.Equal(b.t, http.StatusOK, status, body)
	status, _, at := b.submit(body, "answer", answer)
	require.Equal(b.t, http.StatusFound, status)
	return at.Query()
}

// connect is all that a Connect button does.
func (b *bundle) connect() *oauth2.Token {
	b.t.Helper()
	verifier := oauth2.GenerateVerifier()
	back := b.click(b.client().AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), "allow")
	require.Equal(b.t, "state", back.Get("state"))
	token, err := b.client().Exchange(context.Background(), back.Get("code"), oauth2.VerifierOption(verifier))
	require.NoError(b.t, err)
	return token
}

// post gives the status and the answer's fields.
func (b *bundle) post(path string, pairs ...string) (int, map[string]any) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	status, body, _ := b.page(b.web.PostForm(b.url+"/services/oauth2/"+path, form))
	out := map[string]any{}
	if body != "" {
		require.NoError(b.t, json.Unmarshal([]byte(body), &out), body)
	}
	return status, out
}

func (b *bundle) renewToken(refresh string) (int, map[string]any) {
	b.t.Helper()
	return b.post("token", "grant_type", "refresh_token", "client_id", "app", "client_secret", "app-secret", "refresh_token", refresh)
}

func (b *bundle) refused(status int, got map[string]any, code, description string) {
	b.t.Helper()
	require.GreaterOrEqual(b.t, status, 400)
	require.Equal(b.t, map[string]any{"error": code, "error_description": description}, got)
}
