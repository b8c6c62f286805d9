package web

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

func TestEachSwitchIsSavedAtOnceAndAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/logging").status(http.StatusOK).says("Salesforce is not connected")
	require.Zero(t, page.doc.Find("[role=switch][aria-checked=true]").Length(), "nothing is logged unless an admin says so")
	_, disabled := page.doc.Find("#switch-replies").Attr("disabled")
	require.True(t, disabled, "replies are only logged where emails are")

	page.submit("form[action='/settings/logging/emails']").redirects("/settings/logging")
	page = admin.get("/settings/logging").says("Saved.")
	on, _ := page.doc.Find("#switch-emails").Attr("aria-checked")
	require.Equal(t, "true", on)

	admin.header.Set("HX-Request", "true")
	part := page.submit("form[action='/settings/logging/calls']").status(http.StatusOK).says("Saved.")
	require.Zero(t, part.doc.Find("nav").Length(), "htmx is answered with the switches alone")
	require.Equal(t, 2, part.doc.Find("[role=switch][aria-checked=true]").Length())
	admin.header.Del("HX-Request")

	logging, _, err := models.LoadLogging(t.Context(), b.db.Gorm)
	require.NoError(t, err)
	require.True(t, logging.Emails.On && logging.Calls.On && !logging.Replies.On && !logging.Tasks.On)
	events, err := models.ListAudit(t.Context(), b.db.Gorm, models.AuditQuery{Action: "logging.change"})
	require.NoError(t, err)
	require.Len(t, events.Events, 2)
	require.Equal(t, "user:ada@example.com", events.Events[0].Actor)
}

func TestTheSubjectsTemplateIsShownOnARealActivity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(1)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/logging").says("a made-up email")
	b.record(email(1, "Our pricing"))
	page.post("/settings/logging/preview", "subject_template", "{{activity_type}} – {{activity_subject}}").status(http.StatusOK).says("Email – Our pricing")
	page.post("/settings/logging/preview", "subject_template", "{{nope}}").status(http.StatusOK).says("There is no field {{nope}}.")

	wrong := page.post("/settings/logging/subject", "subject_template", "Hi {{nope}}").status(http.StatusUnprocessableEntity)
	kept, _ := wrong.doc.Find("[name=subject_template]").Attr("value")
	require.Equal(t, "Hi {{nope}}", kept)
	page.post("/settings/logging/subject", "subject_template", "{{activity_subject}}").redirects("/settings/logging")
	page.post("/settings/logging/keys", "key_field", "not a field", "marker_field", "").status(http.StatusUnprocessableEntity).says("API name")
	page.post("/settings/logging/keys", "key_field", "", "marker_field", "CallObject").redirects("/settings/logging")
	logging, _, err := models.LoadLogging(t.Context(), b.db.Gorm)
	require.NoError(t, err)
	require.Equal(t, "{{activity_subject}}", logging.SubjectTemplate)
	require.Equal(t, "CallObject", logging.MarkerField)
	require.Empty(t, logging.KeyField)
}

func TestABackfillIsCountedBeforeItStarts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	ids := b.record(email(1, "Before"), email(2, "Before too"),
		syncengine.ActivityInput{Kind: models.CallReceived, PersonID: 1})
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/logging")
	page.post("/settings/logging/backfill", "since", "soon", "kind", "emails").status(http.StatusUnprocessableEntity).says("Enter a date")
	page.post("/settings/logging/backfill", "since", "2999-01-01", "kind", "emails").status(http.StatusUnprocessableEntity).says("has passed")
	page.post("/settings/logging/backfill", "since", "2020-01-01").status(http.StatusUnprocessableEntity).says("at least one kind")
	page.post("/settings/logging/backfill", "since", "2020-01-01", "kind", "emails", "do", "count").status(http.StatusOK).says("2 Tasks would be created")
	var pending int64
	count := func() int64 {
		require.NoError(t, b.db.Gorm.Raw(`SELECT count(*) FROM deliveries WHERE destination = 'salesforce' AND state = 'pending'`).Scan(&pending).Error)
		return pending
	}
	require.Zero(t, count(), "counting starts nothing")
	page.post("/settings/logging/backfill", "since", "2020-01-01", "kind", "emails", "do", "start").redirects("/settings/logging")
	require.EqualValues(t, 2, count())
	admin.get("/activity/" + ids[0].String()).says("on its way")
	page.post("/settings/logging/backfill", "since", "2020-01-01", "kind", "emails", "do", "start").redirects("/settings/logging")
	require.EqualValues(t, 2, count(), "twice is once")
}

