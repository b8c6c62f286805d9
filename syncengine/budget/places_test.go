package budget_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPlacesInFlight(t *testing.T) {
	t.Parallel()

	t.Run("no_more_calls_are_in_flight_than_allowed_and_one_place_is_kept_for_people", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			var sent journal
			finish := make(chan struct{})
			holding := system(func(*http.Request) { sent.enter(); <-finish })
			b := w.budget("a", limits())
			var group sync.WaitGroup
			for range 5 {
				group.Go(func() {
					if err := call(t.Context(), b, holding); err != nil {
						t.Error(err)
					}
				})
			}
			w.pass(time.Second)
			require.Equal(t, 2, sent.running, "background work has two of the three places")
			group.Go(func() {
				if err := call(asUser(t.Context()), b, holding); err != nil {
					t.Error(err)
				}
			})
			w.pass(time.Second)
			require.Equal(t, 3, sent.running, "the third is free for a person who waits")
			sent.running = 0
			close(finish)
			group.Wait()
			require.Len(t, sent.arrivals, 6)
			require.Equal(t, 3, sent.most)
		})
	})

	t.Run("a_killed_process_keeps_its_places_until_its_calls_have_surely_ended", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			b := w.budget("next", limits())
			w.exec(`UPDATE api_slots SET holder = 'killed', leased_until = shared_clock() + interval '700 ms'`)
			began := time.Now()
			require.NoError(t, call(t.Context(), b, nil))
			require.GreaterOrEqual(t, time.Since(began), 700*time.Millisecond)
			require.Less(t, time.Since(began), time.Second)
		})
	})

	t.Run("a_call_that_outlives_its_lease_keeps_its_place", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			long := journal{takes: func() time.Duration { return 15 * time.Second }}
			l := limits()
			l.Concurrency, l.Lease = 2, 3*time.Second // one of the places is for people
			var group sync.WaitGroup
			for _, holder := range []string{"a", "b"} {
				b := w.budget(holder, l)
				group.Go(func() {
					if err := call(t.Context(), b, long.system()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			require.Equal(t, 1, long.most)
			require.GreaterOrEqual(t, long.arrivals[1].Sub(long.arrivals[0]), 15*time.Second)
		})
	})
}
