package sftask

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALookWaitsForItsShareOfTheTime(t *testing.T) {
	t.Parallel()
	how := Creating{Settle: 100 * time.Second}
	total := time.Duration(0)
	for looks, want := range []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, 50 * time.Second} {
		require.Equal(t, want, how.lookWait(looks).Round(time.Millisecond), "after %d looks", looks)
		total += how.lookWait(looks)
	}
	require.Equal(t, how.Settle, total.Round(time.Millisecond), "the last look is when it may be sent again")
	require.Equal(t, 100*time.Millisecond, how.lookWait(9), "one that comes later does not wait")
	require.Equal(t, 100*time.Millisecond, Creating{Settle: time.Millisecond}.lookWait(0), "nor does one ask without a pause")
}
