package people

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
)

func TestWorkUnderALeaseStopsForAPause(t *testing.T) {
	t.Parallel()
	b := setup(t, newDB(t), nil, Rule{}, clockwork.NewRealClock(), Config{Lease: 3 * time.Second})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // not to hang where nothing stops the work
	defer cancel()
	held, err := b.holding(ctx, "test", func(work context.Context) error {
		again, err := b.holding(t.Context(), "test", func(context.Context) error { return errors.New("two at once") })
		require.NoError(t, err)
		require.False(t, again)
		b.exec(`UPDATE people_sync SET paused_at = now()`)
		<-work.Done()
		return work.Err()
	})
	require.NoError(t, err, "work that was stopped on purpose did not fail")
	require.True(t, held)
	b.exec(`UPDATE people_sync SET paused_at = NULL`)
	held, err = b.holding(t.Context(), "test", func(context.Context) error { return errors.New("broken") })
	require.EqualError(t, err, "broken")
	require.True(t, held)
	held, err = b.holding(ctx, "test", func(work context.Context) error {
		b.exec(`UPDATE leases SET holder = 'another', expires_at = now() + interval '1 hour'`)
		<-work.Done()
		return work.Err()
	})
	require.NoError(t, err)
	require.True(t, held)
	require.Equal(t, []string{"another"}, b.lines(`SELECT holder FROM leases`), "a lease that was lost is not given back")
}
