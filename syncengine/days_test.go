package syncengine_test

import (
	"cmp"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
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

// travel counts the calls that are on their way.
type travel struct {
	next  http.RoundTripper
	calls atomic.Int64
}

// RoundTrip makes a call.
func (tr *travel) RoundTrip(r *http.Request) (*http.Response, error) {
	tr.calls.Add(1)
	defer tr.calls.Add(-1)
	return tr.next.RoundTrip(r)
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
	*enginetest.Office
	clock   *dayClock
	travel  travel
	advance func(time.Duration)
	jobs    []syncengine.Job
	due     map[string]time.Time

	mu    sync.Mutex
	asked []string
}

// newDays connects a workspace to both sandboxes, which begins at a time. The config says
// what is not as usual here; people are copied in pages, and calls are hardly limited.
func newDays(t *testing.T, start time.Time, config syncengine.Config) *days {
	t.Helper()
	d := &days{clock: &dayClock{FakeClock: clockwork.NewFakeClockAt(start), waits: map[*wait]time.Time{}}, due: map[string]time.Time{}}
	d.travel.next = cmp.Or(config.HTTP, http.DefaultTransport)
	d.Office = enginetest.OpenOrg(t, sandboxsalesforce.Config{People: 60, Seed: 1, QuotaOff: true, KeyField: models.DefaultKeyField, Clock: d.clock})
	marketo := enginetest.SandboxConfig()
	marketo.People, marketo.Clock = 60, d.clock
	config.Clock, config.HTTP, config.PollInterval, config.TaskPoll, config.ExportPoll = d.clock, &d.travel, stride, stride, 5*time.Second
	config.Rate, config.DailyBudget, config.SalesforceDaily = 1<<20, cmp.Or(config.DailyBudget, 1<<40), 1<<40
	config.Copy, config.Linger = cmp.Or(config.Copy, syncengine.CopyPaged), 100*time.Millisecond
	config.Salesforce = syncengine.SalesforceCredentials{LoginURL: d.OrgServer.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	d.Desk = enginetest.Seat(t, enginetest.Setup(t, marketo, config))
	d.advance = postgrestest.FollowClock(t, d.DB.Pool, d.clock.FakeClock)
	d.Engine.OnNudge(func(name string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, name)
	})
	d.jobs = d.Engine.Jobs()
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
	d.T.Helper()
	if by := to.Sub(d.clock.Now()); by > 0 {
		d.advance(by)
	}
}

// run runs a job to its end, and lets time pass while it waits. Time stands still while a
// call is on its way, so that a slow machine makes no call late.
func (d *days) run(j syncengine.Job) {
	d.T.Helper()
	done := make(chan error, 1)
	go func() { done <- j.Run(d.T.Context()) }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				d.T.Logf("%s at %s: %v", j.Name, d.clock.Now().UTC().Format(time.DateTime), err)
			}
			return
		case <-look.C:
			if at, waits := d.clock.earliest(); waits && d.travel.calls.Load() == 0 {
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
	d.T.Helper()
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
	require.Fail(d.T, "jobs ask for each other without end")
}

// until lets time pass from one due time to the next.
func (d *days) until(to time.Time) {
	d.T.Helper()
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
	d.T.Helper()
	st, err := d.Engine.Status(d.T.Context())
	require.NoError(d.T, err)
	return st
}

// copied starts the sync, and checks an hour later that everyone is here.
func (d *days) copied() {
	d.T.Helper()
	require.NoError(d.T, d.Engine.StartSync(d.T.Context(), "test"))
	d.until(d.clock.Now().Add(time.Hour))
	require.Equal(d.T, syncengine.StateFollowing, d.status().State, "the initial sync is done")
	require.Empty(d.T, differenceOf(d.Bundle))
}
