package fault

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	t.Run("a rule holds for its paths and as often as told", func(t *testing.T) {
		t.Parallel()
		p := New(1)
		p.Add(Rule{Path: "/leads", Kind: HTML, Count: 2})
		require.Nil(t, p.Next("/lists"))
		require.Equal(t, HTML, p.Next("/rest/leads").Kind)
		require.NotNil(t, p.Next("/rest/leads"))
		require.Nil(t, p.Next("/rest/leads"))
	})
	t.Run("a used rule makes room for the next", func(t *testing.T) {
		t.Parallel()
		p := New(1)
		p.Add(Rule{Kind: HTML, Count: 1})
		p.Add(Rule{Kind: DropBefore, Count: 1})
		require.Equal(t, HTML, p.Next("/").Kind)
		require.Equal(t, DropBefore, p.Next("/").Kind)
		p.Add(Rule{Kind: HTML})
		p.Clear()
		require.Nil(t, p.Next("/"))
	})
	t.Run("a rule waits for a request that it can befall", func(t *testing.T) {
		t.Parallel()
		p := New(1)
		p.Add(Rule{Kind: HoldTransaction, Count: 1})
		require.Nil(t, p.Next("/", HoldTransaction))
		require.Equal(t, HoldTransaction, p.Next("/").Kind)
	})
	t.Run("chances repeat with the seed", func(t *testing.T) {
		t.Parallel()
		draw := func(seed int64) []bool {
			hits := []bool{}
			p := New(seed)
			p.Add(Rule{Kind: HTML, Probability: 0.3})
			for range 200 {
				hits = append(hits, p.Next("/") != nil)
			}
			return hits
		}
		require.Equal(t, draw(1), draw(1))
		require.NotEqual(t, draw(1), draw(2))
		require.Contains(t, draw(1), true)
		require.Contains(t, draw(1), false)
	})
	t.Run("a rule that cannot be followed is refused", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, Rule{Kind: Latency}.Check())
		require.Error(t, Rule{Kind: Code}.Check())
		require.Error(t, Rule{Kind: "explode"}.Check())
	})
}
