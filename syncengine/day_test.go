package syncengine_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	"salesactions/syncengine"
)

// reconciled says when the reconciliations began, newest first. All have ended.
func (d *days) reconciled() (began []time.Time) {
	d.T.Helper()
	for _, run := range d.status().Runs {
		if run.Kind == models.RunReconcile {
			require.NotNil(d.T, run.FinishedAt)
			began = append(began, run.StartedAt)
		}
	}
	return began
}

func TestTwoDaysOfAWorkspace(t *testing.T) {
	t.Parallel()
	// In the night to November 1, Pacific time and Central time go back by an hour.
	d := newDays(t, at(t, "2026-10-31 22:00:00"), syncengine.Config{Copy: syncengine.CopyBulk})
	d.copied()

	require.NoError(t, d.Sandbox.Change(ada, map[string]string{"title": "Changed at night"}))
	d.until(at(t, "2026-11-02 07:00:00"))
	require.Empty(t, differenceOf(d.Bundle), "the change was followed")
	d.Innocent()

	began := d.reconciled()
	require.Len(t, began, 2)
	within(t, at(t, "2026-11-02 03:00:00"), began[0])
	within(t, at(t, "2026-11-01 03:00:00"), began[1])
	report, err := d.Engine.Report(t.Context())
	require.NoError(t, err)
	require.True(t, report.Equal, "%+v", report.Differences)
}

func TestBothSidesAreComparedAtEightInTheEveningPacificTime(t *testing.T) {
	t.Parallel()
	d := newDays(t, at(t, "2026-10-31 21:00:00"), syncengine.Config{})
	d.copied()
	tick := func(record string, on bool) {
		_, err := d.Org.Act("update", "Contact", record, map[string]any{models.StandardOptOut: on})
		require.NoError(t, err)
	}
	here := func(p models.Person) bool {
		list, err := models.UnsubscribesOf(t.Context(), d.DB.Gorm, p.ID)
		require.NoError(t, err)
		return len(list) > 0
	}
	// A tick from long before the switch is found by a comparison only: between comparisons,
	// new ticks are looked for.
	there, record := somebody(d.Office, "Contact", 0)
	tick(record, true)
	d.until(at(t, "2026-10-31 23:00:00"))
	yes := true
	require.NoError(t, d.Engine.ChangeUnsubscribing(t.Context(), syncengine.UnsubscribingChange{Nightly: &yes}, "test"))
	ours, unticked := somebody(d.Office, "Contact", 1)
	ways(d.Office)[models.ByRep](ours)
	d.until(at(t, "2026-10-31 23:30:00"))
	require.True(t, optedOut(d.Office, unticked, models.StandardOptOut), "it was pushed at once")

	for _, night := range []string{
		"2026-11-01 03:00:00", // in summer
		"2026-11-02 04:00:00", // in winter
	} {
		tick(unticked, false)
		d.until(at(t, night))
		require.Equal(t, night != "2026-11-01 03:00:00", here(there), "the first comparison brings it")
		require.False(t, optedOut(d.Office, unticked, models.StandardOptOut), "both sides are not compared yet")
		d.until(at(t, night).Add(2 * stride))
		require.Equal(t, models.BySalesforce, said(d.Office, there.ID).Source)
		require.True(t, optedOut(d.Office, unticked, models.StandardOptOut), "it was pushed again")
		compared, err := models.RecentUnsubscribeRuns(t.Context(), d.DB.Gorm, 1)
		require.NoError(t, err)
		within(t, at(t, night), compared[0].StartedAt)
		require.Equal(t, models.RunDone, *compared[0].Outcome)
		require.EqualValues(t, 1, compared[0].Pushed)
	}
	compared, err := models.RecentUnsubscribeRuns(t.Context(), d.DB.Gorm, 10)
	require.NoError(t, err)
	require.Len(t, compared, 2, "one run a night")
	require.Empty(t, d.Org.Violations())
}

// calls are all that Marketo was sent.
func (d *days) calls() (n int) {
	for _, calls := range d.Sandbox.Calls() {
		n += calls
	}
	return n
}

