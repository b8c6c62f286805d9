package syncengine_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	"salesactions/syncengine"
)

func (d *desk) pauses() []models.Pause {
	d.t.Helper()
	pauses, err := models.ListPauses(d.t.Context(), d.db.Gorm)
	require.NoError(d.t, err)
	return pauses
}

// paused waits until nothing is sent to a system, and says why.
func (d *desk) paused(to models.Destination, code string) models.Pause {
	d.t.Helper()
	var found models.Pause
	require.Eventually(d.t, func() bool {
		for _, p := range d.pauses() {
			if p.Destination == to && (code == "" || p.Code == code) {
				found = p
				return true
			}
		}
		return false
	}, 30*time.Second, 20*time.Millisecond, "%s is not paused by %q: %+v", to, code, d.pauses())
	return found
}

func TestARecordThatCannotSucceedHoldsUpNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.RecordCode, Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "Call outcome is required", Count: 1})
	var inputs []syncengine.ActivityInput
	for i := range 50 {
		inputs = append(inputs, o.email(strings.Repeat("k", i+1)))
	}
	ids := o.record(inputs...)
	o.settled(models.ToSalesforce, 30*time.Second)
	page, err := models.ListFailedDeliveries(t.Context(), o.db.Gorm, models.FailureQuery{Destination: models.ToSalesforce, AnyCode: true})
	require.NoError(t, err)
	require.NotEmpty(t, page.Deliveries)
	require.Len(t, o.tasks(), 50-len(page.Deliveries), "the others of the same call went through")
	for _, failed := range page.Deliveries {
		require.Equal(t, 1, failed.Attempts, "one try")
		require.Equal(t, "FIELD_CUSTOM_VALIDATION_EXCEPTION", failed.ErrorCode)
		require.Contains(t, failed.ErrorText, "Call outcome is required", "Salesforce's own words are kept")
		require.NotEmpty(t, failed.ErrorRemedy)
	}
	require.NoError(t, o.engine.RetryDelivery(t.Context(), page.Deliveries[0].ID, "test")) // the rule is gone
	_, err = o.engine.RetryGroup(t.Context(), models.ToSalesforce, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "test")
	require.NoError(t, err)
	o.settled(models.ToSalesforce, 30*time.Second)
	tasks := o.tasks()
	for _, id := range ids {
		require.Len(t, tasks[id.String()], 1)
	}
}

// consent connects through the login page, as an admin does in the browser.
func (o *office) consent() {
	o.t.Helper()
	ctx := o.t.Context()
	var admin models.User
	if err := o.db.Gorm.First(&admin).Error; err != nil {
		admin = models.User{Email: uuid.NewString() + "@example.com", Name: "Ada", Role: models.RoleAdmin}
		require.NoError(o.t, models.CreateUser(ctx, o.db.Gorm, time.Now(), &admin))
	}
	target, err := o.engine.BeginSalesforce(ctx, admin.ID, "http://127.0.0.1:1/settings/salesforce/callback")
	require.NoError(o.t, err)
	jar, err := cookiejar.New(nil)
	require.NoError(o.t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := browser.Get(target)
	require.NoError(o.t, err)
	for _, filled := range []map[string]string{{"username": "integration@example.com", "password": "sandbox-password"}, {"answer": "allow"}} {
		doc, err := goquery.NewDocumentFromReader(page.Body)
		require.NoError(o.t, err)
		require.NoError(o.t, page.Body.Close())
		form := url.Values{}
		doc.Find("input[name]").Each(func(_ int, s *goquery.Selection) {
			name, _ := s.Attr("name")
			value, _ := s.Attr("value")
			form.Set(name, value)
		})
		for name, value := range filled {
			form.Set(name, value)
		}
		page, err = browser.PostForm(page.Request.URL.String(), form)
		require.NoError(o.t, err)
	}
	defer page.Body.Close()
	back, err := page.Location()
	require.NoError(o.t, err, "the browser was not sent back: %s", page.Status)
	require.NoError(o.t, o.engine.FinishSalesforce(ctx, admin.ID, back.Query().Get("state"), back.Query().Get("code"), "", "", "user:ada@example.com"))
}

func TestARevokedTokenPausesUntilItIsConnectedAgain(t *testing.T) {
	t.Parallel()
	o := newConsentedOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	before := o.record(o.email("before"))
	o.settled(models.ToSalesforce, 30*time.Second)
	o.org.RevokeGrants()
	during := o.record(o.email("during"), o.email("during too"))
	pause := o.paused(models.ToSalesforce, "needs_reconnect")
	require.Equal(t, "authentication", pause.Class)
	require.False(t, pause.Passing(), "nothing is sent until somebody acts")
	require.Contains(t, pause.Remedy, "Press Connect")
	info, err := o.engine.SalesforceConnection(t.Context())
	require.NoError(t, err)
	require.True(t, info.NeedsReconnect)
	require.Len(t, o.tasks(), 1)

	o.consent()
	o.settled(models.ToSalesforce, 30*time.Second)
	require.Empty(t, o.pauses())
	tasks := o.tasks()
	for _, id := range append(before, during...) {
		require.Len(t, tasks[id.String()], 1, "everything that waited went out, once")
	}
}

func TestASpentQuotaWaitsForItsResetAndSaysWhen(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	o.record(o.email("before"))
	o.settled(models.ToSalesforce, 30*time.Second)
	o.settled(models.ToMarketo, 30*time.Second)
	o.org.SpendQuota()
	o.sandbox.SpendQuota()
	id := o.record(o.email("during"))[0]
	for _, to := range []models.Destination{models.ToMarketo, models.ToSalesforce} {
		pause := o.paused(to, "")
		require.True(t, pause.Passing(), pause.Class)
		require.NotNil(t, pause.RetryAt, "it says when")
		require.True(t, pause.RetryAt.After(time.Now()))
	}
	o.org.RefillQuota()
	o.sandbox.RefillQuota()
	require.NoError(t, o.engine.TestSalesforce(t.Context()), "an admin's test asks all the same, and ends the wait")
	require.NotNil(t, o.engine.TestMarketo(t.Context()))
	require.NoError(t, o.engine.SetUpMarketoTypes(t.Context(), "test"))
	o.settled(models.ToSalesforce, 30*time.Second)
	o.settled(models.ToMarketo, 30*time.Second)
	require.Len(t, o.tasks()[id.String()], 1)
	require.Equal(t, 1, o.inMarketo()[id.String()])
}

func TestIntermittentErrorsHealByThemselves(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.HTML, Count: 2})
	o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.RecordCode, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access", Count: 3})
	o.sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.HTML, Count: 3})
	ids := o.record(o.email("a"), o.email("b"), o.email("c"))
	o.settled(models.ToSalesforce, 60*time.Second)
	o.settled(models.ToMarketo, 60*time.Second)
	tasks := o.tasks()
	for _, id := range ids {
		require.Len(t, tasks[id.String()], 1)
		require.Equal(t, 1, o.inMarketo()[id.String()])
	}
	failures, err := models.ListFailures(t.Context(), o.db.Gorm)
	require.NoError(t, err)
	require.Empty(t, failures)
}

