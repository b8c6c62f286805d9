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
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

// busy returns somebody with a history.
func busy(b *enginetest.Bundle) int64 {
	b.T.Helper()
	// While its people are listed, the sandbox may not answer.
	for _, p := range slices.Collect(b.Sandbox.People()) {
		if p.Fields["sfdcLeadOwnerId"] != "" && len(b.Grid(p.ID, false).Events) > 20 {
			return p.ID
		}
	}
	require.FailNow(b.T, "nobody did much")
	return 0
}

func TestTheSmartGridCostsOneCallOfMarketos(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	id := busy(d.Bundle)
	again(d.Bundle)
	d.Sandbox.ResetCounts()
	grid := d.Grid(id, false)
	calls := d.Sandbox.Calls()
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

	d.Grid(id, false)
	require.Equal(t, calls, d.Sandbox.Calls(), "who looks around in one grid costs nothing for a minute")
	d.Grid(d.People[0], false)
	after := d.Sandbox.Calls()
	require.Equal(t, 2, after["/rest/v1/activities.json"])
	require.Equal(t, 1, after["/rest/v1/activities/types.json"]+after["/rest/v1/activities/pagingtoken.json"]-1, "both are asked for once a day")
	var tables int
	require.NoError(t, d.DB.Pool.QueryRow(t.Context(), `SELECT count(*) FROM activities`).Scan(&tables))
	require.Zero(t, tables, "nothing of it is stored")
	d.Innocent()
}

func TestTheSmartGridGoesThroughEmptyPages(t *testing.T) {
	t.Parallel()
	config := enginetest.WithHistory()
	config.PageRows = 12
	d := enginetest.NewDesk(t, enginetest.Setup(t, config, enginetest.Idle()))
	id := busy(d.Bundle)
	again(d.Bundle)
	d.Sandbox.ResetCounts()
	grid := d.Grid(id, false)
	require.Greater(t, d.Sandbox.Calls()["/rest/v1/activities.json"], 1)
	require.False(t, grid.Partial)
	require.Greater(t, len(grid.Events), 20)
}

func TestTheSmartGridAddsWhatWasRecordedHereOnce(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.DeliveryConfig()))
	require.NoError(t, d.Engine.SetUpMarketoTypes(t.Context(), "test"))
	id := d.People[0]
	before := len(d.Grid(id, false).Events)
	d.Record(syncengine.ActivityInput{Key: "a", Kind: models.EmailSent, OccurredAt: time.Now(), PersonID: id, Attributes: models.ActivityAttributes{Subject: "Hello"}},
		syncengine.ActivityInput{Key: "b", Kind: models.CallReceived, OccurredAt: time.Now(), PersonID: id},
		syncengine.ActivityInput{Key: "c", Kind: models.CampaignAdded, OccurredAt: time.Now(), PersonID: id})
	d.Settled(models.ToMarketo, time.Minute)
	again(d.Bundle)
	grid := d.Grid(id, false)
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
	config := enginetest.Idle()
	config.GridTime = 300 * time.Millisecond
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), config))
	d.Sandbox.Fault(fault.Rule{Path: "/activities", Kind: fault.Latency, Delay: 5 * time.Second})
	began := time.Now()
	grid := d.Grid(d.People[0], false)
	require.Less(t, time.Since(began), 3*time.Second)
	require.Equal(t, "Marketo did not answer in time.", grid.Trouble.Text)
	require.NotEmpty(t, grid.Weeks, "the grid is there all the same")
	d.Sandbox.ClearFaults()
	require.Eventually(t, func() bool { return d.Grid(d.People[0], false).Trouble == nil }, 30*time.Second, time.Millisecond, "trying again helps")
}

// Two questions come before the first grid. No page waits for both and the grid, but
// what came is kept for the next.
func TestASlowMarketoIsLearnedBesideThePages(t *testing.T) {
	t.Parallel()
	config := enginetest.Idle()
	config.GridTime = 750 * time.Millisecond
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), config))
	d.Sandbox.Fault(fault.Rule{Path: "/activities", Kind: fault.Latency, Delay: 400 * time.Millisecond}) // 1.6 s of 3
	d.Sandbox.ResetCounts()
	require.Eventually(t, func() bool { return d.Grid(d.People[0], false).Trouble == nil }, 30*time.Second, time.Millisecond)
	calls := d.Sandbox.Calls()
	require.Equal(t, 1, calls["/rest/v1/activities/types.json"], "%v", calls)
	require.Equal(t, 1, calls["/rest/v1/activities/pagingtoken.json"], "%v", calls)
}

