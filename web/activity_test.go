package web

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

// record records activities as a program does, a minute apart, the last one now.
func (b *bundle) record(inputs ...syncengine.ActivityInput) []uuid.UUID {
	b.t.Helper()
	for i := range inputs {
		inputs[i].Key, inputs[i].RepEmail = cmp.Or(inputs[i].Key, fmt.Sprint("key-", i)), "rita@example.com"
		inputs[i].OccurredAt = time.Now().Add(time.Duration(i-len(inputs)) * time.Minute)
	}
	_, token, err := models.CreateAPIToken(b.t.Context(), b.db.Gorm, b.clock.Now(), uuid.NewString(), models.ScopeRecord, "cli")
	require.NoError(b.t, err)
	results, err := b.engine.RecordActivities(b.t.Context(), token.ID, inputs)
	require.NoError(b.t, err)
	ids := make([]uuid.UUID, len(results))
	for i, r := range results {
		require.Nil(b.t, r.Err)
		ids[i] = r.ID
	}
	return ids
}

// deliver sets what became of an activity, as a deliverer would.
func (b *bundle) deliver(activity uuid.UUID, to models.Destination, set string) {
	b.t.Helper()
	tag, err := b.db.Pool.Exec(b.t.Context(), `UPDATE deliveries SET `+set+` WHERE activity_id = $1 AND destination = $2`, activity, to)
	require.NoError(b.t, err)
	require.EqualValues(b.t, 1, tag.RowsAffected())
}

const failedForAField = `state = 'failed', attempts = 1, error_class = 'access', error_code = 'REQUIRED_FIELD_MISSING',
	error_text = 'A required field is missing.', error_remedy = 'Ask the Salesforce admin to drop the rule.'`

func email(person int64, subject string) syncengine.ActivityInput {
	return syncengine.ActivityInput{Kind: models.EmailSent, PersonID: person, Attributes: models.ActivityAttributes{Subject: subject}}
}

func (b *bundle) logEmails() {
	b.t.Helper()
	on := true
	require.NoError(b.t, b.engine.ChangeLogging(b.t.Context(), syncengine.LoggingChange{Emails: &on, Calls: &on}, "cli"))
	require.NoError(b.t, b.engine.BackdateLogging(b.t.Context()))
}

func TestTheFeedSaysWhatBecameOfEachActivity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	b.logEmails()
	require.NoError(t, models.SaveRecordLinks(t.Context(), b.db.Gorm, models.RecordLinks{SalesforceURL: "https://acme.my.salesforce.com"}, 0, "cli"))
	ids := b.record(email(1, "Logged in both"), email(1, "Refused by Salesforce"), email(2, "Waiting"),
		syncengine.ActivityInput{Kind: models.CallReceived, MarketoID: 900, Attributes: models.ActivityAttributes{CallOutcome: "Connected"}},
		syncengine.ActivityInput{Kind: models.CampaignAdded, PersonID: 2, Attributes: models.ActivityAttributes{CampaignName: "Win back"}})
	b.deliver(ids[0], models.ToMarketo, `state = 'delivered', remote_id = '77'`)
	b.deliver(ids[0], models.ToSalesforce, `state = 'delivered', remote_id = '00T000000000001AAA'`)
	b.deliver(ids[1], models.ToSalesforce, failedForAField)

	rep := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	feed := rep.get("/activity").status(http.StatusOK)
	require.Equal(t, 5, feed.doc.Find("tbody tr").Length())
	row := func(id uuid.UUID) string {
		return strings.Join(strings.Fields(feed.doc.Find("#activity-"+id.String()).Text()), " ")
	}
	require.Contains(t, row(ids[0]), "Person 0001")
	require.NotZero(t, feed.doc.Find("a[href='https://acme.my.salesforce.com/00T000000000001AAA']").Length(), "no link to the Task")
	require.Contains(t, row(ids[1]), "A required field is missing. Ask the Salesforce admin to drop the rule.")
	require.Contains(t, row(ids[2]), "on its way")
	require.Contains(t, row(ids[3]), "waits for the person")
	require.Contains(t, row(ids[4]), "campaign steps never become Tasks")
	require.Contains(t, row(ids[4]), "Win back")

	for filter, want := range map[string]int{
		"kind=call_received": 1, "kind=email_sent": 3, "person=1": 2, "rep=rita%40example.com": 5, "rep=nobody%40example.com": 0,
		"state=failed": 1, "state=failed&destination=marketo": 0, "state=delivered&destination=salesforce": 1, "waiting=1": 1,
		"from=2020-01-01&to=2020-01-02": 0,
	} {
		require.Equal(t, want, rep.get("/activity?"+filter).status(http.StatusOK).doc.Find("tbody tr").Length(), filter)
	}
	rep.get("/activity?kind=singing").status(http.StatusBadRequest)
	rep.get("/activity?from=yesterday").status(http.StatusBadRequest)
	require.Zero(t, feed.doc.Find("a[href^='/settings/diagnostics']").Length(), "reps are not led where they may not go")
}

