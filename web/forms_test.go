package web

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestForgedFormsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addUser("ada@example.com", models.RoleAdmin)
	user := b.addUser("rita@example.com", models.RoleRep)
	v := b.signedIn(user)
	other := b.visitor().get("/signin")
	foreign, _ := other.doc.Find("input[name=csrf]").Attr("value")
	require.NotEmpty(t, foreign)
	for name, form := range map[string]url.Values{
		"no token": {"x": {"y"}}, "an empty token": {"csrf": {""}}, "a made-up token": {"csrf": {"x"}}, "another browser's token": {"csrf": {foreign}},
	} {
		for _, path := range []string{"/signout", "/signin", "/account/password"} {
			v.do(http.MethodPost, path, form).status(http.StatusForbidden).says("reload the page")
			require.Equal(t, http.StatusOK, v.get("/account").StatusCode, "%s to %s did something", name, path)
		}
	}
	t.Run("even with a token when a browser says that it comes from elsewhere", func(t *testing.T) {
		own := v.get("/account")
		v.header.Set("Sec-Fetch-Site", "cross-site")
		defer v.header.Del("Sec-Fetch-Site")
		own.post("/signout").status(http.StatusForbidden)
	})
	t.Run("but the header will do, for scripts", func(t *testing.T) {
		token, _ := v.get("/account").doc.Find("input[name=csrf]").First().Attr("value")
		v.header.Set("X-CSRF-Token", token)
		defer v.header.Del("X-CSRF-Token")
		v.do(http.MethodPost, "/signout", nil).redirects("/signin")
	})
}

func TestPartsOfPagesSendTheBrowserToSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.visitor()
	v.header.Set("HX-Request", "true")
	v.header.Set("HX-Current-URL", b.site.URL+"/people?q=a")
	answer := v.get("/people?q=ab").status(http.StatusUnauthorized)
	require.Equal(t, "/signin?next=%2Fpeople%3Fq%3Da", answer.Header.Get("HX-Redirect"))
	v.header.Set("Accept", "text/event-stream")
	v.header.Del("HX-Request")
	v.get("/events?topic=sync").status(http.StatusUnauthorized)
}

// TestMessagesWaitForAPageThatShowsThem asks for each page as an open one does that
// brings itself up to date, in this tab or in another: it must not take the message
// that the page after a form is to show.
func TestMessagesWaitForAPageThatShowsThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(1)
	v := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	v.get("/settings/tokens").submit("form[action='/settings/tokens']", "name", "ETL", "scope", "read").redirects("/settings/tokens")
	const message = ".secret code"
	v.header.Set("HX-Request", "true")
	for _, kind := range []string{"full", "partial"} {
		v.header.Set("HX-Request-Type", kind)
		for _, path := range pages(b) {
			require.Zero(t, v.get(path).doc.Find(message).Length(), path)
		}
	}
	v.header.Del("HX-Request-Type")
	v.header.Del("HX-Request")
	require.Equal(t, 1, v.get("/settings/tokens").doc.Find(message).Length())
	require.Zero(t, v.get("/settings/tokens").doc.Find(message).Length(), "once")
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	users := admin.get("/settings/users")
	users.post("/settings/users", "email", "no address", "role", "rep").status(http.StatusUnprocessableEntity).says("Enter an e-mail address")
	users.post("/settings/users", "email", "ADA@example.com", "role", "rep").status(http.StatusUnprocessableEntity).says("already")
	users.submit("form[action='/settings/users']", "email", "nia@example.com", "role", "rep").redirects("/settings/users")

	shown := admin.get("/settings/users")
	link := invitationLink(t, shown)
	require.Equal(t, b.site.URL, link.Scheme+"://"+link.Host)
	require.NotContains(t, admin.get("/settings/users").body, link.Path, "it is shown once")
	require.NotContains(t, b.log.String(), link.Path, "the log never has it")

	guest := b.visitor()
	form := guest.get(link.Path).status(http.StatusOK)
	form.submit("form[action='"+link.Path+"']", "name", "Nia New", "password", "short").
		status(http.StatusUnprocessableEntity).says("at least 10 characters")
	form.submit("form[action='"+link.Path+"']", "name", "Nia New", "password", "a good password").redirects("/")
	guest.get("/account").status(http.StatusOK).says("Nia New")
	b.visitor().get(link.Path).status(http.StatusNotFound).says("Ask an admin")
	b.visitor().get("/signin").submit("form[action='/signin']", "email", "nia@example.com", "password", "a good password").redirects("/")
}