func TestManyPagesLearnOnce(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	d.Sandbox.Fault(fault.Rule{Path: "/activities/", Kind: fault.Latency, Delay: 500 * time.Millisecond})
	d.Sandbox.ResetCounts()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() { d.Grid(d.People[i], false) })
	}
	group.Wait()
	calls := d.Sandbox.Calls()
	require.Equal(t, 1, calls["/rest/v1/activities/types.json"], "%v", calls)
	require.Equal(t, 1, calls["/rest/v1/activities/pagingtoken.json"], "%v", calls)
}

// The program ends while a Marketo that does not answer is being asked.
func TestStoppingDoesNotWaitForASlowMarketo(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	config := enginetest.Idle()
	config.GridTime, config.Work = 100*time.Millisecond, false
	d.Sandbox.Fault(fault.Rule{Path: "/activities", Kind: fault.Latency, Delay: 15 * time.Second})
	d.Start(config) // without jobs, which have a moment of their own
	require.NotNil(t, d.Grid(d.People[0], false).Trouble)
	began := time.Now()
	require.NoError(t, d.Engine.Stop(t.Context()))
	require.Less(t, time.Since(began), 8*time.Second)
}

func TestThePlaceInTheLogIsKeptUntilMarketoRefusesIt(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	require.Nil(t, d.Grid(d.People[0], false).Trouble)
	d.Sandbox.ResetCounts()
	asked := func() int { return d.Sandbox.Calls()["/rest/v1/activities/pagingtoken.json"] }
	for i, rule := range []fault.Rule{{Kind: fault.HTML}, {Kind: fault.DropBefore}, {Kind: fault.Code, Code: "608", Message: "API temporarily unavailable"}} {
		rule.Path = "/activities.json"
		d.Sandbox.Fault(rule)
		require.NotNil(t, d.Grid(d.People[1+i], false).Trouble, rule.Kind)
		d.Sandbox.ClearFaults()
		_, err := d.DB.Pool.Exec(t.Context(), `UPDATE api_pace SET blocked_until = NULL`) // Marketo is said to be down for some seconds
		require.NoError(t, err)
		require.Nil(t, d.Grid(d.People[1+i], false).Trouble, rule.Kind)
		require.Zero(t, asked(), rule.Kind)
	}
	d.Sandbox.Fault(fault.Rule{Path: "/activities.json", Kind: fault.Code, Code: "1003", Message: "Invalid nextPageToken"})
	require.NotNil(t, d.Grid(d.People[5], false).Trouble)
	d.Sandbox.ClearFaults()
	require.Nil(t, d.Grid(d.People[5], false).Trouble)
	require.Equal(t, 1, asked())
	require.Zero(t, d.Sandbox.Calls()["/rest/v1/activities/types.json"])
}

// Background work uses the whole rate, as an initial sync or a burst of activities does.
func TestTheSmartGridLoadsBesideBackgroundWorkAtFullRate(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	config := enginetest.Idle()
	config.Work, config.Rate, config.GridTime = false, 25, 6*time.Second // half of the usual rate, twice the time
	d.Start(config)
	client, err := d.Engine.Marketo(t.Context())
	require.NoError(t, err)
	d.Sandbox.Fault(fault.Rule{Kind: fault.Latency, Delay: 150 * time.Millisecond})
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
	require.Eventually(t, func() bool { return d.Sandbox.Calls()["/rest/v1/stats/usage.json"] > 3 }, 20*time.Second, time.Millisecond)
	require.Nil(t, d.Grid(d.People[0], false).Trouble)
}

