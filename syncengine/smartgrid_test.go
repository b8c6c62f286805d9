package syncengine_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	sandboxmarketo "salesactions/sandbox/marketo"
	"salesactions/syncengine"
)

// withHistory is a Marketo in which people did something in the last 90 days.
func withHistory() sandboxmarketo.Config {
	c := crowdConfig()
	c.History = true
	return c
}

func (b *bundle) grid(id int64, account bool) syncengine.SmartGrid {
	b.t.Helper()
	person, err := models.FindPerson(b.t.Context(), b.db.Gorm, id)
	require.NoError(b.t, err)
	grid, err := b.engine.SmartGrid(b.t.Context(), person, account)
	require.NoError(b.t, err)
	return grid
}

// busy returns somebody with a history.
func (b *bundle) busy() int64 {
	b.t.Helper()
	// While its people are listed, the sandbox may not answer.
	for _, p := range slices.Collect(b.sandbox.People()) {
		if p.Fields["sfdcLeadOwnerId"] != "" && len(b.grid(p.ID, false).Events) > 20 {
			return p.ID
		}
	}
	require.FailNow(b.t, "nobody did much")
	return 0
}

func TestTheSmartGridCostsOneCallOfMarketos(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	id := d.busy()
	d.again()
	d.sandbox.ResetCounts()
	grid := d.grid(id, false)
	calls := d.sandbox.Calls()
	require.Nil(t, grid.Trouble)
	require.Equal(t, 1, calls["/rest/v1/activities.json"], "%v", calls)
	require.Equal(t, 1, calls["/rest/v1/activities/types.json"], "%v", calls)
	require.Equal(t, 1, calls["/rest/v1/activities/pagingtoken.json"], "%v", calls)
	kinds := map[syncengine.GridKind]bool{}
	for i, e := range grid.Events {
		kinds[e.Kind] = true
		require.Equal(t, id, e.Person)
		require.False(t, e.At.Before(grid.Weeks[0]))
		if i > 0 {
			require.False(t, e.At.After(grid.Events[i-1].At), "newest first")
		}
	}
	require.Len(t, kinds, 4, "all kinds: %v", kinds)

	d.grid(id, false)
	require.Equal(t, calls, d.sandbox.Calls(), "who looks around in one grid costs nothing for a minute")
	d.grid(d.people[0], false)
	after := d.sandbox.Calls()
	require.Equal(t, 2, after["/rest/v1/activities.json"])
	require.Equal(t, 1, after["/rest/v1/activities/types.json"]+after["/rest/v1/activities/pagingtoken.json"]-1, "both are asked for once a day")
	var tables int
	require.NoError(t, d.db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM activities`).Scan(&tables))
	require.Zero(t, tables, "nothing of it is stored")
	d.innocent()
}

func TestTheSmartGridGoesThroughEmptyPages(t *testing.T) {
	t.Parallel()
	config := withHistory()
	config.PageRows = 12
	d := newDesk(t, setup(t, config, idle()))
	id := d.busy()
	d.again()
	d.sandbox.ResetCounts()
	grid := d.grid(id, false)
	require.Greater(t, d.sandbox.Calls()["/rest/v1/activities.json"], 1)
	require.False(t, grid.Partial)
	require.Greater(t, len(grid.Events), 20)
}

func TestTheSmartGridAddsWhatWasRecordedHereOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), deliveryConfig()))
	require.NoError(t, d.engine.SetUpMarketoTypes(t.Context(), "test"))
	id := d.people[0]
	before := len(d.grid(id, false).Events)
	d.record(syncengine.ActivityInput{Key: "a", Kind: models.EmailSent, OccurredAt: time.Now(), PersonID: id, Attributes: models.ActivityAttributes{Subject: "Hello"}},
		syncengine.ActivityInput{Key: "b", Kind: models.CallReceived, OccurredAt: time.Now(), PersonID: id},
		syncengine.ActivityInput{Key: "c", Kind: models.CampaignAdded, OccurredAt: time.Now(), PersonID: id})
	d.settled(models.ToMarketo, time.Minute)
	d.again()
	grid := d.grid(id, false)
	require.Len(t, grid.Events, before+2, "neither left out nor doubled by Marketo's copy of it")
	here := 0
	for _, e := range grid.Events {
		if e.Here {
			here++
		}
	}
	require.Equal(t, 2, here)
}

func TestASlowMarketoKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	config := idle()
	config.GridTime = 300 * time.Millisecond
	d := newDesk(t, setup(t, withHistory(), config))
	d.sandbox.Fault(fault.Rule{Path: "/activities", Kind: fault.Latency, Delay: 5 * time.Second})
	began := time.Now()
	grid := d.grid(d.people[0], false)
	require.Less(t, time.Since(began), 3*time.Second)
	require.Equal(t, "Marketo did not answer in time.", grid.Trouble.Text)
	require.NotEmpty(t, grid.Weeks, "the grid is there all the same")
	d.sandbox.ClearFaults()
	require.Eventually(t, func() bool { return d.grid(d.people[0], false).Trouble == nil }, 30*time.Second, time.Millisecond, "trying again helps")
}

// Two questions come before the first grid. No page waits for both and the grid, but
// what came is kept for the next.
func TestASlowMarketoIsLearnedBesideThePages(t *testing.T) {
	t.Parallel()
	config := idle()
	config.GridTime = 750 * time.Millisecond
	d := newDesk(t, setup(t, withHistory(), config))
	d.sandbox.Fault(fault.Rule{Path: "/activities", Kind: fault.Latency, Delay: 400 * time.Millisecond}) // 1.6 s of 3
	d.sandbox.ResetCounts()
	require.Eventually(t, func() bool { return d.grid(d.people[0], false).Trouble == nil }, 30*time.Second, time.Millisecond)
	calls := d.sandbox.Calls()
	require.Equal(t, 1, calls["/rest/v1/activities/types.json"], "%v", calls)
	require.Equal(t, 1, calls["/rest/v1/activities/pagingtoken.json"], "%v", calls)
}

func TestManyPagesLearnOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	d.sandbox.Fault(fault.Rule{Path: "/activities/", Kind: fault.Latency, Delay: 500 * time.Millisecond})
	d.sandbox.ResetCounts()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() { d.grid(d.people[i], false) })
	}
	group.Wait()
	calls := d.sandbox.Calls()
	require.Equal(t, 1, calls["/rest/v1/activities/types.json"], "%v", calls)
	require.Equal(t, 1, calls["/rest/v1/activities/pagingtoken.json"], "%v", calls)
}

// The program ends while a Marketo that does not answer is being asked.
func TestStoppingDoesNotWaitForASlowMarketo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	config := idle()
	config.GridTime, config.Work = 100*time.Millisecond, false
	d.sandbox.Fault(fault.Rule{Path: "/activities", Kind: fault.Latency, Delay: 15 * time.Second})
	d.start(config) // without jobs, which have a moment of their own
	require.NotNil(t, d.grid(d.people[0], false).Trouble)
	began := time.Now()
	require.NoError(t, d.engine.Stop(t.Context()))
	require.Less(t, time.Since(began), 8*time.Second)
}

func TestThePlaceInTheLogIsKeptUntilMarketoRefusesIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	require.Nil(t, d.grid(d.people[0], false).Trouble)
	d.sandbox.ResetCounts()
	asked := func() int { return d.sandbox.Calls()["/rest/v1/activities/pagingtoken.json"] }
	for i, rule := range []fault.Rule{{Kind: fault.HTML}, {Kind: fault.DropBefore}, {Kind: fault.Code, Code: "608", Message: "API temporarily unavailable"}} {
		rule.Path = "/activities.json"
		d.sandbox.Fault(rule)
		require.NotNil(t, d.grid(d.people[1+i], false).Trouble, rule.Kind)
		d.sandbox.ClearFaults()
		_, err := d.db.Pool.Exec(t.Context(), `UPDATE api_pace SET blocked_until = NULL`) // Marketo is said to be down for some seconds
		require.NoError(t, err)
		require.Nil(t, d.grid(d.people[1+i], false).Trouble, rule.Kind)
		require.Zero(t, asked(), rule.Kind)
	}
	d.sandbox.Fault(fault.Rule{Path: "/activities.json", Kind: fault.Code, Code: "1003", Message: "Invalid nextPageToken"})
	require.NotNil(t, d.grid(d.people[5], false).Trouble)
	d.sandbox.ClearFaults()
	require.Nil(t, d.grid(d.people[5], false).Trouble)
	require.Equal(t, 1, asked())
	require.Zero(t, d.sandbox.Calls()["/rest/v1/activities/types.json"])
}

// Background work uses the whole rate, as an initial sync or a burst of activities does.
func TestTheSmartGridLoadsBesideBackgroundWorkAtFullRate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	config := idle()
	config.Work, config.Rate, config.GridTime = false, 25, 6*time.Second // half of the usual rate, twice the time
	d.start(config)
	client, err := d.engine.Marketo(t.Context())
	require.NoError(t, err)
	d.sandbox.Fault(fault.Rule{Kind: fault.Latency, Delay: 150 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for range 8 {
		group.Go(func() {
			for ctx.Err() == nil {
				_, _ = client.Usage(ctx)
			}
		})
	}
	require.Eventually(t, func() bool { return d.sandbox.Calls()["/rest/v1/stats/usage.json"] > 3 }, 20*time.Second, time.Millisecond)
	require.Nil(t, d.grid(d.people[0], false).Trouble)
}

func TestAMarketoThatIsDownIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	for _, rule := range []fault.Rule{{Kind: fault.HTML}, {Kind: fault.DropBefore}, {Kind: fault.Truncate}, {Kind: fault.Code, Code: "603", Message: "Access denied"}} {
		rule.Path = "/activities"
		d.sandbox.Fault(rule)
		grid := d.grid(d.people[0], false)
		require.NotNil(t, grid.Trouble, rule.Kind)
		require.NotEmpty(t, grid.Trouble.Text)
		require.NotEmpty(t, grid.Trouble.Remedy)
		d.sandbox.ClearFaults()
		d.again()
	}
	d.server.Close()
	require.NotNil(t, d.grid(d.people[0], false).Trouble)
}

func TestAnAccountIsShownTogether(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	_, err := d.db.Pool.Exec(t.Context(), `UPDATE people SET salesforce_account_id = '0015g000000000ZAAA', salesforce_contact_id = coalesce(salesforce_contact_id, '0035g000000000ZAAA')
		WHERE id IN (SELECT id FROM people WHERE archived_at IS NULL ORDER BY id LIMIT 100)`)
	require.NoError(t, err)
	d.sandbox.ResetCounts()
	alone := d.grid(d.people[0], false)
	require.True(t, alone.Account.Possible)
	require.False(t, alone.Account.Shown)
	grid := d.grid(d.people[0], true)
	require.True(t, grid.Account.Shown)
	require.Equal(t, 99, grid.Account.People)
	others := map[int64]bool{}
	for _, e := range grid.Events {
		others[e.Person] = true
		require.True(t, e.Person == d.people[0] || grid.Account.Names[e.Person] != "")
	}
	require.Greater(t, len(others), 50)
	require.LessOrEqual(t, d.sandbox.Calls()["/rest/v1/activities.json"], 1+4*5, "thirty people a call, with their pages")
	d.innocent()

	_, err = d.db.Pool.Exec(t.Context(), `UPDATE people SET salesforce_account_id = '0015g000000000ZAAA' WHERE archived_at IS NULL`)
	require.NoError(t, err)
	require.Greater(t, len(d.people), syncengine.MaxAccount+1)
	grid = d.grid(d.people[0], true)
	require.True(t, grid.Account.TooMany)
	require.False(t, grid.Account.Shown)
	_, err = d.db.Pool.Exec(t.Context(), `UPDATE people SET salesforce_contact_id = NULL WHERE id = $1`, d.people[0])
	require.NoError(t, err)
	require.False(t, d.grid(d.people[0], true).Account.Possible, "a lead has no account")
}

func TestTheReserveKeepsTheSmartGridAlive(t *testing.T) {
	t.Parallel()
	config := idle()
	config.DailyBudget = 1000
	d := newDesk(t, setup(t, withHistory(), config))
	_, err := d.db.Pool.Exec(t.Context(), `WITH rest AS (DELETE FROM api_usage WHERE system = 'marketo' AND purpose <> 'smart grid' RETURNING day)
			INSERT INTO api_usage (system, day, purpose, calls) SELECT 'marketo', max(day), 'smart grid', $1 FROM rest
			ON CONFLICT (system, day, purpose) DO UPDATE SET calls = $1`, 950)
	require.NoError(t, err) // background work may use nine tenths
	client, err := d.engine.Marketo(t.Context())
	require.NoError(t, err)
	_, err = client.ActivityTypes(t.Context())
	require.ErrorContains(t, err, "our daily budget of Marketo calls is used up")
	require.Nil(t, d.grid(d.people[0], false).Trouble)
	_, err = d.db.Pool.Exec(t.Context(), `UPDATE api_usage SET calls = 1000 WHERE system = 'marketo'`)
	require.NoError(t, err)
	require.Contains(t, d.grid(d.people[1], false).Trouble.Text, "used up until")
}

// idle is an engine that asks Marketo nothing by itself once people are copied.
func idle() syncengine.Config {
	c := deliveryConfig()
	c.PollInterval, c.SweepInterval = time.Hour, time.Hour
	return c
}

// again ends the engine, whose last work would be counted too, and begins one that
// remembers nothing and asks only when it is asked.
func (b *bundle) again() {
	b.t.Helper()
	stopping, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	require.NoError(b.t, b.engine.Stop(stopping))
	config := idle()
	config.Work = false
	b.start(config)
}
