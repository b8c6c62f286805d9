package world

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPeople(t *testing.T) {
	t.Parallel()
	cfg := Config{People: 20_000, Seed: 1, Now: time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC)}
	people := slices.Collect(People(cfg))
	count := func(is func(p Person) bool) int {
		n := 0
		for _, p := range people {
			if is(p) {
				n++
			}
		}
		return n
	}
	t.Run("the same seed makes the same people, another one others", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, people, slices.Collect(People(cfg)))
		other := cfg
		other.Seed = 2
		require.NotEqual(t, people, slices.Collect(People(other)))
	})
	t.Run("ids ascend with creation, with gaps", func(t *testing.T) {
		t.Parallel()
		require.EqualValues(t, FirstID, people[0].ID)
		require.True(t, slices.IsSortedFunc(people, func(a, b Person) int { return int(a.ID - b.ID) }))
		require.True(t, slices.IsSortedFunc(people, func(a, b Person) int { return a.Created.Compare(b.Created) }))
		require.Greater(t, people[len(people)-1].ID, int64(FirstID+len(people)))
		require.True(t, people[len(people)-1].Created.Before(cfg.Now))
	})
	t.Run("a fifth has no owner", func(t *testing.T) {
		t.Parallel()
		require.InDelta(t, 4000, count(func(p Person) bool { return p.Values[OwnerID] == "" }), 250)
	})
	t.Run("real oddities are there", func(t *testing.T) {
		t.Parallel()
		for name, is := range map[string]func(p Person) bool{
			"two characters":    func(p Person) bool { return p.Values[LastName] == "王" },
			"null as a name":    func(p Person) bool { return p.Values[LastName] == "null" },
			"line breaks":       func(p Person) bool { return strings.Contains(p.Values[Title], "\r\n") },
			"quotes and commas": func(p Person) bool { return strings.Contains(p.Values[Company], `, "`) },
			"spaces around":     func(p Person) bool { return strings.HasPrefix(p.Values[Company], " ") },
			"no address":        func(p Person) bool { return p.Values[Email] == "" },
			"combining marks":   func(p Person) bool { return strings.Contains(p.Values[LastName], "\u0308") },
			"unsubscribed":      func(p Person) bool { return p.Values[Unsubscribed] == "true" },
		} {
			require.Positive(t, count(is), name)
		}
		seen := map[string]bool{}
		require.Positive(t, count(func(p Person) bool {
			again := p.Values[Email] != "" && seen[p.Values[Email]]
			seen[p.Values[Email]] = true
			return again
		}), "shared addresses")
	})
}

func TestSalesforceID(t *testing.T) {
	t.Parallel()
	for short, want := range map[int64]string{1: "0055g0000000001AAA", 35: "0055g000000000ZAAQ"} {
		require.Equal(t, want, SalesforceID("005", short))
	}
}
