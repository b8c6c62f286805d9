package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

func TestARecordThatCannotSucceedHoldsUpNothing(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.RecordCode, Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "Call outcome is required", Count: 1})
	var inputs []syncengine.ActivityInput
	for i := range 50 {
		inputs = append(inputs, o.Email(strings.Repeat("k", i+1)))
	}
	ids := o.Record(inputs...)
	o.Settled(models.ToSalesforce, 30*time.Second)
	page, err := models.ListFailedDeliveries(t.Context(), o.DB.Gorm, models.FailureQuery{Destination: models.ToSalesforce, AnyCode: true})
	require.NoError(t, err)
	require.NotEmpty(t, page.Deliveries)
	require.Len(t, o.Tasks(), 50-len(page.Deliveries), "the others of the same call went through")
	for _, failed := range page.Deliveries {
		require.Equal(t, 1, failed.Attempts, "one try")
		require.Equal(t, "FIELD_CUSTOM_VALIDATION_EXCEPTION", failed.ErrorCode)
		require.Contains(t, failed.ErrorText, "Call outcome is required", "Salesforce's own words are kept")
		require.NotEmpty(t, failed.ErrorRemedy)
	}
	require.NoError(t, o.Engine.RetryDelivery(t.Context(), page.Deliveries[0].ID, "test")) // the rule is gone
	_, err = o.Engine.RetryGroup(t.Context(), models.ToSalesforce, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "test")
	require.NoError(t, err)
	o.Settled(models.ToSalesforce, 30*time.Second)
	tasks := o.Tasks()
	for _, id := range ids {
		require.Len(t, tasks[id.String()], 1)
	}
}

func TestARevokedTokenPausesUntilItIsConnectedAgain(t *testing.T) {
	t.Parallel()
	o := enginetest.NewConsentedOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	before := o.Record(o.Email("before"))
	o.Settled(models.ToSalesforce, 30*time.Second)
	o.Org.RevokeGrants()
	during := o.Record(o.Email("during"), o.Email("during too"))
	pause := o.Paused(models.ToSalesforce, "needs_reconnect")
	require.Equal(t, "authentication", pause.Class)
	require.False(t, pause.Passing(), "nothing is sent until somebody acts")
	require.Contains(t, pause.Remedy, "Press Connect")
	info, err := o.Engine.SalesforceConnection(t.Context())
	require.NoError(t, err)
	require.True(t, info.NeedsReconnect)
	require.Len(t, o.Tasks(), 1)

	o.Consent()
	o.Settled(models.ToSalesforce, 30*time.Second)
	require.Empty(t, o.Pauses())
	tasks := o.Tasks()
	for _, id := range append(before, during...) {
		require.Len(t, tasks[id.String()], 1, "everything that waited went out, once")
	}
}

func TestASpentQuotaWaitsForItsResetAndSaysWhen(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	o.Record(o.Email("before"))
	o.Settled(models.ToSalesforce, 30*time.Second)
	o.Settled(models.ToMarketo, 30*time.Second)
	o.Org.SpendQuota()
	o.Sandbox.SpendQuota()
	id := o.Record(o.Email("during"))[0]
	for _, to := range []models.Destination{models.ToMarketo, models.ToSalesforce} {
		pause := o.Paused(to, "")
		require.True(t, pause.Passing(), pause.Class)
		require.NotNil(t, pause.RetryAt, "it says when")
		require.True(t, pause.RetryAt.After(time.Now()))
	}
	o.Org.RefillQuota()
	o.Sandbox.RefillQuota()
	require.NoError(t, o.Engine.TestSalesforce(t.Context()), "an admin's test asks all the same, and ends the wait")
	require.NotNil(t, o.Engine.TestMarketo(t.Context()))
	require.NoError(t, o.Engine.SetUpMarketoTypes(t.Context(), "test"))
	o.Settled(models.ToSalesforce, 30*time.Second)
	o.Settled(models.ToMarketo, 30*time.Second)
	require.Len(t, o.Tasks()[id.String()], 1)
	require.Equal(t, 1, o.InMarketo()[id.String()])
}

func TestIntermittentErrorsHealByThemselves(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.HTML, Count: 2})
	o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.RecordCode, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access", Count: 3})
	o.Sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.HTML, Count: 3})
	ids := o.Record(o.Email("a"), o.Email("b"), o.Email("c"))
	o.Settled(models.ToSalesforce, 60*time.Second)
	o.Settled(models.ToMarketo, 60*time.Second)
	tasks := o.Tasks()
	for _, id := range ids {
		require.Len(t, tasks[id.String()], 1)
		require.Equal(t, 1, o.InMarketo()[id.String()])
	}
	failures, err := models.ListFailures(t.Context(), o.DB.Gorm)
	require.NoError(t, err)
	require.Empty(t, failures)
}

func TestALeadThatWasConvertedIsFollowed(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	var person int64
	var lead string
	require.NoError(t, o.DB.Pool.QueryRow(t.Context(), `SELECT id, salesforce_lead_id FROM people WHERE archived_at IS NULL
		AND salesforce_lead_id IS NOT NULL AND salesforce_contact_id IS NULL ORDER BY id LIMIT 1`).Scan(&person, &lead))
	_, err := o.Org.Act("convert", "Lead", lead, nil) // Marketo has not heard of it yet
	require.NoError(t, err)
	in := o.Email("to a former lead")
	in.PersonID = person
	id := o.Record(in)[0]
	o.Settled(models.ToSalesforce, 30*time.Second)
	task := o.Tasks()[id.String()]
	require.Len(t, task, 1)
	require.True(t, strings.HasPrefix(task[0]["WhoId"].(string), "003"), "the contact that the lead became: %v", task[0]["WhoId"])
}

func TestALeadThatWasMergedIsFollowed(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	rows, err := o.DB.Pool.Query(t.Context(), `SELECT id, salesforce_contact_id FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NOT NULL ORDER BY id LIMIT 2`)
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
	_, err = o.Org.Act("merge", "Contact", contacts[0], map[string]any{"into": contacts[1]})
	require.NoError(t, err)
	in := o.Email("to a merged contact")
	in.PersonID = people[0]
	id := o.Record(in)[0]
	o.Settled(models.ToSalesforce, 30*time.Second)
	task := o.Tasks()[id.String()]
	require.Len(t, task, 1)
	require.Equal(t, contacts[1], task[0]["WhoId"])
}

func TestMetricsTellOfDeliveries(t *testing.T) {
	t.Parallel()
	o := enginetest.NewConsentedOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	o.Org.RevokeGrants()
	o.Record(o.Email("a"), o.Email("b"))
	o.Paused(models.ToSalesforce, "needs_reconnect")
	o.Settled(models.ToMarketo, 30*time.Second)
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
	require.NoError(t, testutil.CollectAndCompare(o.Engine.Metrics(), strings.NewReader(want), "salesactions_deliveries_paused", "salesactions_deliveries"))
}
