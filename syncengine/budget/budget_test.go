package budget_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/budget"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func limits() budget.Limits {
	return budget.Limits{System: "marketo", Rate: 1_000_000, Window: 20 * time.Second, Concurrency: 3, Daily: 1000}
}

func always(*http.Request) bool { return true }

// call makes one call through a budget.
func call(ctx context.Context, b *budget.Budget, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: b.Transport(http.DefaultTransport, always)}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// receive waits for a call to arrive.
func receive(t *testing.T, arrived <-chan struct{}) {
	t.Helper()
	select {
	case <-arrived:
	case <-time.After(10 * time.Second):
		require.FailNow(t, "no call arrived")
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()

	t.Run("replicas_and_restarts_share_one_clock", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		var mu sync.Mutex
		var arrivals []time.Time
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			arrivals = append(arrivals, time.Now())
		}))
		t.Cleanup(server.Close)
		l := limits()
		l.Rate, l.Window = 20, time.Second
		var group sync.WaitGroup
		for _, holder := range []string{"a", "b", "c"} { // c starts while a and b have used the allowance
			for range 10 {
				group.Go(func() {
					b, err := budget.New(t.Context(), db.Pool, holder, l)
					if err == nil {
						err = call(t.Context(), b, server.URL)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		require.Len(t, arrivals, 30)
		// 30 calls at 20 a second, spaced evenly, take 29 spaces.
		require.GreaterOrEqual(t, arrivals[29].Sub(arrivals[0]), 1400*time.Millisecond)
	})

	t.Run("no_more_calls_are_in_flight_than_allowed_and_one_place_is_kept_for_people", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		var running, most atomic.Int64
		arrived, finish := make(chan struct{}, 10), make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			now := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			arrived <- struct{}{}
			<-finish
		}))
		t.Cleanup(server.Close)
		b, err := budget.New(t.Context(), db.Pool, "a", limits())
		require.NoError(t, err)
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if err := call(t.Context(), b, server.URL); err != nil {
					t.Error(err)
				}
			})
		}
		receive(t, arrived)
		receive(t, arrived) // background work has its two places
		interactive := budget.WithPurpose(t.Context(), budget.Purpose{Name: "grid", Interactive: true})
		group.Go(func() {
			if err := call(interactive, b, server.URL); err != nil {
				t.Error(err)
			}
		})
		receive(t, arrived) // the third is free for a person who waits
		require.Equal(t, int64(3), most.Load())
		close(finish)
		group.Wait()
		require.Equal(t, int64(3), most.Load())
	})

	t.Run("a_killed_process_keeps_its_places_until_its_calls_have_surely_ended", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(server.Close)
		l := limits()
		_, err := budget.New(t.Context(), db.Pool, "killed", l)
		require.NoError(t, err)
		_, err = db.Pool.Exec(t.Context(), `UPDATE api_slots SET holder = 'killed', leased_until = clock_timestamp() + interval '700 ms'`)
		require.NoError(t, err)
		b, err := budget.New(t.Context(), db.Pool, "next", l)
		require.NoError(t, err)
		began := time.Now()
		require.NoError(t, call(t.Context(), b, server.URL))
		require.GreaterOrEqual(t, time.Since(began), 500*time.Millisecond)
	})

	t.Run("people_who_wait_take_the_next_tick_before_background_work_that_waits", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		var background atomic.Int64
		atArrival := make(chan int64, 1) // how many background calls had arrived before one of a person's
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/grid" {
				atArrival <- background.Load()
				return
			}
			background.Add(1)
		}))
		t.Cleanup(server.Close)
		l := limits()
		l.Rate, l.Concurrency = 80, 6 // a tick each 255 ms
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		began := time.Now()
		for _, holder := range []string{"a", "b"} {
			b, err := budget.New(ctx, db.Pool, holder, l)
			require.NoError(t, err)
			for range 8 { // always more than may be in flight
				group.Go(func() {
					for ctx.Err() == nil {
						_ = call(ctx, b, server.URL)
					}
				})
			}
		}
		b, err := budget.New(t.Context(), db.Pool, "c", l)
		require.NoError(t, err)
		interactive := budget.WithPurpose(t.Context(), budget.Purpose{Name: "grid", Interactive: true})
		for n := range int64(5) {
			require.Eventually(t, func() bool { return background.Load() > 2*n }, 10*time.Second, time.Millisecond)
			before := background.Load()
			require.NoError(t, call(interactive, b, server.URL+"/grid"))
			require.LessOrEqual(t, <-atArrival-before, int64(2), "at most those that were on their way")
		}
		// The clock loses nothing by background work that waits for it.
		require.Eventually(t, func() bool { return background.Load() >= 20 }, 20*time.Second, time.Millisecond)
		require.Less(t, time.Since(began), 10*time.Second, "25 ticks take 6.4 s")
	})

	t.Run("deliveries_and_opt_outs_outlive_extracts_and_people_who_wait_outlive_both", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(server.Close)
		l := limits()
		l.Daily = 100
		b, err := budget.New(t.Context(), db.Pool, "a", l)
		require.NoError(t, err)
		interactive := budget.WithPurpose(t.Context(), budget.Purpose{Name: "smart grid", Interactive: true})
		logging := []string{"activities", "proof of activities", "activity types", "proof of Tasks", "opportunities", "records", "reps", "setup", "tasks", "opt-outs"}
		var spent *budget.SpentError
		used := func(calls int) {
			_, err := db.Pool.Exec(t.Context(), `DELETE FROM api_usage`)
			require.NoError(t, err)
			usage, err := b.Usage(t.Context())
			require.NoError(t, err)
			_, err = db.Pool.Exec(t.Context(), `INSERT INTO api_usage (system, day, purpose, calls) VALUES ('marketo', $1, 'initial sync', $2)`, usage.Day, calls)
			require.NoError(t, err)
		}
		for _, name := range []string{"initial sync", "incremental sync", "reconciliation", "other"} {
			used(79)
			require.NoError(t, call(budget.For(t.Context(), name), b, server.URL), name)
			require.ErrorAs(t, call(budget.For(t.Context(), name), b, server.URL), &spent, name)
		}
		for _, name := range logging {
			used(89)
			require.NoError(t, call(budget.For(t.Context(), name), b, server.URL), name)
			require.ErrorAs(t, call(budget.For(t.Context(), name), b, server.URL), &spent, name)
		}
		used(99)
		require.NoError(t, call(interactive, b, server.URL))
		require.ErrorAs(t, call(interactive, b, server.URL), &spent)
	})

	t.Run("background_work_leaves_the_reserve_to_people_who_wait", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(server.Close)
		l := limits()
		l.Daily, l.Reserve = 5, 2
		b, err := budget.New(t.Context(), db.Pool, "a", l)
		require.NoError(t, err)
		for range 3 {
			require.NoError(t, call(t.Context(), b, server.URL))
		}
		var spent *budget.SpentError
		require.ErrorAs(t, call(t.Context(), b, server.URL), &spent)
		require.True(t, spent.Ours)
		require.True(t, spent.Until.After(time.Now()))
		interactive := budget.WithPurpose(t.Context(), budget.Purpose{Name: "grid", Interactive: true})
		require.NoError(t, call(interactive, b, server.URL))
		require.NoError(t, call(interactive, b, server.URL))
		require.ErrorAs(t, call(interactive, b, server.URL), &spent)

		usage, err := b.Usage(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(5), usage.Calls)
		require.Equal(t, []budget.PurposeCalls{{Purpose: "other", Calls: 3}, {Purpose: "grid", Calls: 2}}, usage.ByPurpose)
	})

	t.Run("after_a_rate_error_nobody_calls_until_the_window_has_passed", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		var calls atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
		t.Cleanup(server.Close)
		b, err := budget.New(t.Context(), db.Pool, "a", limits())
		require.NoError(t, err)
		other, err := budget.New(t.Context(), db.Pool, "b", limits())
		require.NoError(t, err)
		require.NoError(t, b.Observe(t.Context(), budget.RateLimited))
		usage, err := other.Usage(t.Context())
		require.NoError(t, err)
		require.NotNil(t, usage.BlockedUntil)
		require.Greater(t, time.Until(*usage.BlockedUntil), 8*time.Second)
		soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, call(soon, other, server.URL), context.DeadlineExceeded)
		require.Zero(t, calls.Load())
		require.NoError(t, b.Reset(t.Context()))
		require.NoError(t, call(t.Context(), other, server.URL))
	})

	t.Run("several_broken_answers_in_a_row_open_the_breaker_and_a_good_one_closes_it", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		b, err := budget.New(t.Context(), db.Pool, "a", limits())
		require.NoError(t, err)
		blocked := func() bool {
			usage, err := b.Usage(t.Context())
			require.NoError(t, err)
			return usage.BlockedUntil != nil
		}
		for range 4 {
			require.NoError(t, b.Observe(t.Context(), budget.Broken))
		}
		require.False(t, blocked())
		require.NoError(t, b.Observe(t.Context(), budget.Healthy))
		for range 4 {
			require.NoError(t, b.Observe(t.Context(), budget.Broken))
		}
		require.False(t, blocked())
		require.NoError(t, b.Observe(t.Context(), budget.Broken))
		require.True(t, blocked())
	})

	t.Run("a_spent_quota_stops_everybody_and_says_until_when", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		b, err := budget.New(t.Context(), db.Pool, "a", limits())
		require.NoError(t, err)
		require.NoError(t, b.Observe(t.Context(), budget.QuotaSpent))
		var spent *budget.SpentError
		require.ErrorAs(t, call(t.Context(), b, "http://127.0.0.1:1"), &spent)
		require.False(t, spent.Ours)
		require.LessOrEqual(t, time.Until(spent.Until), time.Hour+time.Minute)
	})
}
