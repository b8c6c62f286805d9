package salesforce_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salesactions/syncengine/salesforce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tokens is a source whose token changes with each refresh.
type tokens struct {
	instance  string
	refused   error
	mu        sync.Mutex
	refreshes int
}

func (s *tokens) Token(context.Context) (salesforce.Token, error) { return s.token(), nil }

func (s *tokens) Refresh(_ context.Context, refused salesforce.Token) (salesforce.Token, error) {
	if s.refused != nil {
		return salesforce.Token{}, s.refused
	}
	if now := s.token(); now.Generation > refused.Generation {
		return now, nil
	}
	s.mu.Lock()
	s.refreshes++
	s.mu.Unlock()
	return s.token(), nil
}

func (s *tokens) token() salesforce.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return salesforce.Token{Access: fmt.Sprintf("00D!AQ%d", s.refreshes), Instance: s.instance, Generation: int64(s.refreshes)}
}

// seen is what an observer was told.
type seen struct {
	mu    sync.Mutex
	lines []string
	usage []salesforce.Usage
}

func (s *seen) observe(_ context.Context, operation string, usage salesforce.Usage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := operation
	if err != nil {
		line += " failed"
	}
	s.lines, s.usage = append(s.lines, line), append(s.usage, usage)
}

type bundle struct {
	client *salesforce.Client
	tokens *tokens
	seen   *seen
	server *httptest.Server
}

// setup serves handle below a base path.
func setup(t *testing.T, handle http.HandlerFunc) bundle {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/base/", http.StripPrefix("/base", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.Header().Set("Sforce-Limit-Info", "api-usage=18/5000, per-app-api-usage=17/250(appName=sample)")
		handle(w, r)
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b := bundle{tokens: &tokens{instance: server.URL + "/base"}, seen: &seen{}, server: server}
	b.client = salesforce.New(salesforce.Config{Clock: clockwork.NewRealClock(), Observe: b.seen.observe}, b.tokens, server.Client())
	return b
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const expired = `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`

func TestToken(t *testing.T) {
	t.Parallel()

	t.Run("an_expired_one_is_refreshed_and_the_call_made_once_more", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer 00D!AQ1" {
				answer(http.StatusUnauthorized, expired)(w, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			assertThat(t, err == nil && string(body) == `{"allOrNone":false,"records":[{"Subject":"Call","attributes":{"type":"Task"}}]}`, "the body is sent again whole: %s", body)
			answer(http.StatusOK, `[{"id":"00T000000000001AAA","success":true,"errors":[]}]`)(w, r)
		})
		results, err := b.client.CreateMany(t.Context(), "Task", []map[string]any{{"Subject": "Call"}})
		require.NoError(t, err)
		require.Equal(t, "00T000000000001AAA", results[0].ID)
		require.Equal(t, 1, b.tokens.refreshes)
		require.Equal(t, []string{"create many failed", "create many"}, b.seen.lines)
	})

	t.Run("one_that_is_refused_again_is_not_refreshed_twice", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int32
		b := setup(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			answer(http.StatusUnauthorized, expired)(w, r)
		})
		_, err := b.client.CreateMany(t.Context(), "Task", []map[string]any{{}})
		require.True(t, salesforce.IsCode(err, salesforce.CodeSession), "%v", err)
		require.EqualValues(t, 2, calls.Load())
		require.False(t, asError(t, err).Ambiguous(), "a 401 was not executed")
	})

	for _, words := range []string{"This session is not valid for use with the REST API", "Connected app is not attached to Agent"} {
		t.Run("is_not_refreshed_for_"+strings.ReplaceAll(words, " ", "_"), func(t *testing.T) {
			t.Parallel()
			b := setup(t, answer(http.StatusUnauthorized, `[{"message":"`+words+`","errorCode":"INVALID_SESSION_ID"}]`))
			_, err := b.client.Versions(t.Context())
			require.True(t, salesforce.IsCode(err, salesforce.CodeSession), "%v", err)
			require.Zero(t, b.tokens.refreshes)
		})
	}

	t.Run("an_error_of_the_source_is_the_call_s", func(t *testing.T) {
		t.Parallel()
		b := setup(t, answer(http.StatusUnauthorized, expired))
		b.tokens.refused = errors.New("the connection is gone")
		_, err := b.client.Versions(t.Context())
		require.ErrorIs(t, err, b.tokens.refused)
	})
}

func TestEveryAnswerTellsTheUsage(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]http.HandlerFunc{
		"a success": answer(http.StatusOK, `[]`),
		"an error":  answer(http.StatusForbidden, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`),
		"a page":    answer(http.StatusServiceUnavailable, `<html>`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, handle)
			_, _ = b.client.Versions(t.Context())
			require.Equal(t, []salesforce.Usage{{Used: 18, Max: 5000, Known: true}}, b.seen.usage)
		})
	}

	t.Run("that_of_one_app_is_not_the_org_s", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"per-app-api-usage=17/250(appName=x)", "api-usage=", "api-usage=a/b", "api-usage=-1/5", ""} {
			b := setup(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Sforce-Limit-Info", text)
				fmt.Fprint(w, `[]`)
			})
			_, err := b.client.Versions(t.Context())
			require.NoError(t, err)
			require.Equal(t, []salesforce.Usage{{}}, b.seen.usage, text)
		}
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	b := setup(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		fmt.Fprint(w, `[{"id":"00Q000000000001AAA","success":true,"errors":[]}]`)
	})
	lead := []map[string]any{{"id": "00Q000000000001AAA", "HasOptedOutOfEmail": true}}
	_, err := b.client.UpdateMany(t.Context(), "Lead", lead)
	require.NoError(t, err)
	require.Equal(t, "client=salesactions", got.Get("Sforce-Call-Options"))
	require.Equal(t, "gzip", got.Get("Accept-Encoding"))
	require.Empty(t, got.Get("Sforce-Auto-Assign"))

	careful := b.client.With(salesforce.WriteOptions{KeepOwner: true, AllowDuplicates: true})
	_, err = careful.UpdateMany(t.Context(), "Lead", lead)
	require.NoError(t, err)
	require.Equal(t, "FALSE", got.Get("Sforce-Auto-Assign"))
	require.Equal(t, "allowSave=true", got.Get("Sforce-Duplicate-Rule-Header"))

	_, err = careful.DeleteMany(t.Context(), []string{"00Q000000000001AAA"})
	require.NoError(t, err)
	require.Empty(t, got.Get("Sforce-Auto-Assign"), "a deletion assigns nobody")
}

func TestMetered(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{"/services/data/v66.0/query": true, "/services/data/": false, "/services/oauth2/token": false, "/id/00D/005": false} {
		require.Equal(t, want, salesforce.Metered(httptest.NewRequest(http.MethodGet, path, http.NoBody)), path)
	}
}

func asError(t *testing.T, err error) *salesforce.Error {
	t.Helper()
	var call *salesforce.Error
	require.ErrorAs(t, err, &call)
	return call
}

// assertThat is for handlers, from which a test cannot be ended.
func assertThat(t *testing.T, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Errorf(format, args...)
	}
}
