package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

// addDue adds an open task of a rep.
func (b *bundle) addDue(name, rep string, due time.Time) uuid.UUID {
	b.t.Helper()
	id := uuid.New()
	_, err := b.db.Pool.Exec(b.t.Context(), `INSERT INTO tasks (id, kind, name, rep_email, due_on, person_id, created_by)
		VALUES ($1, 'call', $2, $3, $4::date, 1, 'cli')`, id, name, rep, due.Format(time.DateOnly))
	require.NoError(b.t, err)
	return id
}

// from says where the visitor is, as the script does.
func (v *visitor) from(zone string) *visitor {
	v.b.t.Helper()
	site, err := url.Parse(v.b.site.URL)
	require.NoError(v.b.t, err)
	v.client.Jar.SetCookies(site, []*http.Cookie{{Name: "zone", Value: zone}})
	return v
}

// texts are what the elements say.
func (p *page) texts(selector string) []string {
	texts := []string{}
	p.doc.Find(selector).Each(func(_ int, s *selection) { texts = append(texts, strings.Join(strings.Fields(s.Text()), " ")) })
	return texts
}

func TestTodayIsForWhoeverIsSignedIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	b.visitor().get("/").status(http.StatusSeeOther)
	today := b.clock.Now().UTC()
	mine := b.addDue("Mine", "rita@example.com", today)
	b.addDue("Late", "rita@example.com", today.AddDate(0, 0, -3))
	b.addDue("Soon", "rita@example.com", today.AddDate(0, 0, 1))
	b.addDue("Not yet", "rita@example.com", today.AddDate(0, 0, 2))
	b.addDue("Another's", "otto@example.com", today)
	rita, otto := b.signedIn(b.addUser("rita@example.com", models.RoleRep)), b.signedIn(b.addUser("otto@example.com", models.RoleRep))

	page := rita.get("/").status(http.StatusOK)
	require.Equal(t, []string{"Late"}, page.texts(".due-overdue .due-what > a"))
	require.Equal(t, []string{"Mine"}, page.texts(".due-today .due-what > a"))
	require.Equal(t, []string{"Soon"}, page.texts(".due-tomorrow .due-what > a"))
	require.Contains(t, page.texts(".due-overdue time")[0], "3 days ago")
	require.Equal(t, []string{"Another's"}, otto.get("/").texts(".due-what > a"))
	require.Equal(t, page.texts(".due-what > a"), rita.get("/today/tasks").texts(".due-what > a"))

	form := page.doc.Find(".due-today form")
	require.Equal(t, "/tasks/"+mine.String()+"/complete", form.AttrOr("action", ""))
	require.Equal(t, "/", form.Find("input[name=next]").AttrOr("value", ""))
	require.Equal(t, "Complete Mine", strings.TrimSpace(form.Find("button").Text()))
	require.Equal(t, "/tasks/"+mine.String(), page.doc.Find(".due-today .due-what > a").AttrOr("href", ""))
	require.Equal(t, "/people/1", page.doc.Find(".due-today .due-about a").AttrOr("href", ""))
}

func TestTodayIsTheReadersDay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	noon := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC) // the 16th in Auckland, the 15th in Los Angeles
	b.clock.Advance(noon.Sub(b.clock.Now()))
	b.addDue("Of the 15th", "rita@example.com", noon)
	b.addDue("Of the 16th", "rita@example.com", noon.AddDate(0, 0, 1))
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))

	auckland := v.from("Pacific/Auckland").get("/").says("Tuesday, 16 June")
	require.Equal(t, []string{"Of the 15th"}, auckland.texts(".due-overdue .due-what > a"))
	require.Equal(t, []string{"Of the 16th"}, auckland.texts(".due-today .due-what > a"))
	angeles := v.from("America/Los_Angeles").get("/").says("Monday, 15 June")
	require.Equal(t, []string{"Of the 15th"}, angeles.texts(".due-today .due-what > a"))
	require.Equal(t, []string{"Of the 16th"}, angeles.texts(".due-tomorrow .due-what > a"))
	require.Equal(t, angeles.texts(".due-today .due-what > a"), v.from("No/Where").get("/").texts(".due-today .due-what > a"), "UTC")
}

