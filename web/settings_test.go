package web

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestSyncActionsSayWhyTheyAreNotPossible(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	for action, why := range map[string]string{
		"start":     "Connect Marketo first.",
		"pause":     "The sync is not running.",
		"resume":    "The sync is not paused.",
		"reconcile": "Connect Marketo first.",
		"preview":   "Connect Marketo first.",
	} {
		t.Run(action, func(t *testing.T) {
			admin.get("/account").post("/settings/sync/" + action).redirects("/settings/sync")
			require.Contains(t, admin.get("/settings/sync").body, why)
		})
	}
}

func TestMarketoFormsKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/marketo").status(http.StatusOK)
	wrong := page.post("/settings/marketo", "endpoint", "not an address", "client_id", "typed-id", "client_secret", "typed-secret").
		status(http.StatusUnprocessableEntity)
	kept, _ := wrong.doc.Find("input[name=client_id]").Attr("value")
	require.Equal(t, "typed-id", kept)
	require.NotContains(t, wrong.body, "typed-secret", "a secret is never sent back")
	require.NotContains(t, b.log.String(), "typed-secret")

	page.post("/settings/marketo/qualification", "mode", "smart_list", "list_id", "x", "version", "0").
		status(http.StatusUnprocessableEntity).says("Enter the list's number")
	page.post("/settings/marketo/qualification", "mode", "smart_list", "version", "0").status(http.StatusUnprocessableEntity)
	page.post("/settings/marketo/qualification", "mode", "crm_linked", "version", "0").redirects("/settings/marketo")
	page.post("/settings/marketo/qualification", "mode", "owner_field", "version", "0").
		status(http.StatusUnprocessableEntity).says("Somebody else saved this at the same time")
}

func TestRecordLinksLeadToTheRecords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	person := admin.get("/people/2").status(http.StatusOK).says("00Q000000000001AAA")
	require.Zero(t, person.doc.Find("a[href*='loadLeadDetail']").Length(), "no address, no link")

	page := admin.get("/settings/marketo")
	page.post("/settings/marketo/links", "version", "0", "marketo_web", "javascript:alert(1)").status(http.StatusUnprocessableEntity).says("https://")
	page.post("/settings/marketo/links", "version", "0", "marketo_web", "https://app-sj01.marketo.com/", "salesforce_web", "https://acme.my.salesforce.com").
		redirects("/settings/marketo")

	person = admin.get("/people/2")
	require.NotZero(t, person.doc.Find("a[href='https://app-sj01.marketo.com/leadDatabase/loadLeadDetail?leadId=2']").Length())
	require.NotZero(t, person.doc.Find("a[href='https://acme.my.salesforce.com/00Q000000000001AAA']").Length())
	events, err := models.ListAudit(t.Context(), b.db.Gorm, models.AuditQuery{Action: "marketo.links"})
	require.NoError(t, err)
	require.Len(t, events.Events, 1)
}

func TestWebhookSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	admin.get("/settings/marketo").post("/settings/marketo/webhook-secret").redirects("/settings/marketo")
	first := admin.get("/settings/marketo")
	secret := secretIn(t, first)
	require.NotContains(t, admin.get("/settings/marketo").body, secret)

	hook := b.visitor()
	hook.header.Set("X-Webhook-Secret", secret)
	require.NotEqual(t, http.StatusUnauthorized, hook.do(http.MethodPost, "/api/v1/webhooks/marketo", nil).StatusCode)
	hook.header.Set("X-Webhook-Secret", secret+"x")
	hook.do(http.MethodPost, "/api/v1/webhooks/marketo", nil).status(http.StatusUnauthorized)
}

// secretIn returns what a page shows once, for copying.
func secretIn(t *testing.T, p *page) string {
	t.Helper()
	shown := p.doc.Find("input[readonly][value], code").FilterFunction(func(_ int, s *selection) bool {
		value, _ := s.Attr("value")
		return len(value) >= 16 || len(s.Text()) >= 16
	}).First()
	if value, ok := shown.Attr("value"); ok {
		return value
	}
	require.NotEmpty(t, shown.Text(), "no secret on the page")
	return shown.Text()
}

func TestPeoplePagesGoForwardAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(120)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	page, seen := v.get("/people"), 0
	for {
		seen += page.status(http.StatusOK).doc.Find("a[href^='/people/']").FilterFunction(func(_ int, s *selection) bool {
			return len(s.Text()) > 0
		}).Length()
		next, ok := page.doc.Find("a[rel=next]").Attr("href")
		if !ok {
			break
		}
		page = v.get(next)
	}
	require.Equal(t, 120, seen)
}
