package activities_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	"salesactions/syncengine/enginetest"
)

func TestActivitiesReachMarketoOnce(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.SandboxConfig(), enginetest.DeliveryConfig()))
	inputs := d.Mixed(2000)
	var ids []uuid.UUID
	for from := 0; from < len(inputs); from += 500 {
		ids = append(ids, d.Record(inputs[from:from+500]...)...)
	}
	again := d.Record(inputs[:200]...) // sent twice
	require.Equal(t, ids[:200], again)
	d.Settled(models.ToMarketo, 30*time.Second)
	d.OnceInMarketo(ids)
	d.Innocent()

	types, err := d.Engine.MarketoTypes(t.Context())
	require.NoError(t, err)
	require.Equal(t, "eight", string(types.Layout))
	require.Len(t, types.Types, 8)
	calls := d.Sandbox.Calls()["/rest/v1/activities/external.json"]
	require.LessOrEqual(t, calls, 8, "full batches")
}

func TestMarketoMisbehavesAndNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.SandboxConfig(), enginetest.DeliveryConfig()))
	for _, kind := range []fault.Kind{fault.DropBefore, fault.DropAfter, fault.HTML, fault.Truncate, fault.WrongType, fault.SuccessWithErrors, fault.ExpireToken} {
		d.Sandbox.Fault(fault.Rule{Path: "/activities", Kind: kind, Probability: 0.04, Code: "611", Message: "System error"})
	}
	for _, code := range []string{"604", "608", "611", "502", "606", "615"} {
		d.Sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.Code, Code: code, Message: "Some words", Probability: 0.02})
	}
	var ids []uuid.UUID
	inputs := d.Mixed(3000)
	for from := 0; from < len(inputs); from += 100 {
		ids = append(ids, d.Record(inputs[from:from+100]...)...)
	}
	d.Settled(models.ToMarketo, 90*time.Second)
	d.Sandbox.ClearFaults()
	d.OnceInMarketo(ids)
}

func TestTheGroupedLayoutWhereSlotsAreShort(t *testing.T) {
	t.Parallel()
	sandbox := enginetest.SandboxConfig()
	sandbox.CustomTypesTaken = 6
	d := enginetest.NewDesk(t, enginetest.Setup(t, sandbox, enginetest.DeliveryConfig()))
	ids := d.Record(d.Mixed(80)...)
	d.Settled(models.ToMarketo, 20*time.Second)
	d.OnceInMarketo(ids)
	types := map[string]bool{}
	for a := range d.Sandbox.CustomActivities() {
		types[a.Type+": "+a.Primary] = true
	}
	require.Equal(t, map[string]bool{"salesActionsEmail: Send Sales Email": true, "salesActionsEmail: Open Sales Email": true,
		"salesActionsEmail: Click Sales Email": true, "salesActionsEmail: Replied to Sales Email": true, "salesActionsEmail: Sales Email Bounced": true,
		"salesActionsSalesCall: Sales Call Received": true, "salesActionsCampaign: Add to Sales Campaign": true, "salesActionsCampaign: Removed from Sales Campaign": true}, types)
}

func TestWithoutSlotsDeliveriesWaitAndSayWhy(t *testing.T) {
	t.Parallel()
	sandbox := enginetest.SandboxConfig()
	sandbox.CustomTypesTaken = 8
	d := enginetest.NewDesk(t, enginetest.Setup(t, sandbox, enginetest.DeliveryConfig()))
	d.Record(d.Mixed(16)...)
	var pauses []models.Pause
	require.Eventually(t, func() bool {
		var err error
		pauses, err = models.ListPauses(t.Context(), d.DB.Gorm)
		return err == nil && len(pauses) == 1
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, "no_slots", pauses[0].Code)
	require.Contains(t, pauses[0].Remedy, "Delete custom activity types")
	counts, err := models.CountDeliveries(t.Context(), d.DB.Gorm)
	require.NoError(t, err)
	require.EqualValues(t, 16, counts[0].Pending)
}

func TestAPersonWhoIsGoneInMarketoIsParkedAfterOneTry(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.SandboxConfig(), enginetest.DeliveryConfig()))
	require.NoError(t, d.Engine.PauseSync(t.Context(), "test"))
	require.NoError(t, d.Sandbox.Delete(d.People[3]))
	inputs := d.Mixed(80)
	ids := d.Record(inputs...)
	waiting := func() (n int) {
		require.NoError(t, d.DB.Pool.QueryRow(t.Context(), `SELECT count(*) FROM deliveries WHERE hold = 'reread'`).Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return waiting() == 8 }, 20*time.Second, 20*time.Millisecond, "they wait until the person is read again")
	require.NoError(t, d.Engine.ResumeSync(t.Context(), "test"))
	d.Settled(models.ToMarketo, 30*time.Second)
	page, err := models.ListFailedDeliveries(t.Context(), d.DB.Gorm, models.FailureQuery{Destination: models.ToMarketo, AnyCode: true})
	require.NoError(t, err)
	require.Len(t, page.Deliveries, 8)
	for _, f := range page.Deliveries {
		require.Equal(t, "1004", f.ErrorCode)
		require.Equal(t, 1, f.Attempts)
		require.NotEmpty(t, f.ErrorRemedy)
	}
	require.Len(t, d.InMarketo(), len(ids)-8)
}

func TestAPersonWhoWasMergedInMarketoIsFollowedToTheWinner(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.SandboxConfig(), enginetest.DeliveryConfig()))
	require.NoError(t, d.Engine.PauseSync(t.Context(), "test"))
	loser, between, winner := d.People[3], d.People[4], d.People[5]
	require.NoError(t, d.Sandbox.Merge(between, loser))
	require.NoError(t, d.Sandbox.Merge(winner, between))
	in := d.Mixed(1)[0]
	in.PersonID = loser
	id := d.Record(in)[0]
	require.Eventually(t, func() bool {
		var waits bool
		require.NoError(t, d.DB.Pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM deliveries WHERE hold = 'reread' AND error_code = '1004')`).Scan(&waits))
		return waits
	}, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, d.Engine.ResumeSync(t.Context(), "test"))
	require.Eventually(t, func() bool { return d.InMarketo()[id.String()] == 1 }, 40*time.Second, 50*time.Millisecond)
	for a := range d.Sandbox.CustomActivities() {
		require.Equal(t, winner, a.Lead)
	}
}
