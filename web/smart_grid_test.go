package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxmarketo "salesactions/sandbox/marketo"
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

// Marketo takes five seconds for an answer. The page does not wait for it at all, and its
// panel no longer than three.
func TestTheSmartGridOfASlowMarketo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sandbox, err := sandboxmarketo.New(sandboxmarketo.Config{Clock: clockwork.NewRealClock(), People: 10, Seed: 1, Latency: 5 * time.Second})
	require.NoError(t, err)
	marketo := httptest.NewServer(sandbox)
	t.Cleanup(marketo.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := b.engine.Stop(ctx); err != nil { // it goes on asking
			t.Error(err)
		}
	})
	require.NoError(t, b.engine.SaveMarketo(t.Context(), marketo.URL+"/rest", "sandbox-client", "sandbox-secret", "test"))
	b.addPeople(2)
	b.record(email(1, "From here"))
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))

	began := time.Now()
	page := v.get("/people/1").status(http.StatusOK).says("From here").says("Fields from Marketo")
	require.Less(t, time.Since(began), 2*time.Second, "the page is there at once")
	require.Equal(t, 13, page.doc.Find("[aria-labelledby=fields-title] .fields > div").Length(), "and whole")

	began = time.Now()
	panel := v.get("/people/1/smart-grid").status(http.StatusOK).says("Marketo did not answer in time.").says("Try again").says("From here")
	require.Less(t, time.Since(began), 4500*time.Millisecond, "without an answer of Marketo's")
	require.Equal(t, 5, panel.doc.Find("[data-grid] tbody tr").Length(), "the grid is there all the same")
}
