package web

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

func TestThePageIsThereBeforeTheSmartGrid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	grid := v.get("/people/1").status(http.StatusOK).doc.Find("#smart-grid")
	address, _ := grid.Attr("hx-get")
	require.Equal(t, "/people/1/smart-grid", address)
	busy, _ := grid.Attr("aria-busy")
	require.Equal(t, "true", busy)
}

func TestTheSmartGridIsWholeWithoutMarketo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	b.record(email(1, "From here"), syncengine.ActivityInput{Kind: models.CallReceived, PersonID: 1}, syncengine.ActivityInput{Kind: models.CampaignAdded, PersonID: 1})
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	page := v.get("/people/1/smart-grid").status(http.StatusOK).says("Marketo is not connected.").says("Try again").says("From here")
	require.NotZero(t, page.doc.Find("nav").Length(), "a page of its own without scripts")
	require.Equal(t, 5, page.doc.Find("[data-grid] tbody tr").Length())
	columns := page.doc.Find("[data-grid] thead th").Length() - 1
	require.Equal(t, 5*columns, page.doc.Find("[data-grid] td a[href]").Length())
	require.Equal(t, 1, page.doc.Find("[data-grid] a[aria-current]").Length(), "the current week is selected")
	page.says("Everything in the week of")

	v.header.Set("HX-Request", "true")
	part := v.get("/people/1/smart-grid?week=all&kind=call").status(http.StatusOK).says("Calls of 90 days: 1 event")
	require.Zero(t, part.doc.Find("nav").Length())
	require.Equal(t, 1, part.doc.Find("[data-grid] a[tabindex='0']").Length(), "one stop for the tab key")
	v.header.Del("HX-Request")
	v.get("/people/1/smart-grid?week=2020-01-01").status(http.StatusOK).says("Nothing happened.")
	v.get("/people/1/smart-grid?kind=dance").status(http.StatusBadRequest)
	v.get("/people/1/smart-grid?week=soon").status(http.StatusBadRequest)
	v.get("/people/99/smart-grid").status(http.StatusNotFound)
}
