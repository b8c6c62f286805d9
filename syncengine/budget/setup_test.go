package budget_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/clock"
	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/budget"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func limits() budget.Limits {
	return budget.Limits{System: "marketo", Rate: 1_000_000, Window: 20 * time.Second, Concurrency: 3, Daily: 1000}
}

// world is a database, and a time in which a day passes in a moment: it only moves
// while all goroutines wait for it, and stands still while one talks to the database.
type world struct {
	t    *testing.T
	pool *pgxpool.Pool
	step atomic.Int64 // how far the shared clock is ahead
}

// inWorld runs a test in a world of its own, from midnight UTC on January 1, 2000.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	url := postgrestest.URL(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		config, err := pgxpool.ParseConfig(url)
		require.NoError(t, err)
		config.MaxConns = 8
		// Each connection learns what time it is when a caller takes it; callers keep it
		// for no longer than the time stands still.
		config.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
			_, err := conn.Exec(ctx, `SELECT set_config('test.now', $1, false)`, w.now().Format(time.RFC3339Nano))
			return err == nil, err
		}
		w.pool, err = pgxpool.NewWithConfig(t.Context(), config)
		require.NoError(t, err)
		t.Cleanup(w.pool.Close)
		w.exec(`CREATE OR REPLACE FUNCTION shared_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT current_setting('test.now')::timestamptz $$`)
		test(t, w)
	})
}

// now is the time of the shared clock.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.step.Load())) }

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := w.pool.Exec(w.t.Context(), sql, args...)
	require.NoError(w.t, err)
}

// budget is the budget of a replica.
func (w *world) budget(holder string, l budget.Limits) *budget.Budget {
	w.t.Helper()
	return w.budgetAt(clockwork.NewRealClock(), holder, l)
}

// budgetAt is the budget of a replica with a clock of its own.
func (w *world) budgetAt(clock clockwork.Clock, holder string, l budget.Limits) *budget.Budget {
	w.t.Helper()
	b, err := budget.New(w.t.Context(), w.pool, clock, holder, l)
	require.NoError(w.t, err)
	return b
}

// system is what calls arrive at.
type system func(*http.Request)

// RoundTrip implements http.RoundTripper.
func (s system) RoundTrip(r *http.Request) (*http.Response, error) {
	if s != nil {
		s(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func always(*http.Request) bool { return true }

// call makes one call to a system through a budget.
func call(ctx context.Context, b *budget.Budget, s system) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://system.example/", nil)
	if err != nil {
		return err
	}
	resp, err := b.Transport(s, always).RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// asUser returns a context whose calls a person waits for.
func asUser(ctx context.Context) context.Context {
	return budget.For(ctx, budget.SmartGrid)
}

// pass lets time pass, and what is due then happen.
func (w *world) pass(d time.Duration) {
	time.Sleep(d) // of the test's own time
	synctest.Wait()
}

// journal is what a system saw of calls. Its zero value answers at once.
type journal struct {
	takes func() time.Duration // how long a call takes; nil: no time

	mu       sync.Mutex
	arrivals []time.Time
	running  int
	most     int // in flight at once
}

// system is what notes its calls in the journal.
func (j *journal) system() system {
	return func(*http.Request) {
		j.enter()
		if j.takes != nil {
			time.Sleep(j.takes()) // of the test's own time
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		j.running--
	}
}

func (j *journal) enter() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.arrivals = append(j.arrivals, time.Now())
	j.running++
	j.most = max(j.most, j.running)
}

// mostWithin is how many calls arrived at most in any window of that length.
func (j *journal) mostWithin(window time.Duration) int {
	most, first := 0, 0
	for n, at := range j.arrivals {
		for at.Sub(j.arrivals[first]) >= window {
			first++
		}
		most = max(most, n-first+1)
	}
	return most
}

// between is how many calls arrived from one time, and before another.
func (j *journal) between(from, to time.Time) int {
	n := 0
	for _, at := range j.arrivals {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// workers keep calling through a budget until ctx ends. When calls are used up, they go
// on when the budget says.
func (w *world) workers(ctx context.Context, group *sync.WaitGroup, n int, b *budget.Budget, s system) {
	for range n {
		group.Go(func() {
			for ctx.Err() == nil {
				err := call(ctx, b, s)
				var spent *budget.SpentError
				if errors.As(err, &spent) {
					err = clock.Sleep(ctx, clockwork.NewRealClock(), spent.Until.Sub(w.now()))
				}
				if err != nil && ctx.Err() == nil {
					w.t.Error(err)
					return
				}
			}
		})
	}
}

// wrongClock is the clock of a machine that shows another time. Its timers are right,
// since they do not go by the time that it shows.
type wrongClock struct {
	clockwork.Clock
	ahead atomic.Int64
}

func newWrongClock(ahead time.Duration) *wrongClock {
	c := &wrongClock{Clock: clockwork.NewRealClock()}
	c.step(ahead)
	return c
}

func (c *wrongClock) step(d time.Duration) { c.ahead.Add(int64(d)) }

// Now implements clockwork.Clock.
func (c *wrongClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.ahead.Load())) }

// Since implements clockwork.Clock.
func (c *wrongClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// Until implements clockwork.Clock.
func (c *wrongClock) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }
