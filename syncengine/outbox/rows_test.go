package outbox

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/failure"
)

func doubted(doubts ...int) []Claimed {
	rows := make([]Claimed, len(doubts))
	for n, d := range doubts {
		rows[n] = Claimed{ID: int64(n), Doubts: d}
	}
	return rows
}

func TestSplitByDoubt(t *testing.T) {
	t.Parallel()
	var got [][]int
	for _, call := range SplitByDoubt(doubted(0, 1, 6, 4, 2, 9, 3), 2) {
		var doubts []int
		for _, c := range call {
			doubts = append(doubts, c.Doubts)
		}
		got = append(got, doubts)
	}
	require.Equal(t, [][]int{{0, 1}, {2, 3}, {4}, {6}, {9}}, got, "few, then alone")
	require.Len(t, SplitByDoubt(make([]Claimed, 450), 200), 3)
	require.Empty(t, SplitByDoubt[Claimed](nil, 200))

	blamed := weight(failure.Failure{Code: "611", Tries: 5})
	require.Len(t, SplitByDoubt(doubted(AloneAfter*blamed, AloneAfter*blamed), 200), 2)
	require.Len(t, SplitByDoubt(doubted(AloneAfter*weight(failure.Failure{Code: "network"}), 0), 200), 1, "a connection that breaks blames no record")
}

func TestGauge(t *testing.T) {
	t.Parallel()
	g := NewGauge(200)
	require.Equal(t, 200, g.Size())
	g.Shrink(200, 4, 1)
	require.Equal(t, 50, g.Size())
	g.Shrink(200, 4, 1) // another call that was under way
	require.Equal(t, 50, g.Size())
	g.Grow(30)
	require.Equal(t, 50, g.Size(), "a call that was not full proves nothing")
	for range 100 {
		g.Grow(g.Size())
	}
	require.Equal(t, 200, g.Size())
	g.Shrink(6, 2, 50)
	require.Equal(t, 50, g.Size(), "not below the floor")
	g.Shrink(2, 4, 1)
	require.Equal(t, 1, g.Size())
}

// gate lets requests through when it is opened.
type gate struct{ open chan struct{} }

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-g.open:
		return http.DefaultTransport.RoundTrip(r)
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	}
}

func TestWithStartLimit(t *testing.T) {
	t.Parallel()
	const limit = 150 * time.Millisecond
	call := func(t *testing.T, handler http.HandlerFunc, wait time.Duration) error {
		server := httptest.NewServer(handler)
		defer server.Close()
		g := gate{make(chan struct{})}
		time.AfterFunc(wait, func() { close(g.open) })
		ctx, cancel := WithStartLimit(t.Context(), clockwork.NewRealClock(), limit)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		resp, err := (&http.Client{Transport: g}).Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}

	t.Run("a_call_that_waits_for_its_turn_too_long_is_not_made", func(t *testing.T) {
		t.Parallel()
		err := call(t, func(http.ResponseWriter, *http.Request) { t.Error("it arrived") }, 10*limit)
		require.ErrorIs(t, err, ErrNotAdmitted)
		require.Equal(t, "interrupted", failure.Classify(err).Code, "which says nothing about the system's health")
	})

	t.Run("a_call_on_its_way_takes_the_time_that_it_takes", func(t *testing.T) {
		t.Parallel()
		slow := func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(3 * limit):
			case <-r.Context().Done():
			}
		}
		require.NoError(t, call(t, slow, 0))
	})

}