func TestASpentBudgetIsFilledAtMidnightInChicago(t *testing.T) {
	t.Parallel()
	const daily, forPeople = 300, 240 // a fifth is kept for those who wait, and for deliveries
	d := newDays(t, at(t, "2026-10-31 22:00:00"), syncengine.Config{DailyBudget: daily})
	d.copied()
	for _, night := range []string{
		"2026-11-01 05:00:00", // in summer
		"2026-11-02 06:00:00", // in winter: the day had 25 hours
	} {
		midnight := at(t, night)
		d.until(midnight.Add(-time.Hour))
		usage, err := d.Engine.MarketoBudget(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, forPeople, usage.Calls, "following the changes spent it")
		require.Equal(t, midnight.AddDate(0, 0, -1).Format(time.DateOnly), usage.Day)
		require.NoError(t, d.Sandbox.Change(ada, map[string]string{"title": "Changed before " + night}))
		calls := d.calls()

		d.until(midnight)
		require.NotEmpty(t, differenceOf(d.Bundle), "no call was left to read it")
		require.Equal(t, calls, d.calls())
		trouble := d.status().Trouble
		require.NotNil(t, trouble)
		require.Equal(t, "budget", trouble.Code)
		require.Contains(t, trouble.Text, "used up until "+midnight.Format(time.RFC3339))
		require.False(t, trouble.Halted, "it goes on without an admin")

		d.until(midnight.Add(time.Hour))
		require.Empty(t, differenceOf(d.Bundle))
		require.Greater(t, d.calls(), calls)
	}
	d.Innocent()
}

// sent records an email to a contact that is sent now.
func (d *days) sent(key string) uuid.UUID {
	in := d.Email(key)
	in.OccurredAt = d.clock.Now()
	return d.Record(in)[0]
}

// delivered checks that activities are in both systems once, with nothing besides.
func (d *days) delivered(ids ...uuid.UUID) {
	d.T.Helper()
	d.OnceInMarketo(ids)
	tasks := d.Tasks()
	for _, id := range ids {
		require.Len(d.T, tasks[id.String()], 1)
	}
	require.Len(d.T, tasks, len(ids))
}

// open counts the deliveries that are not known to have arrived.
func (d *days) open() (n int) {
	d.T.Helper()
	require.NoError(d.T, d.DB.Pool.QueryRow(d.T.Context(), `SELECT count(*) FROM deliveries WHERE state <> 'delivered'`).Scan(&n))
	return n
}

func TestAnOutageOfAnHourDelaysActivities(t *testing.T) {
	t.Parallel()
	d := newDays(t, at(t, "2026-11-03 14:00:00"), syncengine.Config{})
	d.copied()
	d.Logging(true, true, true)
	before := d.sent("before")
	d.until(at(t, "2026-11-03 15:59:00"))
	d.delivered(before)

	// Its first calls are carried out, and their answers are lost.
	d.Sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.DropAfter, Count: 1})
	d.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.DropAfter, Count: 1})
	d.Sandbox.Fault(fault.Rule{Path: "/activities/pagingtoken.json", Kind: fault.HTML})
	d.Org.Fault(fault.Rule{Path: "/composite", Kind: fault.HTML})
	d.Org.Fault(fault.Rule{Path: "/query", Kind: fault.HTML})
	doubted := d.sent("doubted")
	d.settle()
	d.Sandbox.Fault(fault.Rule{Kind: fault.HTML})
	d.Org.Fault(fault.Rule{Kind: fault.HTML})
	require.Equal(t, 2, d.open(), "both systems may have it or not")
	late := d.sent("late")
	require.NoError(t, d.Sandbox.Change(ada, map[string]string{"title": "Changed in the outage"}))
	d.until(at(t, "2026-11-03 17:00:00"))
	d.delivered(before, doubted)
	require.NotEmpty(t, differenceOf(d.Bundle))
	require.Len(t, d.Pauses(), 2, "neither system can be reached")

	d.Sandbox.ClearFaults()
	d.Org.ClearFaults()
	d.until(at(t, "2026-11-03 18:00:00"))
	d.delivered(before, doubted, late)
	require.Empty(t, differenceOf(d.Bundle))
	require.Empty(t, d.Pauses())
	require.Zero(t, d.open(), "nothing is in doubt any more")
}
