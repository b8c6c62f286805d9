package syncengine_test

import (
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

// dayClock is a fake clock that knows for when work waits. Tickers do not count: they
// tick beside work that goes on.
type dayClock struct {
	*clockwork.FakeClock
	mu    sync.Mutex
	waits map[*wait]time.Time
}

// wait is a timer that takes itself off the list.
type wait struct {
	clockwork.Timer
	clock *dayClock
}

// NewTimer notes until when the caller waits.
func (c *dayClock) NewTimer(d time.Duration) clockwork.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &wait{Timer: c.FakeClock.NewTimer(d), clock: c}
	c.waits[w] = c.Now().Add(d)
	return w
}

// Stop ends the wait.
func (w *wait) Stop() bool {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	delete(w.clock.waits, w)
	return w.Timer.Stop()
}

// earliest is for when the first of the work waits; false when nothing does.
func (c *dayClock) earliest() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var first time.Time
	for _, at := range c.waits {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, !first.IsZero()
}

const (
	// stride is how often jobs run that are due more often: each run looks for work, and
	// most find none.
	stride = 15 * time.Minute
	// step is how far the time moves at once while work waits.
	step = time.Second
)

// days are a workspace beside both sandboxes whose time a test moves: it runs the jobs
// of the engine's table when they are due, in place of River.
type days struct {
	*bundle
	clock   *dayClock
	advance func(time.Duration)
	jobs    []syncengine.Job
	due     map[string]time.Time

	mu    sync.Mutex
	asked []string
}

func newDays(t *testing.T, start time.Time, daily int64) *days {
	t.Helper()
	d := &days{clock: &dayClock{FakeClock: clockwork.NewFakeClockAt(start), waits: map[*wait]time.Time{}}, due: map[string]time.Time{}}
	org := openOrg(t, sandboxsalesforce.Config{People: 60, Seed: 1, QuotaOff: true, KeyField: models.DefaultKeyField, Clock: d.clock})
	marketo := sandboxConfig()
	marketo.People, marketo.Clock = 60, d.clock
	config := syncengine.Config{Clock: d.clock, PollInterval: stride, TaskPoll: stride, ExportPoll: 5 * time.Second, Rate: 1 << 20, DailyBudget: daily, Copy: syncengine.CopyBulk,
		SalesforceDaily: 1 << 40, Salesforce: syncengine.SalesforceCredentials{LoginURL: org.server.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}}
	d.bundle = setup(t, marketo, config)
	d.advance = postgrestest.FollowClock(t, d.db.Pool, d.clock.FakeClock)
	d.engine.OnNudge(func(name string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, name)
	})
	d.jobs = d.engine.Jobs()
	for _, j := range d.jobs {
		switch {
		case j.OnStart:
			d.due[j.Name] = start
		case j.Next != nil:
			d.due[j.Name] = j.Next(start)
		}
	}
	return d
}

// move lets time pass, here, in the database and in both sandboxes.
func (d *days) move(to time.Time) {
	d.t.Helper()
	if by := to.Sub(d.clock.Now()); by > 0 {
		d.advance(by)
	}
}

// run runs a job to its end, and lets time pass while it waits.
func (d *days) run(j syncengine.Job) {
	d.t.Helper()
	done := make(chan error, 1)
	go func() { done <- j.Run(d.t.Context()) }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				d.t.Logf("%s at %s: %v", j.Name, d.clock.Now().UTC().Format(time.DateTime), err)
			}
			return
		case <-look.C:
			if at, waits := d.clock.earliest(); waits {
				d.move(minTime(at, d.clock.Now().Add(step)))
			}
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// settle runs the jobs that were asked for, until none is.
func (d *days) settle() {
	d.t.Helper()
	for range 100 {
		d.mu.Lock()
		asked := map[string]bool{}
		for _, name := range d.asked {
			asked[name] = true
		}
		d.asked = nil
		d.mu.Unlock()
		if len(asked) == 0 {
			return
		}
		for _, j := range d.jobs {
			if asked[j.Name] {
				d.run(j)
			}
		}
	}
	require.Fail(d.t, "jobs ask for each other without end")
}