func TestAMarketoThatIsDownIsTold(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	for _, rule := range []fault.Rule{{Kind: fault.HTML}, {Kind: fault.DropBefore}, {Kind: fault.Truncate}, {Kind: fault.Code, Code: "603", Message: "Access denied"}} {
		rule.Path = "/activities"
		d.Sandbox.Fault(rule)
		grid := d.Grid(d.People[0], false)
		require.NotNil(t, grid.Trouble, rule.Kind)
		require.NotEmpty(t, grid.Trouble.Text)
		require.NotEmpty(t, grid.Trouble.Remedy)
		d.Sandbox.ClearFaults()
		again(d.Bundle)
	}
	d.Server.Close()
	require.NotNil(t, d.Grid(d.People[0], false).Trouble)
}

func TestAnAccountIsShownTogether(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	_, err := d.DB.Pool.Exec(t.Context(), `UPDATE people SET salesforce_account_id = '0015g000000000ZAAA', salesforce_contact_id = coalesce(salesforce_contact_id, '0035g000000000ZAAA')
		WHERE id IN (SELECT id FROM people WHERE archived_at IS NULL ORDER BY id LIMIT 100)`)
	require.NoError(t, err)
	d.Sandbox.ResetCounts()
	alone := d.Grid(d.People[0], false)
	require.True(t, alone.Account.Possible)
	require.False(t, alone.Account.Shown)
	grid := d.Grid(d.People[0], true)
	require.True(t, grid.Account.Shown)
	require.Equal(t, 99, grid.Account.People)
	others := map[int64]bool{}
	for _, e := range grid.Events {
		others[e.Person] = true
		require.True(t, e.Person == d.People[0] || grid.Account.Names[e.Person] != "")
	}
	require.Greater(t, len(others), 50)
	require.LessOrEqual(t, d.Sandbox.Calls()["/rest/v1/activities.json"], 1+4*5, "thirty people a call, with their pages")
	d.Innocent()

	_, err = d.DB.Pool.Exec(t.Context(), `UPDATE people SET salesforce_account_id = '0015g000000000ZAAA' WHERE archived_at IS NULL`)
	require.NoError(t, err)
	require.Greater(t, len(d.People), syncengine.MaxAccount+1)
	grid = d.Grid(d.People[0], true)
	require.True(t, grid.Account.TooMany)
	require.False(t, grid.Account.Shown)
	_, err = d.DB.Pool.Exec(t.Context(), `UPDATE people SET salesforce_contact_id = NULL WHERE id = $1`, d.People[0])
	require.NoError(t, err)
	require.False(t, d.Grid(d.People[0], true).Account.Possible, "a lead has no account")
}

func TestTheReserveKeepsTheSmartGridAlive(t *testing.T) {
	t.Parallel()
	config := enginetest.Idle()
	config.DailyBudget = 1000
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), config))
	_, err := d.DB.Pool.Exec(t.Context(), `WITH rest AS (DELETE FROM api_usage WHERE system = 'marketo' AND purpose <> 'smart grid' RETURNING day)
			INSERT INTO api_usage (system, day, purpose, calls) SELECT 'marketo', max(day), 'smart grid', $1 FROM rest
			ON CONFLICT (system, day, purpose) DO UPDATE SET calls = $1`, 950)
	require.NoError(t, err) // background work may use nine tenths
	client, err := d.Engine.Marketo(t.Context())
	require.NoError(t, err)
	_, err = client.ActivityTypes(t.Context())
	require.ErrorContains(t, err, "our daily budget of Marketo calls is used up")
	require.Nil(t, d.Grid(d.People[0], false).Trouble)
	_, err = d.DB.Pool.Exec(t.Context(), `UPDATE api_usage SET calls = 1000 WHERE system = 'marketo'`)
	require.NoError(t, err)
	require.Contains(t, d.Grid(d.People[1], false).Trouble.Text, "used up until")
}

// again ends the engine, whose last work would be counted too, and begins one that
// remembers nothing and asks only when it is asked.
func again(b *enginetest.Bundle) {
	b.T.Helper()
	stopping, cancel := context.WithTimeout(b.T.Context(), enginetest.Patience)
	defer cancel()
	require.NoError(b.T, b.Engine.Stop(stopping))
	config := enginetest.Idle()
	config.Work = false
	b.Start(config)
}
