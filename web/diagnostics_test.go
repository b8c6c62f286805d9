package web

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestDiagnosticsTellsWhyAndRetries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	b.logEmails()
	ids := b.record(email(1, "One"), email(2, "Two"), email(2, "Three"), email(3, "Four"))
	for _, id := range ids[:3] {
		b.deliver(id, models.ToSalesforce, failedForAField)
	}
	b.deliver(ids[3], models.ToMarketo, `state = 'failed', attempts = 1, error_class = 'access', error_code = '1003', error_text = '=cmd()', error_remedy = ''`)
	b.deliver(ids[3], models.ToSalesforce, `attempts = 2, due_at = now() + interval '1 hour', error_class = 'intermittent', error_code = 'UNABLE_TO_LOCK_ROW',
		error_text = 'The record was locked.', error_remedy = 'It is tried again.'`)

	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/diagnostics").status(http.StatusOK).
		says("A required field is missing").says("Ask the Salesforce admin to drop the rule.").says("3 deliveries of 2 people").
		says("Heals by itself").says("The record was locked.")
	require.Equal(t, 2, page.doc.Find("form[action$='/retry-group']").Length())

	list := admin.get("/settings/diagnostics/failures?destination=salesforce&code=REQUIRED_FIELD_MISSING").status(http.StatusOK)
	require.Equal(t, 3, list.doc.Find("form[action*='/deliveries/']").Length())
	action, _ := list.doc.Find("form[action*='/deliveries/']").First().Attr("action")
	list.post(action, "next", "/settings/diagnostics").redirects("/settings/diagnostics")
	admin.get("/settings/diagnostics").says("2 deliveries of")

	rows, err := csv.NewReader(strings.NewReader(admin.get("/settings/diagnostics.csv").status(http.StatusOK).body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4, "the header and three failures")
	require.NotContains(t, strings.Join(rows[1], "\n")+"\n"+strings.Join(rows[2], "\n")+"\n"+strings.Join(rows[3], "\n"), "\n=cmd()", "no formulas")

	page.post("/settings/diagnostics/retry-group", "destination", "salesforce", "code", "REQUIRED_FIELD_MISSING").redirects("/settings/diagnostics")
	page.post("/settings/diagnostics/retry").redirects("/settings/diagnostics")
	var failed int64
	require.NoError(t, b.db.Gorm.Raw(`SELECT count(*) FROM deliveries WHERE state = 'failed'`).Scan(&failed).Error)
	require.Zero(t, failed)
	page.post("/settings/diagnostics/retry-group", "destination", "elsewhere", "code", "x").status(http.StatusBadRequest)
	page.post("/settings/diagnostics/deliveries/999999/retry").status(http.StatusNotFound)
}

func TestAllCodesAreExplained(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	all := admin.get("/settings/diagnostics/codes").status(http.StatusOK)
	require.Greater(t, all.doc.Find("tbody tr").Length(), 60)
	one := admin.get("/settings/diagnostics/codes?q=UNABLE_TO_LOCK_ROW&system=salesforce").status(http.StatusOK)
	require.Equal(t, 1, one.doc.Find("tbody tr").Length())
}

func TestEveryPageSaysThatADestinationIsPaused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pause := func(code string) {
		_, err := b.db.Pool.Exec(t.Context(), `UPDATE destinations SET paused_class = 'authentication', paused_code = $1, paused_since = now(),
			paused_text = 'Salesforce takes the connection no more.', paused_remedy = 'Press Connect.' WHERE name = 'salesforce'`, code)
		require.NoError(t, err)
	}
	rep, admin := b.signedIn(b.addUser("rita@example.com", models.RoleRep)), b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	pause("needs_reconnect")
	admin.get("/people").says("Nothing is sent to Salesforce. Salesforce takes the connection no more. Press Connect.")
	require.NotContains(t, rep.get("/people").says("Nothing is sent to Salesforce at the moment").body, "Press Connect")
	admin.get("/settings/diagnostics").says("Press Connect.")
	admin.get("/settings/salesforce").says("must be connected again").says("Press Connect.")

	pause("not_connected")
	require.NotContains(t, admin.get("/people").body, "Nothing is sent to Salesforce", "whoever does not use it is not told on every page")
}
