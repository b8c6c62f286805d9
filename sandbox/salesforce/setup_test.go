package salesforce

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
)

// bundle is a sandbox behind HTTP, and a program that calls it.
type bundle struct {
	t      *testing.T
	server *Server
	site   *httptest.Server
	token  string
}

func setup(t *testing.T, cfg Config) *bundle {
	t.Helper()
	if cfg.People == 0 {
		cfg.People = 300
	}
	if cfg.LockWait == 0 {
		cfg.LockWait = 50 * time.Millisecond
	}
	if cfg.Clock == nil {
		cfg.Clock = clockwork.NewRealClock()
	}
	s, err := New(cfg)
	require.NoError(t, err)
	site := httptest.NewServer(s)
	t.Cleanup(site.Close)
	return &bundle{t: t, server: s, site: site, token: s.AccessToken()}
}

// answered is what came back.
type answered struct {
	*http.Response
	t   *testing.T
	raw []byte
}

const base = "/services/data/v66.0"

// call makes a call of the REST API; a path that begins with /services is as it is.
func (o *bundle) call(method, path string, body any) answered {
	o.t.Helper()
	return o.callWith(nil, method, path, body)
}

// callWith makes a call with headers of its own.
func (o *bundle) callWith(headers map[string]string, method, path string, body any) answered {
	o.t.Helper()
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(o.t, err)
		reader = bytes.NewReader(raw)
	}
	if len(path) < 10 || path[:10] != "/services/" {
		path = base + path
	}
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.site.URL+path, reader)
	require.NoError(o.t, err)
	if o.token != "" {
		req.Header.Set("Authorization", "Bearer "+o.token)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(o.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	return answered{resp, o.t, raw}
}

// control makes a call of the sandbox's own API.
func (o *bundle) control(path string, body any) answered {
	o.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(o.t, err)
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.site.URL+"/_sandbox"+path, bytes.NewReader(raw))
	require.NoError(o.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(o.t, err)
	defer resp.Body.Close()
	raw, err = io.ReadAll(resp.Body)
	require.NoError(o.t, err)
	return answered{resp, o.t, raw}
}

// is checks the status and decodes the body into a value.
func (a answered) is(status int, into any) answered {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.raw)
	if into != nil {
		require.NoError(a.t, json.Unmarshal(a.raw, into), "%s", a.raw)
	}
	return a
}

// refused checks the status and the code of an error, which is in an array.
func (a answered) refused(status int, code string) {
	a.t.Helper()
	var errs []struct{ Message, ErrorCode string }
	a.is(status, &errs)
	require.Len(a.t, errs, 1)
	require.Equal(a.t, code, errs[0].ErrorCode, "%s", a.raw)
	require.NotEmpty(a.t, errs[0].Message)
}

// timed is a sandbox whose time stands still until its test moves it. Sessions do not
// end meanwhile.
func timed(t *testing.T, cfg Config) (*bundle, *clockwork.FakeClock) {
	t.Helper()
	c := clockwork.NewFakeClockAt(time.Date(2026, 3, 10, 9, 30, 15, 250_000_000, time.UTC))
	cfg.Clock, cfg.SessionLength = c, 10_000*time.Hour
	return setup(t, cfg), c
}

type values = map[string]any

// saved is an element of what saving records answers.
type saved struct {
	ID      string
	Success bool
	Created *bool
	Errors  []struct {
		StatusCode, Message string
		Fields              []string
	}
}

// someone returns the ids of a lead, or of a contact and its account.
func (o *bundle) someone(object string) (id, account string) {
	o.t.Helper()
	for r := range o.server.Records(object, false) {
		if object == "Contact" && r.Values["AccountId"] == nil || r.Values["IsConverted"] == true {
			continue
		}
		account, _ = r.Values["AccountId"].(string)
		return r.ID, account
	}
	require.FailNow(o.t, "there is no "+object)
	return "", ""
}

// held is what the org holds of a record, deleted or not; nil if it does not exist.
func (o *bundle) held(object, id string) values {
	o.t.Helper()
	for r := range o.server.Records(object, true) {
		if r.ID == id {
			return r.Values
		}
	}
	return nil
}

// task makes a Task and returns its id.
func (o *bundle) task(fields values) string {
	o.t.Helper()
	var made saved
	o.call(http.MethodPost, "/sobjects/Task", fields).is(http.StatusCreated, &made)
	require.True(o.t, made.Success)
	return made.ID
}

// ago is a time some seconds before now, as the API takes it.
func ago(o *bundle, seconds int) string {
	return o.server.cfg.Clock.Now().Add(-time.Duration(seconds) * time.Second).UTC().Format("2006-01-02T15:04:05+00:00")
}