func TestTodayShowsWhatOnesPeopleDid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET owner_id = '005000000000009AAA' WHERE id = 3`)
	require.NoError(t, err)
	b.link("otto@example.com", "005000000000009AAA")
	sent := email(1, "Quick question")
	sent.Key = "sent"
	opened := syncengine.ActivityInput{Kind: models.EmailOpened, PersonID: 1, EmailKey: "sent"}
	replied := syncengine.ActivityInput{Kind: models.EmailReplied, PersonID: 3, Attributes: models.ActivityAttributes{Subject: "Hello", BodyPreview: "Thursday works."}}
	b.record(sent, opened, replied)
	rita, otto, nobody := b.signedIn(b.addUser("rita@example.com", models.RoleRep)), b.signedIn(b.addUser("otto@example.com", models.RoleRep)),
		b.signedIn(b.addUser("nora@example.com", models.RoleRep))

	require.Equal(t, []string{"Person 0003 replied to “Hello”", "Person 0001 opened “Quick question”"}, rita.get("/").texts(".engagement-body > p:first-child"), "of the rep's emails")
	owned := otto.get("/")
	require.Equal(t, []string{"Person 0003 replied to “Hello”"}, owned.texts(".engagement-body > p:first-child"), "of the people whom the rep owns")
	require.Equal(t, []string{"email of rita@example.com · Thursday works."}, owned.texts(".engagement-line"))
	nobody.get("/").says("no people are linked to you").says("Ask an admin to link you")
	b.signedIn(b.addUser("ada@example.com", models.RoleAdmin)).get("/").says("Link yourself")

	first := rita.get("/")
	live := first.doc.Find("#engagement").AttrOr("hx-get", "")
	again := opened
	again.Key = "again"
	b.record(again)
	held := rita.get(live).status(http.StatusOK)
	require.Equal(t, first.texts(".engagement-body"), held.texts(".engagement-body"), "what is read stays where it is")
	require.Equal(t, []string{"Person 0001 opened"}, held.texts("[role=status] a"))
	more := replied
	more.Key = "more"
	b.record(more)
	require.Equal(t, []string{"2 new"}, rita.get(live).texts("[role=status] a"))
	require.Len(t, rita.get("/").texts(".engagement-body"), 4)
}

func TestTodayCountsTheLastDays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	v.get("/").says("Your emails and calls are counted here")
	b.record(email(1, "One"), email(2, "Two"), syncengine.ActivityInput{Kind: models.CallReceived, PersonID: 1})
	for _, path := range []string{"/", "/today/chart"} {
		page := v.get(path).status(http.StatusOK)
		require.Equal(t, []string{"2 emails sent", "1 call", "0 opens, clicks, replies"}, page.texts(".chart-key li"))
		require.Len(t, page.texts("#chart tbody tr"), 14)
		require.Len(t, page.texts("svg.chart g"), 14)
		sums := []int{}
		page.doc.Find("#chart tbody td").Each(func(i int, s *selection) {
			var n int
			_, err := fmt.Sscan(s.Text(), &n)
			require.NoError(t, err)
			if i < 3 {
				sums = append(sums, 0)
			}
			sums[i%3] += n
		})
		require.Equal(t, []int{2, 1, 0}, sums, "the table has the same as the bars")
	}
}

func TestTodayAsksTheSameForManyRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(30)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	cost := func() int64 {
		before := b.asked.n.Load()
		v.get("/").status(http.StatusOK)
		return b.asked.n.Load() - before
	}
	fill := func(n int) {
		inputs := make([]syncengine.ActivityInput, n)
		for i := range inputs {
			inputs[i] = syncengine.ActivityInput{Key: fmt.Sprint("fill-", n, "-", i), Kind: models.EmailOpened, PersonID: int64(1 + i%30)}
			b.addDue("Call", "rita@example.com", b.clock.Now().AddDate(0, 0, -i%3))
		}
		b.record(inputs...)
	}
	fill(1)
	few := cost()
	fill(60)
	require.LessOrEqual(t, cost(), few)
	page := v.get("/")
	require.Len(t, page.texts(".engagement-body"), 20)
	require.Len(t, page.texts(".due-overdue .due-task"), 20)
	page.says("20 more")
}