func TestALeadThatWasConvertedIsFollowed(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	var person int64
	var lead string
	require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT id, salesforce_lead_id FROM people WHERE archived_at IS NULL
		AND salesforce_lead_id IS NOT NULL AND salesforce_contact_id IS NULL ORDER BY id LIMIT 1`).Scan(&person, &lead))
	_, err := o.org.Act("convert", "Lead", lead, nil) // Marketo has not heard of it yet
	require.NoError(t, err)
	in := o.email("to a former lead")
	in.PersonID = person
	id := o.record(in)[0]
	o.settled(models.ToSalesforce, 30*time.Second)
	task := o.tasks()[id.String()]
	require.Len(t, task, 1)
	require.True(t, strings.HasPrefix(task[0]["WhoId"].(string), "003"), "the contact that the lead became: %v", task[0]["WhoId"])
}

func TestALeadThatWasMergedIsFollowed(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	rows, err := o.db.Pool.Query(t.Context(), `SELECT id, salesforce_contact_id FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NOT NULL ORDER BY id LIMIT 2`)
	require.NoError(t, err)
	defer rows.Close()
	var people []int64
	var contacts []string
	for rows.Next() {
		var id int64
		var contact string
		require.NoError(t, rows.Scan(&id, &contact))
		people, contacts = append(people, id), append(contacts, contact)
	}
	_, err = o.org.Act("merge", "Contact", contacts[0], map[string]any{"into": contacts[1]})
	require.NoError(t, err)
	in := o.email("to a merged contact")
	in.PersonID = people[0]
	id := o.record(in)[0]
	o.settled(models.ToSalesforce, 30*time.Second)
	task := o.tasks()[id.String()]
	require.Len(t, task, 1)
	require.Equal(t, contacts[1], task[0]["WhoId"])
}

func TestMetricsTellOfDeliveries(t *testing.T) {
	t.Parallel()
	o := newConsentedOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	o.org.RevokeGrants()
	o.record(o.email("a"), o.email("b"))
	o.paused(models.ToSalesforce, "needs_reconnect")
	o.settled(models.ToMarketo, 30*time.Second)
	want := `
		# HELP salesactions_deliveries_paused 1 while nothing is sent to a destination.
		# TYPE salesactions_deliveries_paused gauge
		salesactions_deliveries_paused{destination="marketo"} 0
		salesactions_deliveries_paused{destination="salesforce"} 1
		# HELP salesactions_deliveries Deliveries that are not done, by destination and state.
		# TYPE salesactions_deliveries gauge
		salesactions_deliveries{destination="marketo",state="failed"} 0
		salesactions_deliveries{destination="marketo",state="held"} 0
		salesactions_deliveries{destination="marketo",state="pending"} 0
		salesactions_deliveries{destination="marketo",state="sending"} 0
		salesactions_deliveries{destination="salesforce",state="failed"} 0
		salesactions_deliveries{destination="salesforce",state="held"} 0
		salesactions_deliveries{destination="salesforce",state="pending"} 2
		salesactions_deliveries{destination="salesforce",state="sending"} 0
	`
	require.NoError(t, testutil.CollectAndCompare(o.engine.Metrics(), strings.NewReader(want), "salesactions_deliveries_paused", "salesactions_deliveries"))
}
