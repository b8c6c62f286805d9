package syncengine_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	"salesactions/syncengine"
)

// desk is a workspace with people, beside its systems, and a token to record with.
type desk struct {
	*bundle
	token  int64
	people []int64
}

// deliveryConfig settles what is not known within a test's time. People come in pages,
// which is no matter of deliveries and much cheaper than bulk jobs.
func deliveryConfig() syncengine.Config {
	c := engineConfig()
	c.Copy = syncengine.CopyPaged
	c.MarketoSettle, c.SalesforceSettle = 1200*time.Millisecond, 1500*time.Millisecond
	return c
}

func newDesk(t *testing.T, b *bundle) *desk {
	t.Helper()
	b.copied()
	d := &desk{bundle: b}
	require.NoError(t, b.db.Pool.QueryRow(t.Context(), `INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('test', 'record', '\x01', '', 'test') RETURNING id`).Scan(&d.token))
	rows, err := b.db.Pool.Query(t.Context(), `SELECT id FROM people WHERE archived_at IS NULL ORDER BY id`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		require.NoError(t, rows.Scan(&id))
		d.people = append(d.people, id)
	}
	return d
}

// record records activities and returns their ids.
func (d *desk) record(inputs ...syncengine.ActivityInput) []uuid.UUID {
	d.t.Helper()
	results, err := d.engine.RecordActivities(d.t.Context(), d.token, inputs)
	require.NoError(d.t, err)
	ids := make([]uuid.UUID, len(results))
	for i, r := range results {
		require.NotEqual(d.t, syncengine.ActivityIsInvalid, r.Status, "%+v", r.Err)
		ids[i] = r.ID
	}
	return ids
}

// mixed makes activities of all kinds: sends with what happens to them, calls and
// campaign steps.
func (d *desk) mixed(n int) []syncengine.ActivityInput {
	inputs := make([]syncengine.ActivityInput, n)
	kinds := models.ActivityKinds()
	for i := range inputs {
		kind := kinds[i%len(kinds)]
		in := syncengine.ActivityInput{Key: fmt.Sprintf("k%d", i), Kind: kind, OccurredAt: time.Now(), PersonID: d.people[(i/len(kinds))%len(d.people)],
			RepEmail: "rep@example.com", Attributes: models.ActivityAttributes{Subject: fmt.Sprintf("Subject %d", i)}}
		if kind.Engagement() {
			in.EmailKey, in.Attributes.Subject = fmt.Sprintf("k%d", i-i%len(kinds)), ""
		}
		inputs[i] = in
	}
	return inputs
}

// settled waits until no delivery to a system is open. What waits for an email that
// nobody told of may wait for ever.
func (d *desk) settled(to models.Destination, limit time.Duration) {
	d.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		var open int
		require.NoError(d.t, d.db.Pool.QueryRow(d.t.Context(), `SELECT count(*) FROM deliveries WHERE destination = $1 AND (state = 'sending' OR state = 'pending' AND (hold IS DISTINCT FROM 'email'
			OR EXISTS (SELECT FROM activities a WHERE a.id = activity_id AND a.email_id IS NOT NULL)))`, to).Scan(&open))
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			var left json.RawMessage
			require.NoError(d.t, d.db.Pool.QueryRow(d.t.Context(), `SELECT json_agg(x) FROM (SELECT state, operation, hold, error_code, error_text, count(*), max(attempts) AS attempts, max(looks) AS looks
				FROM deliveries WHERE destination = $1 GROUP BY 1, 2, 3, 4, 5) x`, to).Scan(&left))
			pauses, _ := models.ListPauses(d.t.Context(), d.db.Gorm)
			require.FailNow(d.t, "deliveries are still open", "%d: %s, pauses %+v", open, left, pauses)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// inMarketo returns how often each of our activities is in Marketo.
func (d *desk) inMarketo() map[string]int {
	times := map[string]int{}
	for a := range d.sandbox.CustomActivities() {
		times[fmt.Sprint(a.Attributes["saActivityId"])]++
	}
	return times
}

// onceInMarketo checks that each is there exactly once, with nothing besides.
func (d *desk) onceInMarketo(ids []uuid.UUID) {
	d.t.Helper()
	times := d.inMarketo()
	for _, id := range ids {
		require.Equal(d.t, 1, times[id.String()], id)
	}
	require.Len(d.t, times, len(ids))
}

func TestActivitiesReachMarketoOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, sandboxConfig(), deliveryConfig()))
	inputs := d.mixed(2000)
	var ids []uuid.UUID
	for from := 0; from < len(inputs); from += 500 {
		ids = append(ids, d.record(inputs[from:from+500]...)...)
	}
	again := d.record(inputs[:200]...) // sent twice
	require.Equal(t, ids[:200], again)
	d.settled(models.ToMarketo, 30*time.Second)
	d.onceInMarketo(ids)
	d.innocent()

	types, err := d.engine.MarketoTypes(t.Context())
	require.NoError(t, err)
	require.Equal(t, "eight", string(types.Layout))
	require.Len(t, types.Types, 8)
	calls := d.sandbox.Calls()["/rest/v1/activities/external.json"]
	require.LessOrEqual(t, calls, 8, "full batches")
}

func TestMarketoMisbehavesAndNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, sandboxConfig(), deliveryConfig()))
	require.NoError(t, d.engine.SetUpMarketoTypes(t.Context(), "test")) // ten calls in a row seldom work below
	for _, kind := range []fault.Kind{fault.DropBefore, fault.DropAfter, fault.HTML, fault.Truncate, fault.WrongType, fault.SuccessWithErrors, fault.ExpireToken} {
		d.sandbox.Fault(fault.Rule{Path: "/activities", Kind: kind, Probability: 0.04, Code: "611", Message: "System error"})
	}
	for _, code := range []string{"604", "608", "611", "502", "606", "615"} {
		d.sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.Code, Code: code, Message: "Some words", Probability: 0.02})
	}
	var ids []uuid.UUID
	inputs := d.mixed(3000)
	for from := 0; from < len(inputs); from += 100 {
		ids = append(ids, d.record(inputs[from:from+100]...)...)
	}
	d.settled(models.ToMarketo, 90*time.Second)
	d.sandbox.ClearFaults()
	d.onceInMarketo(ids)
}

func TestTheGroupedLayoutWhereSlotsAreShort(t *testing.T) {
	t.Parallel()
	sandbox := sandboxConfig()
	sandbox.CustomTypesTaken = 6
	d := newDesk(t, setup(t, sandbox, deliveryConfig()))
	ids := d.record(d.mixed(80)...)
	d.settled(models.ToMarketo, 20*time.Second)
	d.onceInMarketo(ids)
	types := map[string]bool{}
	for a := range d.sandbox.CustomActivities() {
		types[a.Type+": "+a.Primary] = true
	}
	require.Equal(t, map[string]bool{"salesActionsEmail: Send Sales Email": true, "salesActionsEmail: Open Sales Email": true,
		"salesActionsEmail: Click Sales Email": true, "salesActionsEmail: Replied to Sales Email": true, "salesActionsEmail: Sales Email Bounced": true,
		"salesActionsSalesCall: Sales Call Received": true, "salesActionsCampaign: Add to Sales Campaign": true, "salesActionsCampaign: Removed from Sales Campaign": true}, types)
}

func TestWithoutSlotsDeliveriesWaitAndSayWhy(t *testing.T) {
	t.Parallel()
	sandbox := sandboxConfig()
	sandbox.CustomTypesTaken = 8
	d := newDesk(t, setup(t, sandbox, deliveryConfig()))
	d.record(d.mixed(16)...)
	var pauses []models.Pause
	require.Eventually(t, func() bool {
		var err error
		pauses, err = models.ListPauses(t.Context(), d.db.Gorm)
		return err == nil && len(pauses) == 1
	}, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, "no_slots", pauses[0].Code)
	require.Contains(t, pauses[0].Remedy, "Delete custom activity types")
	counts, err := models.CountDeliveries(t.Context(), d.db.Gorm)
	require.NoError(t, err)
	require.EqualValues(t, 16, counts[0].Pending)
}

func TestAPersonWhoIsGoneInMarketoIsParkedAfterOneTry(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, sandboxConfig(), deliveryConfig()))
	require.NoError(t, d.engine.PauseSync(t.Context(), "test"))
	require.NoError(t, d.sandbox.Delete(d.people[3]))
	inputs := d.mixed(80)
	ids := d.record(inputs...)
	waiting := func() (n int) {
		require.NoError(t, d.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM deliveries WHERE hold = 'reread'`).Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return waiting() == 8 }, 20*time.Second, 20*time.Millisecond, "they wait until the person is read again")
	require.NoError(t, d.engine.ResumeSync(t.Context(), "test"))
	d.settled(models.ToMarketo, 30*time.Second)
	page, err := models.ListFailedDeliveries(t.Context(), d.db.Gorm, models.FailureQuery{Destination: models.ToMarketo, AnyCode: true})
	require.NoError(t, err)
	require.Len(t, page.Deliveries, 8)
	for _, f := range page.Deliveries {
		require.Equal(t, "1004", f.ErrorCode)
		require.Equal(t, 1, f.Attempts)
		require.NotEmpty(t, f.ErrorRemedy)
	}
	require.Len(t, d.inMarketo(), len(ids)-8)
}

func TestAPersonWhoWasMergedInMarketoIsFollowedToTheWinner(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, sandboxConfig(), deliveryConfig()))
	require.NoError(t, d.engine.PauseSync(t.Context(), "test"))
	loser, between, winner := d.people[3], d.people[4], d.people[5]
	require.NoError(t, d.sandbox.Merge(between, loser))
	require.NoError(t, d.sandbox.Merge(winner, between))
	in := d.mixed(1)[0]
	in.PersonID = loser
	id := d.record(in)[0]
	require.Eventually(t, func() bool {
		var waits bool
		require.NoError(t, d.db.Pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM deliveries WHERE hold = 'reread' AND error_code = '1004')`).Scan(&waits))
		return waits
	}, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, d.engine.ResumeSync(t.Context(), "test"))
	require.Eventually(t, func() bool { return d.inMarketo()[id.String()] == 1 }, 40*time.Second, 50*time.Millisecond)
	for a := range d.sandbox.CustomActivities() {
		require.Equal(t, winner, a.Lead)
	}
}