// until lets time pass from one due time to the next.
func (d *days) until(to time.Time) {
	d.t.Helper()
	d.settle()
	for {
		next := to
		for _, at := range d.due {
			next = minTime(next, at)
		}
		d.move(next)
		if !next.Before(to) {
			return
		}
		for _, j := range d.jobs {
			if at, periodic := d.due[j.Name]; periodic && !at.After(d.clock.Now()) {
				d.due[j.Name] = maxTime(j.Next(at), at.Add(stride))
				d.run(j)
				d.settle()
			}
		}
	}
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// at is a time in UTC.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.DateTime, text)
	require.NoError(t, err)
	return v
}

// within checks that something began at a time, or in the minutes after it.
func within(t *testing.T, want, began time.Time) {
	t.Helper()
	require.False(t, began.Before(want), "%s is before %s", began, want)
	require.Less(t, began.Sub(want), stride, "%s is long after %s", began, want)
}

func (d *days) status() syncengine.Status {
	d.t.Helper()
	st, err := d.engine.Status(d.t.Context())
	require.NoError(d.t, err)
	return st
}

func TestTwoDaysOfAWorkspace(t *testing.T) {
	t.Parallel()
	// In the night to November 1, Pacific time and Central time go back by an hour.
	d := newDays(t, at(t, "2026-10-31 22:00:00"), 1<<40)
	yes := true
	require.NoError(t, d.engine.ChangeUnsubscribing(t.Context(), syncengine.UnsubscribingChange{Nightly: &yes}, "test"))
	require.NoError(t, d.engine.StartSync(t.Context(), "test"))
	d.until(at(t, "2026-10-31 23:00:00"))
	require.Equal(t, syncengine.StateFollowing, d.status().State, "the initial sync is done")
	require.Empty(t, d.difference())

	require.NoError(t, d.sandbox.Change(ada, map[string]string{"title": "Changed at night"}))
	d.until(at(t, "2026-11-02 07:00:00"))
	require.Empty(t, d.difference(), "the change was followed")
	d.innocent()

	var reconciled []time.Time
	for _, run := range d.status().Runs {
		if run.Kind == models.RunReconcile {
			require.NotNil(t, run.FinishedAt)
			reconciled = append(reconciled, run.StartedAt)
		}
	}
	require.Len(t, reconciled, 2)
	within(t, at(t, "2026-11-02 03:00:00"), reconciled[0])
	within(t, at(t, "2026-11-01 03:00:00"), reconciled[1])
	report, err := d.engine.Report(t.Context())
	require.NoError(t, err)
	require.True(t, report.Equal, "%+v", report.Differences)

	compared, err := models.RecentUnsubscribeRuns(t.Context(), d.db.Gorm, 10)
	require.NoError(t, err)
	require.Len(t, compared, 2)
	within(t, at(t, "2026-11-02 04:00:00"), compared[0].StartedAt) // 20:00 in winter
	within(t, at(t, "2026-11-01 03:00:00"), compared[1].StartedAt) // 20:00 in summer
}

func TestASpentBudgetIsFilledAtMidnightInChicago(t *testing.T) {
	t.Parallel()
	const daily = 10_000
	d := newDays(t, at(t, "2026-10-31 22:00:00"), daily)
	require.NoError(t, d.engine.StartSync(t.Context(), "test"))
	d.until(at(t, "2026-10-31 23:00:00"))
	_, err := d.db.Pool.Exec(t.Context(), `INSERT INTO api_usage (system, day, purpose, calls) VALUES ('marketo', '2026-10-31', 'test', $1)`, daily)
	require.NoError(t, err)
	require.NoError(t, d.sandbox.Change(ada, map[string]string{"title": "Changed in the evening"}))

	d.until(at(t, "2026-11-01 04:59:00"))
	require.NotEmpty(t, d.difference(), "no call was left to read it")
	trouble := d.status().Trouble
	require.NotNil(t, trouble)
	require.Equal(t, "budget", trouble.Code)
	calls := d.calls()

	d.until(at(t, "2026-11-01 06:00:00"))
	require.Empty(t, d.difference(), "a new day began at 00:00 in summer, which is 05:00 UTC")
	require.Greater(t, d.calls(), calls)
	d.innocent()
}

// calls are all that Marketo was sent.
func (d *days) calls() (n int) {
	for _, calls := range d.sandbox.Calls() {
		n += calls
	}
	return n
}
