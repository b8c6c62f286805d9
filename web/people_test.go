package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestThePeopleListAnswersWithAPartWhereHTMXAsks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(12)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	whole := v.get("/people?q=0007").status(http.StatusOK)
	require.Equal(t, 1, whole.doc.Find("#results tbody tr").Length())
	typed, _ := whole.doc.Find("#people-q").Attr("value")
	require.Equal(t, "0007", typed, "the form shows what the address says")

	v.header.Set("HX-Request", "true")
	v.header.Set("HX-Request-Type", "partial")
	part := v.get("/people?q=0007").status(http.StatusOK)
	require.Zero(t, part.doc.Find("form, nav[aria-label=Main]").Length())
	require.Equal(t, 1, part.doc.Find("#results tbody tr").Length())
	require.Contains(t, part.Header.Values("Vary"), "HX-Request")
	wrong := v.get("/people?cursor=x").status(http.StatusBadRequest)
	require.Equal(t, "#main", wrong.Header.Get("HX-Retarget"))

	v.header.Set("HX-History-Restore-Request", "true")
	require.NotZero(t, v.get("/people?q=0007").doc.Find("nav[aria-label=Main]").Length())
}

func TestThePeopleListIsSortedAndFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(9)
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET owner_id = '005000000000009AAA', unsubscribed = true WHERE id = 5`)
	require.NoError(t, err)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	first := func(path string) string {
		href, _ := v.get(path).status(http.StatusOK).doc.Find("#results tbody tr a").First().Attr("href")
		return href
	}
	page := v.get("/people")
	require.Equal(t, "/people/1", first("/people"))
	head := page.doc.Find("th[aria-sort=ascending] a")
	require.Equal(t, "Name", head.Text())
	reverse, _ := head.Attr("href")
	require.Equal(t, "/people/9", first(reverse))
	require.Equal(t, "/people/5", first("/people?owner=005000000000009AAA"))
	require.Equal(t, "/people/5", first("/people?unsubscribed=1&q=person"))
	v.get("/people?q=nobody+like+this").says("Nobody found")
	v.get("/people?archived=1").says("Nobody found")
	v.get("/people").says("2 people share this email")
}

func TestThePeopleListShowsOnesOwnPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(9)
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET owner_id = '005000000000009AAA' WHERE id IN (5, 6, 7)`)
	require.NoError(t, err)
	_, err = b.db.Pool.Exec(t.Context(), `UPDATE people SET unsubscribed = true WHERE id IN (6, 8)`)
	require.NoError(t, err)
	b.link("rita@example.com", "005000000000009AAA")
	rita, otto := b.signedIn(b.addUser("rita@example.com", models.RoleRep)), b.signedIn(b.addUser("otto@example.com", models.RoleRep))
	found := func(v *visitor, path string) int {
		return v.get(path).status(http.StatusOK).doc.Find("#results tbody tr").Length()
	}
	require.Equal(t, 9, found(rita, "/people"))
	require.Equal(t, 3, found(rita, "/people?mine=true"))
	require.Equal(t, 9, found(rita, "/people?mine=false"))
	require.Equal(t, 1, found(rita, "/people?mine=1&unsubscribed=1"))
	require.Equal(t, 1, found(rita, "/people?mine=1&q=0007"))
	require.Zero(t, found(rita, "/people?mine=1&owner=005000000000001AAA"))

	page := rita.get("/people?mine=1")
	require.Equal(t, 1, page.doc.Find("input[name=mine][checked]").Length())
	page.doc.Find("#export, th a").Each(func(_ int, s *selection) { require.Contains(t, s.AttrOr("href", ""), "mine=1") })
	require.Equal(t, 4, strings.Count(rita.get(page.doc.Find("#export").AttrOr("href", "")).body, "\n"), "three people and the names of the fields")

	require.Zero(t, otto.get("/people").doc.Find("input[name=mine]").Length(), "nobody knows who are his")
	otto.get("/people?mine=1").says("No people are linked to you").says("Ask an admin")
	require.Equal(t, 1, strings.Count(otto.get("/people.csv?mine=1").body, "\n"))
}

func TestAnEmptyListSaysWhatHelps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.signedIn(b.addUser("ada@example.com", models.RoleAdmin)).get("/people").says("Go to Data sync")
	b.signedIn(b.addUser("rita@example.com", models.RoleRep)).get("/people").says("once an admin starts the data sync")
}

func TestAPersonShowsWhereEachFieldCameFrom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(4)
	ctx := t.Context()
	_, err := b.db.Pool.Exec(ctx, `INSERT INTO person_changes (person_id, run_id, field, old, new) VALUES
		(2, 1, 'company', 'Old Company', 'Acme'), (2, 1, 'archived', NULL, 'merged'), (2, 1, 'owner_id', NULL, '005000000000001AAA')`)
	require.NoError(t, err)
	_, err = b.db.Pool.Exec(ctx, `UPDATE people SET archived_at = now(), archive_reason = 'merged', merged_into = 4,
		linkedin_url = 'javascript:alert(1)' WHERE id = 2`)
	require.NoError(t, err)
	page := b.signedIn(b.addUser("rita@example.com", models.RoleRep)).get("/people/2").status(http.StatusOK).
		says("Archived: this person was merged into another record in Marketo.").
		says("Old Company").says("by Initial sync").says("Others with this email")
	require.Equal(t, 13, page.doc.Find("dl.fields > div").Length(), "the 13 fields and no more")
	winner, _ := page.doc.Find("[role=status] a, .notice a").First().Attr("href")
	require.Equal(t, "/people/4", winner)
	page.doc.Find("a").Each(func(_ int, s *selection) {
		href, _ := s.Attr("href")
		require.NotContains(t, href, "javascript:")
	})
	require.Contains(t, page.body, "javascript:alert(1)", "the value is shown as text")
}
