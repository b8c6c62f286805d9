package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

func testContext(t *testing.T, method, target, body string) (echo.Context, *httptest.ResponseRecorder) {
	t.Helper()
	r, w := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)), httptest.NewRecorder()
	return echo.New().NewContext(r, w), w
}

func TestProblemFor(t *testing.T) {
	t.Parallel()
	wrapped := func(err error) error { return fmt.Errorf("do something: %w", err) }
	for name, test := range map[string]struct {
		err    error
		status int
		kind   string
	}{
		"a problem stays":            {wrapped(Forbidden(models.ScopeAdmin)), 403, "forbidden"},
		"a row that is not there":    {wrapped(models.ErrNotFound), 404, "not-found"},
		"a foreign cursor":           {wrapped(models.ErrBadCursor), 400, "invalid-request"},
		"a lost race":                {wrapped(models.ErrConflict), 409, "conflict"},
		"a value the engine refuses": {wrapped(&syncengine.InvalidError{Field: "mode", Message: "No."}), 400, "invalid-request"},
		"too many bytes":             {wrapped(&http.MaxBytesError{Limit: 5}), 413, "too-large"},
		"an unknown path":            {echo.ErrNotFound, 404, "not-found"},
		"a wrong method":             {echo.ErrMethodNotAllowed, 405, "method-not-allowed"},
		"too many requests":          {echo.ErrTooManyRequests, 429, "too-many-requests"},
		"a call that took too long":  {wrapped(context.DeadlineExceeded), 503, "unavailable"},
		"a database that is away":    {wrapped(&pgconn.ConnectError{Config: &pgconn.Config{}}), 503, "unavailable"},
		"a status of nobody's":       {echo.NewHTTPError(http.StatusTeapot), 500, "internal"},
		"anything else":              {errors.New("password=hunter2"), 500, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, w := testContext(t, http.MethodGet, "/", "")
			request.SetID(c, requestID)
			p := ProblemFor(test.err)
			require.NoError(t, p.Write(c))
			require.Equal(t, test.status, w.Code)
			require.Equal(t, problemMedia, w.Header().Get("Content-Type"))
			require.Equal(t, "urn:salesactions:problem:"+test.kind, p.Type)
			require.NotContains(t, w.Body.String(), "hunter2")
			require.Equal(t, test.status >= 500, strings.Contains(w.Body.String(), requestID))
			readTruth(t).matches(t, []string{"components", "schemas", "Problem"}, w.Body.Bytes())
		})
	}
}

func TestProblemWrite(t *testing.T) {
	t.Parallel()

	t.Run("a request without a token is told how to bring one", func(t *testing.T) {
		t.Parallel()
		c, w := testContext(t, http.MethodGet, "/", "")
		require.NoError(t, Unauthorized().Write(c))
		require.Equal(t, http.StatusUnauthorized, w.Code)
		require.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
	})

	t.Run("HEAD has no body", func(t *testing.T) {
		t.Parallel()
		c, w := testContext(t, http.MethodHead, "/", "")
		require.NoError(t, NewProblem(http.StatusNotFound, "").Write(c))
		require.Equal(t, http.StatusNotFound, w.Code)
		require.Empty(t, w.Body.Bytes())
	})
}
