package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// cookie returns what the browser keeps under a name.
func (v *visitor) cookie(name string) string {
	site, err := url.Parse(v.b.site.URL)
	require.NoError(v.b.t, err)
	for _, c := range v.client.Jar.Cookies(site) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (v *visitor) setCookie(name, value string) {
	site, err := url.Parse(v.b.site.URL)
	require.NoError(v.b.t, err)
	v.client.Jar.SetCookies(site, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("rita@example.com", models.RoleRep)

	t.Run("leads to where one wanted to go", func(t *testing.T) {
		v := b.visitor()
		asked := v.get("/people?q=ada")
		asked.redirects("/signin?next=%2Fpeople%3Fq%3Dada")
		form := v.get(asked.Header.Get("Location")).status(http.StatusOK)
		form.submit("form[action='/signin']", "email", "Rita@Example.com ", "password", rightPassword).redirects("/people?q=ada")
		v.get("/people?q=ada").status(http.StatusOK)
	})
	t.Run("leads nowhere else", func(t *testing.T) {
		for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/%09/evil.example", "javascript:alert(1)"} {
			v := b.visitor()
			to := v.get("/signin?next="+url.QueryEscape(next)).
				submit("form[action='/signin']", "email", "rita@example.com", "password", rightPassword).
				status(http.StatusSeeOther).Header.Get("Location")
			target, err := v.b.server.parse(to)
			require.NoError(t, err)
			require.Equal(t, "example.test", target.Host, "%q led to %q", next, to)
		}
	})
	t.Run("says the same of a wrong password and an unknown address", func(t *testing.T) {
		for _, email := range []string{"rita@example.com", "nobody@example.com"} {
			v := b.visitor()
			answer := v.get("/signin").submit("form[action='/signin']", "email", email, "password", "something wrong").
				status(http.StatusUnprocessableEntity).says("The e-mail address or the password is not right.")
			kept, _ := answer.doc.Find("input[name=email]").Attr("value")
			require.Equal(t, email, kept, "what was typed stays")
			sent, _ := answer.doc.Find("input[name=password]").Attr("value")
			require.Empty(t, sent, "a password is never sent back")
			require.Empty(t, v.cookie("session"))
		}
	})
	t.Run("gives each sign-in a new id, which ends the one before", func(t *testing.T) {
		v := b.visitor()
		v.setCookie("session", "chosen-by-somebody-else")
		v.get("/signin").submit("form[action='/signin']", "email", "rita@example.com", "password", rightPassword)
		require.NotEqual(t, "chosen-by-somebody-else", v.cookie("session"))
		var hashes [][]byte
		require.NoError(t, b.db.Gorm.Raw("SELECT id_hash FROM sessions").Scan(&hashes).Error)
		require.Contains(t, hashes, hashID(v.cookie("session")), "the database has the hash alone")
	})
}

// parse reads a redirect as a browser at example.test does.
func (s *Server) parse(to string) (*url.URL, error) {
	base := url.URL{Scheme: "http", Host: "example.test", Path: "/signin"}
	return base.Parse(strings.ReplaceAll(to, `\`, "/"))
}

func TestTooManyFailuresAreRefusedForAWhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("rita@example.com", models.RoleRep)
	v := b.visitor()
	sign := func(password string) *page {
		return v.get("/signin").submit("form[action='/signin']", "email", "rita@example.com", "password", password)
	}
	for range models.SigninFailuresHere {
		sign("something wrong").status(http.StatusUnprocessableEntity)
	}
	answer := sign(rightPassword).status(http.StatusTooManyRequests).says("Try again in")
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	b.clock.Advance(models.SigninWindow + time.Second)
	sign(rightPassword).redirects("/")
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.addUser("ada@example.com", models.RoleAdmin)
	user := b.addUser("rita@example.com", models.RoleRep)
	in := func(v *visitor) bool { return v.get("/account").StatusCode == http.StatusOK }

	t.Run("by signing out", func(t *testing.T) {
		v, other := b.signedIn(user), b.signedIn(user)
		id := v.cookie("session")
		v.get("/account").submit("form[action='/signout']").redirects("/signin")
		require.False(t, in(v))
		v.setCookie("session", id)
		require.False(t, in(v), "the id is worth nothing any more")
		require.True(t, in(other))
	})
	t.Run("everywhere by signing out everywhere", func(t *testing.T) {
		v, other := b.signedIn(user), b.signedIn(user)
		v.get("/account").post("/signout/everywhere").redirects("/signin")
		require.False(t, in(v))
		require.False(t, in(other))
	})
	t.Run("when the user is deactivated", func(t *testing.T) {
		v := b.signedIn(user)
		require.NoError(t, models.Deactivate(t.Context(), b.db.Gorm, user.ID, b.clock.Now()))
		require.False(t, in(v))
		b.visitor().get("/signin").submit("form[action='/signin']", "email", user.Email, "password", rightPassword).
			status(http.StatusUnprocessableEntity).says("The e-mail address or the password is not right.")
		require.NoError(t, models.Activate(t.Context(), b.db.Gorm, user.ID))
	})
	t.Run("after half a day of rest", func(t *testing.T) {
		v := b.signedIn(user)
		b.clock.Advance(idleLife - time.Minute)
		require.True(t, in(v), "use prolongs it")
		b.clock.Advance(idleLife - time.Minute)
		require.True(t, in(v))
		b.clock.Advance(idleLife)
		require.False(t, in(v))
	})
	t.Run("after two weeks, however much it is used", func(t *testing.T) {
		v := b.signedIn(admin)
		for left := absoluteLife; left > idleLife/2; left -= idleLife / 2 {
			require.True(t, in(v))
			b.clock.Advance(idleLife / 2)
		}
		b.clock.Advance(idleLife / 2)
		require.False(t, in(v))
	})
}

func TestARoleCountsAtOnceAndRenewsTheSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("ada@example.com", models.RoleAdmin)
	user := b.addUser("rita@example.com", models.RoleRep)
	v := b.signedIn(user)
	v.get("/settings/users").status(http.StatusForbidden).says("Only admins")
	before := v.cookie("session")

	require.NoError(t, models.SetRole(t.Context(), b.db.Gorm, user.ID, models.RoleAdmin))
	v.get("/settings/users").status(http.StatusOK)
	after := v.cookie("session")
	require.NotEqual(t, before, after)
	stale := b.visitor()
	stale.setCookie("session", before)
	stale.get("/account").status(http.StatusSeeOther)

	require.NoError(t, models.SetRole(t.Context(), b.db.Gorm, user.ID, models.RoleRep))
	v.get("/settings/users").status(http.StatusForbidden)
}

func TestBeingSeenIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.addUser("rita@example.com", models.RoleRep)
	v := b.signedIn(user)
	seen := func() time.Time {
		found, err := models.FindUser(t.Context(), b.db.Gorm, user.ID)
		require.NoError(t, err)
		if found.LastSeenAt == nil {
			return time.Time{}
		}
		return *found.LastSeenAt
	}
	v.get("/account")
	first := seen()
	b.clock.Advance(seenEvery / 2)
	v.get("/account")
	require.Equal(t, first, seen())
	b.clock.Advance(seenEvery)
	v.get("/account")
	require.True(t, seen().After(first))
}

func TestCookiesOverHTTPS(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Config{BaseURL: "https://sales.example.com"})
	answer := b.visitor().get("/signin")
	cookies := strings.Join(answer.Header.Values("Set-Cookie"), "\n")
	require.Contains(t, cookies, "__Host-csrf=")
	for _, attribute := range []string{"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} {
		require.Contains(t, cookies, attribute)
	}
	require.NotContains(t, cookies, "Domain=")
	require.NotEmpty(t, answer.Header.Get("Strict-Transport-Security"))
}
