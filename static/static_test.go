package static

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAssets(t *testing.T) {
	t.Parallel()
	for name := range bundles {
		answer := httptest.NewRecorder()
		Handler().ServeHTTP(answer, httptest.NewRequest("GET", URL(name), nil))
		require.Equal(t, 200, answer.Code, name)
		require.Contains(t, answer.Header().Get("Cache-Control"), "immutable")
	}
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/static/app-000000000000.css", nil))
	require.Equal(t, 404, answer.Code)
}

func TestOwnScriptsStaySmall(t *testing.T) {
	t.Parallel()
	lines := 0
	for _, part := range bundles["app.js"] {
		raw, err := files.ReadFile(part)
		require.NoError(t, err)
		lines += strings.Count(string(raw), "\n")
	}
	require.Less(t, lines, 200)
}
