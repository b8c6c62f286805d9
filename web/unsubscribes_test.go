package web

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

// unsubscribe records somebody's word.
func (b *bundle) unsubscribe(person int64, source models.UnsubscribeSource) models.Unsubscribe {
	b.t.Helper()
	u, _, err := b.engine.Unsubscribe(b.t.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{PersonID: person}, Source: source, Reason: "Asked on the phone", Actor: "user:rita@example.com"})
	require.NoError(b.t, err)
	return u
}

func TestTheHandlingOfUnsubscribesIsSavedAtOnceAndAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	page := admin.get("/settings/unsubscribes").status(http.StatusOK).says("Salesforce is not connected").says("the answer is no").says("Nobody has unsubscribed")
	require.Equal(t, "true", page.doc.Find("#switch-check").AttrOr("aria-checked", ""), "asked unless an admin says otherwise")
	require.Equal(t, "false", page.doc.Find("#switch-nightly").AttrOr("aria-checked", ""))
	require.Zero(t, page.doc.Find("time[data-clock]").Length())

	page.submit("form[action='/settings/unsubscribes/nightly']").redirects("/settings/unsubscribes")
	page = admin.get("/settings/unsubscribes").says("Saved.")
	require.Equal(t, 1, page.doc.Find("time[data-clock]").Length(), "when it is due next")
	admin.header.Set("HX-Request", "true")
	part := page.submit("form[action='/settings/unsubscribes/check']").status(http.StatusOK).says("Saved.")
	require.Zero(t, part.doc.Find("nav").Length())
	admin.header.Del("HX-Request")

	wrong := page.post("/settings/unsubscribes/field", "field", "other", "other", "not a field").status(http.StatusUnprocessableEntity).says("API name of a checkbox")
	require.Equal(t, "not a field", wrong.doc.Find("[name=other]").AttrOr("value", ""))
	page.post("/settings/unsubscribes/field", "field", "other", "other", "No_Sales__c").redirects("/settings/unsubscribes#field")
	page = admin.get("/settings/unsubscribes")
	_, checked := page.doc.Find("#opt-out-other").Attr("checked")
	require.True(t, checked)
	require.Equal(t, "No_Sales__c", page.doc.Find("[name=other]").AttrOr("value", ""))
	page.post("/settings/unsubscribes/field", "field", models.SalesOptOut, "other", "No_Sales__c").redirects("/settings/unsubscribes#field")
	page.post("/settings/unsubscribes/run").redirects("/settings/unsubscribes")
	admin.get("/settings/unsubscribes").says("Salesforce is not connected.")

	settings, _, err := models.LoadUnsubscribing(t.Context(), b.db.Gorm)
	require.NoError(t, err)
	require.True(t, !settings.Check && settings.Nightly.On)
	require.Equal(t, models.SalesOptOut, settings.OptOutField)
	admin.get("/settings/audit?action=unsubscribes").says("Changed the handling of unsubscribes").says("Marketo asked before a send: no").
		says("compared with Salesforce each night: yes").says("opt-out field: “No_Sales__c” → “Marketo_Sales_Opt_Out__c”")
}

func TestWhatTheOrgHasOfTheOptOutFieldIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE destinations SET setup = $1 WHERE name = 'salesforce'`,
		`{"at":"2026-01-01T00:00:00Z","opt_outs":{"HasOptedOutOfEmail":{"lead":{"read":true,"write":true},"contact":{"read":true}},"Marketo_Sales_Opt_Out__c":{}}}`)
	require.NoError(t, err)
	page := admin.get("/settings/unsubscribes")
	require.Contains(t, page.doc.Find("#opt-out-HasOptedOutOfEmail-hint").Text(), "there and editable")
	require.Contains(t, page.doc.Find("#opt-out-HasOptedOutOfEmail-hint").Text(), "there, read only")
	require.Contains(t, page.doc.Find("#opt-out-Marketo_Sales_Opt_Out__c-hint").Text(), "not there, or hidden")
}

func TestTheListSaysWhyWhoeverUnsubscribedIsNotKnownInSalesforce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(4)
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET salesforce_lead_id = NULL WHERE id = 2`)
	require.NoError(t, err)
	failed := b.unsubscribe(1, models.ByRep)
	b.unsubscribe(2, models.ByAPI)
	done := b.unsubscribe(3, models.ByLink)
	b.unsubscribe(4, models.ByLink)
	_, _, err = b.engine.Unsubscribe(t.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{Email: "new@example.com"}, Source: models.ByBounce})
	require.NoError(t, err)
	for id, set := range map[int64]string{
		failed.ID: `state = 'failed', attempts = 1, error_class = 'access', error_code = 'no_opt_out_field', error_text = 'Leads have no checkbox.', error_remedy = 'Choose the other field.'`,
		done.ID:   `state = 'delivered', remote_id = '00Q000000000001AAA'`,
	} {
		_, err := b.db.Pool.Exec(t.Context(), `UPDATE deliveries SET `+set+` WHERE unsubscribe_id = $1`, id)
		require.NoError(t, err)
	}
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	rows := func(query string) int {
		return admin.get("/settings/unsubscribes" + query).status(http.StatusOK).doc.Find("#unsubscribes tbody tr").Length()
	}
	require.Equal(t, 5, rows(""))
	require.Equal(t, 2, rows("?source=link"))
	require.Equal(t, 4, rows("?stuck=1"))
	require.Equal(t, 1, rows("?stuck=1&source=link"))
	admin.get("/settings/unsubscribes?source=nope").status(http.StatusBadRequest)
	admin.get("/settings/unsubscribes?cursor=nope").status(http.StatusBadRequest)

	page := admin.get("/settings/unsubscribes?stuck=1").says("Leads have no checkbox. Choose the other field.").says("nobody here yet").says("no record there").says("on its way").
		says("Asked on the phone").says("by rita@example.com").says("new@example.com")
	require.Equal(t, 3, page.doc.Find("#unsubscribes tbody a[href^='/people/']").Length())
	page.submit(fmt.Sprintf("#unsubscribe-%d form[action$='/retry']", failed.ID)).redirects("/settings/unsubscribes?stuck=1")

	page = admin.get("/settings/unsubscribes?source=link")
	page.submit(fmt.Sprintf("#unsubscribe-%d form[action$='/clear']", done.ID)).redirects("/settings/unsubscribes?source=link")
	admin.get("/settings/unsubscribes").says("Clear it in Salesforce and Marketo by hand too.")
	require.Equal(t, 1, rows("?source=link"))
	require.Equal(t, 2, rows("?source=link&cleared=1"))
	page.post(fmt.Sprintf("/settings/unsubscribes/%d/clear", done.ID)).status(http.StatusNotFound)
	page.post(fmt.Sprintf("/settings/unsubscribes/%d/clear", failed.ID), "next", "https://evil.example").redirects("/settings/unsubscribes")
	admin.get("/settings/audit?action=unsubscribes.clear").says("Cleared an unsubscribe").says("person: 3")
}

func TestTheListOfUnsubscribesIsPaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(60)
	for person := range int64(60) {
		b.unsubscribe(person+1, models.ByRep)
	}
	admin := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	first := admin.get("/settings/unsubscribes?source=rep")
	require.Equal(t, 50, first.doc.Find("#unsubscribes tbody tr").Length())
	next := first.doc.Find("#unsubscribes a[rel=next]").AttrOr("href", "")
	second := admin.get(next).status(http.StatusOK)
	require.Equal(t, 10, second.doc.Find("#unsubscribes tbody tr").Length())
	require.Equal(t, "/settings/unsubscribes?source=rep#list", second.doc.Find("#unsubscribes a[rel=first]").AttrOr("href", ""))
	require.Zero(t, second.doc.Find("#unsubscribes a[rel=next]").Length())
}
