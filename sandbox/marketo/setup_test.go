package marketo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
)

// bundle is a sandbox behind HTTP, and a caller with a token.
type bundle struct {
	*Server
	t     *testing.T
	url   string
	token string
	clock *clockwork.FakeClock
}

// reply is an answer as a caller of the documentation decodes it.
type reply struct {
	status        int
	header        http.Header
	body          string
	RequestID     string           `json:"requestId"`
	Success       *bool            `json:"success"`
	Result        []map[string]any `json:"result"`
	Errors        []map[string]any `json:"errors"`
	NextPageToken string           `json:"nextPageToken"`
	MoreResult    bool             `json:"moreResult"`
}

func setup(t *testing.T, cfg Config) *bundle {
	t.Helper()
	b := &bundle{t: t, clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC))}
	if cfg.People == 0 {
		cfg.People = 500
	}
	cfg.Clock = b.clock
	var err error
	b.Server, err = New(cfg)
	require.NoError(t, err)
	server := httptest.NewServer(b.Server)
	t.Cleanup(server.Close)
	b.url = server.URL
	b.login()
	return b
}

// login takes the token that is valid now.
func (b *bundle) login() map[string]any {
	b.t.Helper()
	resp, err := http.Get(b.url + "/identity/oauth/token?grant_type=client_credentials&client_id=sandbox-client&client_secret=sandbox-secret")
	require.NoError(b.t, err)
	defer resp.Body.Close()
	var got map[string]any
	require.NoError(b.t, json.NewDecoder(resp.Body).Decode(&got))
	require.Equal(b.t, http.StatusOK, resp.StatusCode)
	b.token = got["access_token"].(string)
	return got
}

// send makes a call; header is alternately a name and a value.
func (b *bundle) send(method, path, body string, header ...string) (*http.Response, error) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Authorization", "Bearer "+b.token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return http.DefaultClient.Do(req)
}

// call makes a call and decodes its answer where it is JSON.
func (b *bundle) call(method, path, body string, header ...string) reply {
	b.t.Helper()
	resp, err := b.send(method, path, body, header...)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	r := reply{status: resp.StatusCode, header: resp.Header, body: string(raw)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		require.NoError(b.t, json.Unmarshal(raw, &r), r.body)
	}
	return r
}

// get makes a GET with parameters: alternately a name and a value.
func (b *bundle) get(path string, params ...string) reply {
	b.t.Helper()
	values := url.Values{}
	for i := 0; i < len(params); i += 2 {
		values.Set(params[i], params[i+1])
	}
	return b.call(http.MethodGet, path+"?"+values.Encode(), "")
}

// refused asserts that an answer is Marketo's own error, with HTTP 200.
func (b *bundle) refused(r reply, code string) {
	b.t.Helper()
	require.Equal(b.t, http.StatusOK, r.status, r.body)
	require.NotNil(b.t, r.Success, r.body)
	require.False(b.t, *r.Success, r.body)
	require.Len(b.t, r.Errors, 1, r.body)
	require.Equal(b.t, code, r.Errors[0]["code"], r.body)
}

// succeeded asserts success.
func (b *bundle) succeeded(r reply) reply {
	b.t.Helper()
	require.NotNil(b.t, r.Success, r.body)
	require.True(b.t, *r.Success, r.body)
	return r
}
