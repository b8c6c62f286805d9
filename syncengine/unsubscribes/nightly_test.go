package unsubscribes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheNextNightIsAtEightInTheEveningWhateverTheClocksDo(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]string{
		"2026-01-15T12:00:00Z": "2026-01-16T04:00:00Z", // 20:00 in winter
		"2026-07-15T12:00:00Z": "2026-07-16T03:00:00Z", // and in summer
		"2026-01-16T04:00:00Z": "2026-01-17T04:00:00Z", // just begun
		"2026-03-08T04:30:00Z": "2026-03-09T03:00:00Z", // a day of 23 hours
		"2026-11-01T03:30:00Z": "2026-11-02T04:00:00Z", // and one of 25
	} {
		at, err := time.Parse(time.RFC3339, now)
		require.NoError(t, err)
		next, err := NextNight(at)
		require.NoError(t, err)
		require.Equal(t, want, next.UTC().Format(time.RFC3339), now)
	}
}
