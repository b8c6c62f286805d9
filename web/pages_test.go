package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// pages are the paths of whole pages that an admin can open.
func pages(b *bundle) []string {
	var paths []string
	for _, r := range b.server.routes() {
		if r.method == http.MethodGet && (r.permission == signedIn || r.permission == admin) && !r.has(stream) && !strings.HasPrefix(r.path, jobsPath) {
			paths = append(paths, strings.ReplaceAll(r.path, ":id", "7"))
		}
	}
	return paths
}

func TestEveryPageKeepsToThePolicy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(60)
	v := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	for _, path := range append(pages(b), "/signin", "/nothing/here", "/people/999") {
		answer := v.get(path)
		require.Less(t, answer.StatusCode, http.StatusInternalServerError, path)
		require.Equal(t, policy, answer.Header.Get(echo.HeaderContentSecurityPolicy), path)
		require.Equal(t, "nosniff", answer.Header.Get(echo.HeaderXContentTypeOptions), path)
		require.Equal(t, "no-store", answer.Header.Get(echo.HeaderCacheControl), path)
		if answer.StatusCode == http.StatusOK && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
			require.Contains(t, strings.Join(answer.Header.Values("Vary"), ","), "HX-Request", path)
		}
		answer.doc.Find("[style], style, script:not([src]):not([type='application/json'])").Each(func(_ int, s *selection) {
			html, err := s.Parent().Html()
			require.NoError(t, err)
			t.Errorf("%s has an inline style or script in %s", path, html)
		})
		answer.doc.Find("form[method='post'], form[method='POST']").Each(func(_ int, s *selection) {
			token, _ := s.Find("input[name=csrf]").Attr("value")
			action, _ := s.Attr("action")
			require.NotEmpty(t, token, "the form to %s on %s has no token", action, path)
		})
	}
}

// TestPagesAskABoundedNumberOfQuestions opens each page with few rows and with
// many: what it asks of the database must not grow with them.
func TestPagesAskABoundedNumberOfQuestions(t *testing.T) {
	t.Parallel()
	const most = 16
	few, many := setup(t), setup(t)
	few.addPeople(8)
	many.addPeople(600)
	for i := range int64(40) {
		_, _, err := models.CreateAPIToken(t.Context(), many.db.Gorm, many.clock.Now(), "Token "+id(i), models.ScopeRead, "cli")
		require.NoError(t, err)
		many.addUser("user"+id(i)+"@example.com", models.RoleRep)
	}
	counts := func(b *bundle) map[string]int64 {
		v := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
		asked := map[string]int64{}
		for _, path := range pages(b) {
			if path == "/people.csv" {
				continue // grows by pages of 500, on purpose
			}
			v.get(path) // what is asked only once
			before := b.asked.n.Load()
			v.get(path)
			asked[path] = b.asked.n.Load() - before
		}
		return asked
	}
	small, large := counts(few), counts(many)
	for path, n := range large {
		require.LessOrEqual(t, n, int64(most), path)
		require.LessOrEqual(t, n, small[path]+3, "%s asks more where there are more rows", path)
	}
}

func TestErrorsAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))

	t.Run("a page that is not there, with its request's id", func(t *testing.T) {
		answer := v.get("/nothing/here").status(http.StatusNotFound)
		require.NotEmpty(t, answer.Header.Get(echo.HeaderXRequestID))
		v.get("/people/x").status(http.StatusNotFound)
		v.get("/people/4711").status(http.StatusNotFound)
	})
	t.Run("a call that is not there, as a problem", func(t *testing.T) {
		answer := v.get("/api/v1/nothing").status(http.StatusNotFound)
		require.Equal(t, "application/problem+json", answer.Header.Get(echo.HeaderContentType))
	})
	t.Run("a page of a list that is no more", func(t *testing.T) {
		v.get("/people?cursor=x").status(http.StatusBadRequest).says("Start from the first page")
		v.get("/people?sort=password_hash").status(http.StatusBadRequest)
		v.get("/people?q=" + strings.Repeat("x", 300)).status(http.StatusBadRequest)
	})
	t.Run("text that is no text", func(t *testing.T) {
		v.get("/people?q=%00%ff%fe&owner=%00").status(http.StatusOK)
	})
	t.Run("a body that is too large", func(t *testing.T) {
		v.do(http.MethodPost, "/account/password", map[string][]string{"csrf": {strings.Repeat("x", 9<<20)}}).
			status(http.StatusRequestEntityTooLarge)
	})
}

func TestInternalErrorsTellNothingAndAreLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.echo.GET("/panic", func(echo.Context) error { panic("secret detail") })
	answer := b.visitor().get("/panic").status(http.StatusInternalServerError)
	require.NotContains(t, answer.body, "secret detail")
	request := answer.Header.Get(echo.HeaderXRequestID)
	require.Contains(t, answer.body, request)
	require.Contains(t, b.log.String(), "secret detail")
	require.Contains(t, b.log.String(), "request_id="+request)
	require.Equal(t, 1, strings.Count(b.log.String(), "level=ERROR"), "it is logged once")
}

func TestAnAnswerThatBreaksOffDoesNotLookWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.echo.GET("/half", func(c echo.Context) error {
		if err := c.String(http.StatusOK, "half of it"); err != nil {
			return err
		}
		c.Response().Flush()
		return models.ErrNotFound
	})
	response, err := b.site.Client().Get(b.site.URL + "/half")
	require.NoError(t, err)
	defer response.Body.Close()
	_, err = response.Body.Read(make([]byte, 64))
	for err == nil {
		_, err = response.Body.Read(make([]byte, 64))
	}
	require.ErrorContains(t, err, "EOF")
	require.NotEqual(t, "EOF", err.Error(), "the connection must be cut, not ended")
}

func TestWithoutADatabaseThePageSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	v.get("/readyz").status(http.StatusOK)
	b.db.Close()
	require.GreaterOrEqual(t, v.get("/people").StatusCode, http.StatusInternalServerError)
	v.get("/readyz").status(http.StatusServiceUnavailable)
	v.get("/healthz").status(http.StatusOK)
}

func TestTheLogHasNoSecretsAndNoNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	v.get("/people?q=Lovelace")
	v.get("/invitations/SECRETTOKEN")
	v.get("/people/4711")
	log := b.log.String()
	require.Contains(t, log, "route=/people/:id")
	for _, secret := range []string{"Lovelace", "SECRETTOKEN", "rita@", rightPassword, v.cookie("session"), v.cookie("csrf")} {
		require.NotContains(t, log, secret)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.visitor()
	v.get("/people/1")
	v.get("/people/2")
	v.get("/nothing/here")
	v.do("BREW", "/coffee", nil)
	metrics := v.get("/metrics").status(http.StatusOK).body
	require.Contains(t, metrics, `salesactions_http_request_duration_seconds_count{method="GET",route="/people/:id",status="303"} 2`)
	require.Contains(t, metrics, `method="other",route="unknown"`)
	require.NotContains(t, metrics, "/nothing/here")
	for _, line := range strings.Split(metrics, "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			require.True(t, strings.HasPrefix(line, "salesactions_") || strings.HasPrefix(line, "promhttp_"), line)
		}
	}
}

func TestStreamsAreNotCompressed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.site.URL+"/events?topic=people", nil)
	require.NoError(t, err)
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("Accept", "text/event-stream")
	response, err := v.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Empty(t, response.Header.Get("Content-Encoding"))
	require.True(t, strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream"))
	first := make([]byte, 5)
	_, err = response.Body.Read(first)
	require.NoError(t, err, "the first bytes come at once")
}

func TestAddressesAreTakenFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, trusted, want string }{
		{"nobody is trusted", "", "192.0.2.9"},
		{"the proxy is trusted", "192.0.2.0/24", "203.0.113.5"},
		{"another is trusted", "198.51.100.0/24", "192.0.2.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &Server{cfg: Config{TrustedProxies: prefixes(t, tt.trusted)}}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "192.0.2.9:1234"
			r.Header.Set("X-Forwarded-For", "203.0.113.5")
			require.Equal(t, tt.want, s.addressOf()(r))
		})
	}
}