func TestConnectLeadsToSalesforcesLoginPage(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Config{BaseURL: "https://sales.example.com"})
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/salesforce").status(http.StatusOK).says("not connected").says("https://sales.example.com/settings/salesforce/callback")
	admin.get("/settings/salesforce/connect").redirects("/settings/salesforce")
	admin.get("/settings/salesforce").says("Enter the consumer key and secret")

	wrong := page.post("/settings/salesforce", "login_url", "http://evil.example", "client_id", "typed-key", "client_secret", "typed-secret").
		status(http.StatusUnprocessableEntity)
	kept, _ := wrong.doc.Find("[name=client_id]").Attr("value")
	require.Equal(t, "typed-key", kept)
	require.NotContains(t, wrong.body, "typed-secret")
	page.post("/settings/salesforce", "login_url", "https://acme.my.salesforce.com", "client_id", "typed-key", "client_secret", "typed-secret").redirects("/settings/salesforce")
	require.NotContains(t, admin.get("/settings/salesforce").body, "typed-secret")
	require.NotContains(t, b.log.String(), "typed-secret")

	target, err := url.Parse(admin.get("/settings/salesforce/connect").Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "acme.my.salesforce.com", target.Host)
	require.Equal(t, "/services/oauth2/authorize", target.Path)
	asked := target.Query()
	require.Equal(t, "typed-key", asked.Get("client_id"))
	require.Equal(t, "https://sales.example.com/settings/salesforce/callback", asked.Get("redirect_uri"))
	require.Equal(t, "S256", asked.Get("code_challenge_method"))
	require.NotEmpty(t, asked.Get("code_challenge"))

	admin.get("/settings/salesforce/callback?code=x&state=forged").redirects("/settings/salesforce")
	admin.get("/settings/salesforce").says("This connection was not begun here")
	other := b.signedIn(b.addUser("bob@example.com", models.RoleAdmin))
	other.get("/settings/salesforce/callback?code=x&state=" + url.QueryEscape(asked.Get("state"))).redirects("/settings/salesforce")
	other.get("/settings/salesforce").says("This connection was not begun here")
	admin.get("/settings/salesforce/callback?error=access_denied&state=" + url.QueryEscape(asked.Get("state"))).redirects("/settings/salesforce")
	admin.get("/settings/salesforce").says("Access was not allowed in Salesforce.")
}

func TestRepsWithoutAUserComeFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(1)
	b.record(email(1, "Hello"))
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/users").status(http.StatusOK).says("rita@example.com").says("not looked for yet").says("0 activities in 90 days")
	page.post("/settings/users/reps", "email", "rita@example.com").status(http.StatusUnprocessableEntity).says("begins with 005")
	page.post("/settings/users/reps", "email", "rita@example.com", "user_id", "005000000000001AAA").status(http.StatusUnprocessableEntity).says("Salesforce could not be asked")
	_, err := b.db.Pool.Exec(t.Context(), `INSERT INTO salesforce_reps (email, user_id, user_name, linked_by) VALUES ('rita@example.com', '005000000000001AAA', 'Rita R', 'cli')`)
	require.NoError(t, err)
	page = admin.get("/settings/users").says("linked").says("Rita R")
	page.post("/settings/users/reps", "email", "rita@example.com", "unlink", "1").redirects("/settings/users#reps")
	admin.get("/settings/users").says("not looked for yet")
}
