package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"salesactions/handlers/api"
	"salesactions/models"
)

func TestEveryRouteIsInTheTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, registered := range b.server.echo.Routes() {
		method := registered.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		line, ok := b.server.table[method+" "+registered.Path]
		require.True(t, ok, "%s %s is not in the table", registered.Method, registered.Path)
		require.NotEmpty(t, line.permission, "%s %s has no permission", line.method, line.path)
	}
	require.Len(t, b.server.table, len(b.server.routes()), "two lines have the same method and path")
}

func TestPeopleCanOnlyBeRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, registered := range b.server.echo.Routes() {
		if strings.HasPrefix(registered.Path, "/people") || strings.HasPrefix(registered.Path, "/api/v1/people") {
			require.Contains(t, []string{http.MethodGet, http.MethodHead}, registered.Method, registered.Path)
		}
	}
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, path := range []string{"/people", "/people/1", "/api/v1/people", "/api/v1/people/1"} {
			answer := admin.do(method, path, nil).status(http.StatusMethodNotAllowed)
			require.Contains(t, answer.Header.Get(echo.HeaderAllow), http.MethodGet)
			if strings.HasPrefix(path, "/api") {
				require.Equal(t, "application/problem+json", answer.Header.Get(echo.HeaderContentType))
			} else {
				require.Contains(t, answer.Header.Get(echo.HeaderContentType), "text/html")
			}
		}
	}
}

// TestEveryRouteIsGuarded asks for each line of the table as somebody who may not.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger, rep := b.visitor(), b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	token := func(scope models.Scope) string {
		plain, _, err := models.CreateAPIToken(t.Context(), b.db.Gorm, b.clock.Now(), string(scope), scope, "cli")
		require.NoError(t, err)
		return plain
	}
	read, record := token(models.ScopeRead), token(models.ScopeRecord)
	form := rep.get("/account")
	for _, r := range b.server.routes() {
		path := strings.NewReplacer(":id", "1", ":token", "x", "*", "x").Replace(r.path)
		call := func(v *visitor, bearer string) *page {
			v.header.Del("Authorization")
			if bearer != "" {
				v.header.Set("Authorization", "Bearer "+bearer)
			}
			defer v.header.Del("Authorization")
			return v.do(r.method, path, nil)
		}
		name := r.method + " " + r.path
		switch r.permission {
		case public, webhook:
		case signedIn, admin:
			answer := call(stranger, "")
			if r.method == http.MethodGet {
				require.Equal(t, http.StatusSeeOther, answer.StatusCode, name)
				require.True(t, strings.HasPrefix(answer.Header.Get("Location"), "/signin"), name)
			} else {
				require.Equal(t, http.StatusForbidden, answer.StatusCode, name)
			}
			if r.permission == admin && r.method == http.MethodGet {
				require.Equal(t, http.StatusForbidden, call(rep, "").StatusCode, name)
			}
			if r.permission == admin && r.method == http.MethodPost {
				form.post(path).status(http.StatusForbidden).says("Only admins")
			}
		case tokenRead, tokenRecord, tokenAdmin:
			for _, wrong := range []string{"", "sa_WRONG"} {
				answer := call(stranger, wrong).status(http.StatusUnauthorized)
				require.Contains(t, answer.Header.Get("WWW-Authenticate"), "Bearer", name)
			}
			require.Equal(t, http.StatusUnauthorized, call(rep, "").StatusCode, "%s: a session is no token", name)
			if r.permission != tokenRead {
				require.Equal(t, http.StatusForbidden, call(stranger, read).StatusCode, name)
			}
			if r.permission == tokenAdmin {
				require.Equal(t, http.StatusForbidden, call(stranger, record).StatusCode, name)
			}
		default:
			t.Errorf("%s has the unknown permission %q", name, r.permission)
		}
	}
}

// TestTheAPIIsDescribedAsItIs holds the table against the API's description.
func TestTheAPIIsDescribedAsItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	document, err := api.ReadDocument()
	require.NoError(t, err)
	described := map[string]string{}
	for _, operation := range document.Operations {
		described[operation.Method+" "+strings.NewReplacer("{", ":", "}", "").Replace(operation.Path)] = operation.Access
	}
	served := map[string]string{}
	for _, r := range b.server.routes() {
		if strings.HasPrefix(r.path, apiPath+"/") {
			served[r.method+" "+r.path] = string(r.permission)
		}
	}
	require.Equal(t, served, described)
}

func TestHeadIsAnsweredLikeGet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/healthz", "/signin", "/people", "/api/v1/openapi.json"} {
		got, head := b.visitor().get(path), b.visitor().do(http.MethodHead, path, nil)
		require.Equal(t, got.StatusCode, head.StatusCode, path)
		require.Empty(t, head.body)
	}
}