func invitationLink(t *testing.T, shown *page) *url.URL {
	t.Helper()
	var found string
	for _, attribute := range []string{"value", "data-copy"} {
		shown.doc.Find("[" + attribute + "*='/invitations/']").Each(func(_ int, s *selection) { found, _ = s.Attr(attribute) })
	}
	if found == "" {
		found = shown.doc.Find("code:contains('/invitations/')").First().Text()
	}
	link, err := url.Parse(found)
	require.NoError(t, err)
	require.NotEmpty(t, link.Path, "no link on the page")
	return link
}

func TestUsersAreManaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada, rita := b.addUser("ada@example.com", models.RoleAdmin), b.addUser("rita@example.com", models.RoleRep)
	admin, rep := b.signedIn(ada), b.signedIn(rita)
	path := func(u models.User, action string) string { return "/settings/users/" + id(u.ID) + "/" + action }
	page := admin.get("/settings/users").status(http.StatusOK)

	page.post(path(ada, "role"), "role", "rep").redirects("/settings/users")
	admin.get("/settings/users").says("Somebody must stay admin")
	page.post(path(ada, "deactivate")).redirects("/settings/users")
	admin.get("/settings/users").says("You cannot deactivate yourself.")

	page.post(path(rita, "signout")).redirects("/settings/users")
	rep.get("/account").status(http.StatusSeeOther)
	page.post(path(rita, "role"), "role", "admin").redirects("/settings/users")
	page.post(path(rita, "deactivate")).redirects("/settings/users")
	page.post(path(rita, "activate")).redirects("/settings/users")
	page.post(path(rita, "invitation")).redirects("/settings/users")
	page.post("/settings/users/4711/activate").status(http.StatusNotFound)
	page.post("/settings/users/x/activate").status(http.StatusNotFound)

	events, err := models.ListAudit(t.Context(), b.db.Gorm, models.AuditQuery{Actor: "user:ada@example.com", Action: "users"})
	require.NoError(t, err)
	var actions []string
	for _, e := range events.Events {
		require.Equal(t, "rita@example.com", e.Subject)
		actions = append(actions, e.Action)
	}
	require.Equal(t, []string{"users.invitation", "users.activate", "users.deactivate", "users.role", "users.signout"}, actions)
	admin.get("/settings/audit?action=users").status(http.StatusOK).says("users.signout")
}

func TestTokensAreMadeAndRevoked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	tokens := admin.get("/settings/tokens")
	tokens.post("/settings/tokens", "name", " ", "scope", "all").status(http.StatusUnprocessableEntity).says("Enter a name.")
	tokens.submit("form[action='/settings/tokens']", "name", "Dialer", "scope", "read").redirects("/settings/tokens")
	plain := tokenIn(t, admin.get("/settings/tokens").body)
	require.NotContains(t, admin.get("/settings/tokens").body, plain, "it is shown once")
	require.NotContains(t, b.log.String(), plain)

	program := b.visitor()
	program.header.Set("Authorization", "Bearer "+plain)
	program.get("/api/v1/people").status(http.StatusOK)
	made, err := models.FindAPIToken(t.Context(), b.db.Gorm, plain)
	require.NoError(t, err)
	admin.get("/settings/tokens").submit("form[action='/settings/tokens/" + id(made.ID) + "/revoke']").redirects("/settings/tokens")
	program.get("/api/v1/people").status(http.StatusUnauthorized)
}

func TestPasswordIsChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.addUser("rita@example.com", models.RoleRep)
	v, other := b.signedIn(user), b.signedIn(user)
	account := v.get("/account")
	const form = "form[action='/account/password']"
	account.submit(form, "password", "something wrong", "new_password", "another good one").
		status(http.StatusUnprocessableEntity).says("This is not your current password.")
	account.submit(form, "password", rightPassword, "new_password", "short").status(http.StatusUnprocessableEntity).says("at least 10 characters")
	before := v.cookie("session")
	account.submit(form, "password", rightPassword, "new_password", "another good one").redirects("/account")
	require.NotEqual(t, before, v.cookie("session"))
	v.get("/account").status(http.StatusOK).says("Your password is changed")
	other.get("/account").status(http.StatusSeeOther)
	b.visitor().get("/signin").submit("form[action='/signin']", "email", user.Email, "password", rightPassword).
		status(http.StatusUnprocessableEntity)
}