func TestTheFeedHasPagesAndCountsWhatIsNew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	inputs := make([]syncengine.ActivityInput, 120)
	for i := range inputs {
		inputs[i] = email(int64(1+i%3), "Hello")
	}
	b.record(inputs...)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	seen := map[string]bool{}
	page := v.get("/activity")
	first := page
	for {
		page.doc.Find("tbody tr").Each(func(_ int, s *selection) { id, _ := s.Attr("id"); seen[id] = true })
		next, ok := page.doc.Find("a[rel=next]").Attr("href")
		if !ok {
			break
		}
		page = v.get(next).status(http.StatusOK)
	}
	require.Len(t, seen, 120)

	live, ok := first.doc.Find("#results").Attr("hx-get")
	require.True(t, ok)
	top, _ := first.doc.Find("tbody tr").First().Attr("id")
	fresh := email(2, "Fresh")
	fresh.Key = "fresh"
	b.record(fresh)
	again := v.get(live).status(http.StatusOK).says("1 new activity")
	still, _ := again.doc.Find("tbody tr").First().Attr("id")
	require.Equal(t, top, still, "what is read stays where it is")
}

func TestAnActivityHasAPageWithItsEmailsStory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	b.logEmails()
	sent := email(1, "Quick question")
	sent.Key = "the-email"
	opened := syncengine.ActivityInput{Kind: models.EmailOpened, PersonID: 1, EmailKey: "the-email"}
	clicked := syncengine.ActivityInput{Kind: models.EmailClicked, PersonID: 1, EmailKey: "the-email", Attributes: models.ActivityAttributes{LinkURL: "https://example.com/pricing"}}
	ids := b.record(sent, opened, opened, clicked)
	b.deliver(ids[0], models.ToSalesforce, failedForAField)
	rep, admin := b.signedIn(b.addUser("rita@example.com", models.RoleRep)), b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))

	page := rep.get("/activity/" + ids[0].String()).status(http.StatusOK).says("Quick question").says("sent once")
	require.Zero(t, page.doc.Find("form[action$='/retry']").Length(), "reps do not retry")
	require.NotZero(t, admin.get("/activity/"+ids[0].String()).doc.Find("form[action$='/retry']").Length())
	require.Contains(t, page.body, "https://example.com/pricing")
	rep.get("/activity/" + uuid.NewString()).status(http.StatusNotFound)

	person := rep.get("/people/1").status(http.StatusOK).says("opened 2 times")
	require.Equal(t, 1, person.doc.Find("#timeline tbody tr").Length(), "what happened to an email stands with the email")
	rep.get("/people/1/activity").status(http.StatusOK).says("Quick question")
}

func TestTimelineGoesOnAfterAMerge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	b.record(email(1, "To the first record"), email(2, "To the second"), email(3, "To another"))
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE people SET archived_at = now(), archive_reason = 'merged', merged_into = 2 WHERE id = 1`)
	require.NoError(t, err)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))

	winner := v.get("/people/2").status(http.StatusOK).says("To the first record").says("To the second")
	require.NotContains(t, winner.body, "To another")
	loser := v.get("/people/1").status(http.StatusOK).says("Everything goes on with").says("To the first record")
	require.NotContains(t, loser.body, "To the second")
}

func TestAskingForPagesOfActivityCostsTheSameForManyRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(3)
	v := b.signedIn(b.addUser("rita@example.com", models.RoleRep))
	cost := func(path string) int64 {
		before := b.asked.n.Load()
		v.get(path).status(http.StatusOK)
		return b.asked.n.Load() - before
	}
	one := email(1, "One")
	one.Key = "one"
	b.record(one)
	feed, timeline := cost("/activity"), cost("/people/1")
	inputs := make([]syncengine.ActivityInput, 60)
	for i := range inputs {
		inputs[i] = email(int64(1+i%3), "Hello")
	}
	b.record(inputs...)
	require.LessOrEqual(t, cost("/activity"), feed)
	require.LessOrEqual(t, cost("/people/1"), timeline)
}
