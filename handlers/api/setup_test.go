package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"salesactions/crypt"
	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	"salesactions/syncengine"
)

const (
	firstSecret  = "the newer webhook secret"
	secondSecret = "the older webhook secret"
	requestID    = "request-1"
)

// bundle is an API with a database of its own. Its routes are those of openapi.json,
// and each answer is held against it.
type bundle struct {
	t      *testing.T
	db     *postgres.DB
	server *echo.Echo
	truth  *truth
	token  models.APIToken // of whoever calls
}

// answered is the key of a request's context under which the path of the document
// that answers is kept.
type answered struct{}

// setup starts the API; connected says whether Marketo has credentials.
func setup(t *testing.T, connected bool) *bundle {
	t.Helper()
	db := postgrestest.New(t)
	box, err := crypt.New(bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	cfg := syncengine.Config{Box: box, Clock: clockwork.NewRealClock(), WebhookSecrets: []string{firstSecret, secondSecret}}
	if connected {
		cfg.Marketo = syncengine.Credentials{Endpoint: "http://127.0.0.1:1", ClientID: "client", ClientSecret: "secret"}
	}
	engine, err := syncengine.New(t.Context(), cfg, syncengine.Deps{Pool: db.Pool, Queue: db.Queue, Gorm: db.Gorm})
	require.NoError(t, err)
	b := &bundle{t: t, db: db, truth: readTruth(t)}
	b.mount(New(Deps{DB: db.Gorm, Engine: engine}))
	return b
}

// mount routes as the web layer does, with the token of a program that may do all.
func (b *bundle) mount(h *Handlers) {
	document, err := ReadDocument()
	require.NoError(b.t, err)
	b.server = echo.New()
	b.server.HTTPErrorHandler = func(err error, c echo.Context) {
		require.NoError(b.t, ProblemFor(err).Write(c))
	}
	b.token = models.APIToken{Name: "Dialer", Scope: models.ScopeAdmin}
	require.NoError(b.t, b.db.Pool.QueryRow(b.t.Context(), `INSERT INTO api_tokens (name, scope, token_hash, hint, created_by)
		VALUES ('Dialer', 'admin', '\x01', '', 'test') RETURNING id`).Scan(&b.token.ID))
	b.server.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			request.SetID(c, requestID)
			request.SetToken(c, b.token)
			return next(c)
		}
	})
	for _, operation := range document.Operations {
		handler, ok := reflect.ValueOf(h).MethodByName(handlerName(operation.ID)).Interface().(func(echo.Context) error)
		require.True(b.t, ok, operation.ID)
		path := strings.TrimPrefix(operation.Path, Prefix)
		b.server.Add(operation.Method, Prefix+strings.NewReplacer("{", ":", "}", "").Replace(path), func(c echo.Context) error {
			*c.Request().Context().Value(answered{}).(*string) = path
			return handler(c)
		})
	}
}

func handlerName(operationID string) string {
	return strings.ToUpper(operationID[:1]) + operationID[1:]
}

// call sends a request, holds the answer against openapi.json, and returns it.
func (b *bundle) call(method, target, body string, header ...string) (int, map[string]any) {
	b.t.Helper()
	return b.send(method, target, body, header...)()
}

// send is call for goroutines: what it returns holds the answer against the document,
// and is for the test's own.
func (b *bundle) send(method, target, body string, header ...string) func() (int, map[string]any) {
	var path string
	r := httptest.NewRequestWithContext(context.WithValue(b.t.Context(), answered{}, &path), method, Prefix+target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, r)
	return func() (status int, told map[string]any) {
		b.t.Helper()
		b.truth.check(b.t, strings.ToLower(method), path, w)
		if w.Code != http.StatusNoContent {
			require.NoError(b.t, json.Unmarshal(w.Body.Bytes(), &told))
		}
		return w.Code, told
	}
}

// get is call for what must succeed.
func (b *bundle) get(target string) map[string]any {
	b.t.Helper()
	status, answered := b.call(http.MethodGet, target, "")
	require.Equal(b.t, http.StatusOK, status, answered)
	return answered
}

// refuse is call for what must end in a problem, which it returns.
func (b *bundle) refuse(want int, method, target, body string, header ...string) Problem {
	b.t.Helper()
	status, answered := b.call(method, target, body, header...)
	require.Equal(b.t, want, status, answered)
	raw, err := json.Marshal(answered)
	require.NoError(b.t, err)
	var p Problem
	require.NoError(b.t, json.Unmarshal(raw, &p))
	return p
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.db.Pool.Exec(b.t.Context(), sql, args...)
	require.NoError(b.t, err)
}

// count returns the first number that a query yields.
func (b *bundle) count(sql string, args ...any) (n int) {
	b.t.Helper()
	require.NoError(b.t, b.db.Pool.QueryRow(b.t.Context(), sql, args...).Scan(&n))
	return n
}

// actions are what the audit log says was done by whom.
func (b *bundle) actions() (actions []string) {
	b.t.Helper()
	page, err := models.ListAudit(b.t.Context(), b.db.Gorm, models.AuditQuery{})
	require.NoError(b.t, err)
	for _, event := range page.Events {
		actions = append(actions, event.Actor+" "+event.Action)
	}
	return actions
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// settle puts people into the workspace as the sync does.
func (b *bundle) settle(people ...models.Person) {
	b.t.Helper()
	for _, p := range people {
		name := models.DisplayName(p.FirstName, p.LastName)
		b.exec(`
			INSERT INTO people (id, first_name, last_name, company, email, salesforce_contact_id, owner_id, name_key, company_key,
				title_key, email_key, source_key, search, read_at, synced_at, created_run_id, archived_at, archive_reason, merged_into)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $12, $13, $13, 1, $14, $15, $16)`,
			p.ID, p.FirstName, p.LastName, p.Company, p.Email, p.SalesforceContactID, p.OwnerID, models.SortKey(&name),
			models.SortKey(p.Company), models.SortKey(nil), models.SortKey(p.Email),
			models.SearchText(p.FirstName, p.LastName, p.Company, p.Email), noon, p.ArchivedAt, p.ArchiveReason, p.MergedInto)
	}
}

func text(s string) *string { return &s }
