package salesforce

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// after lets actors of a seed act so often, and tells what the org holds then.
func after(t *testing.T, seed int64, times int) (*bundle, []Record) {
	t.Helper()
	o, _ := timed(t, Config{Seed: seed})
	o.task(values{"Subject": "logged", "TaskSubtype": "Call", "Status": "Completed"})
	o.task(values{"Subject": "of a series", "IsRecurrence": true})
	a := o.server.newActors()
	for range times {
		require.NoError(t, a.act())
	}
	var held []Record
	for _, object := range []string{"Task", "Lead", "Contact"} {
		for r := range o.server.Records(object, true) {
			held = append(held, r)
		}
	}
	return o, held
}

func TestUsersWorkInTheOrg(t *testing.T) {
	t.Parallel()
	o, held := after(t, 1, 400)
	_, again := after(t, 1, 400)
	require.Equal(t, held, again, "the same for the same seed")
	_, others := after(t, 2, 400)
	require.NotEqual(t, held, others)

	seen := map[string]int{}
	for _, r := range held[2:] {
		if r.Values["WhoId"] == nil { // a lead or contact
			if r.Values["HasOptedOutOfEmail"] == true {
				seen["opted out"]++
			}
			continue
		}
		require.NotEqual(t, o.server.self, r.Values["OwnerId"])
		require.NotEqual(t, o.server.self, r.Values["LastModifiedById"])
		seen["made"]++
		for what, is := range map[string]bool{"deleted": r.Deleted, "completed": r.Values["IsClosed"] == true, "described": r.Values["Description"] != nil,
			"undated": r.Values["ActivityDate"] == nil, "the first user's": r.Values["OwnerId"] == o.server.otherUser()} {
			if is {
				seen[what]++
			}
		}
	}
	for _, what := range []string{"made", "deleted", "completed", "described", "undated", "the first user's", "opted out"} {
		require.Positive(t, seen[what], what)
	}
	require.Less(t, seen["the first user's"], seen["made"])
	for i, r := range held[:2] {
		require.Equal(t, []any{"logged", "of a series"}[i], r.Values["Subject"])
		require.Equal(t, o.server.self, r.Values["LastModifiedById"])
		require.False(t, r.Deleted, "what was logged, and masters of series, are left alone")
	}
}

func TestUsersWorkUntilTold(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		o.server.RunActors(ctx, time.Millisecond)
		close(done)
	}()
	require.Eventually(t, func() bool { return len(o.subjects()) > 0 }, 5*time.Second, time.Millisecond)
	cancel()
	<-done
}
