package ui

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimesInWords(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		d           time.Duration
		long, short string
	}{
		{0, "0 seconds ago", "0s ago"},
		{time.Second, "1 second ago", "1s ago"},
		{59*time.Minute + 59*time.Second, "59 minutes ago", "59m ago"},
		{time.Hour, "1 hour ago", "1h ago"},
		{50 * time.Hour, "2 days ago", "2d ago"},
		{-5 * time.Minute, "in 5 minutes", "in 5m"},
	} {
		require.Equal(t, c.long, Ago(now.Add(-c.d), now))
		require.Equal(t, c.short, ShortAgo(now.Add(-c.d), now))
	}
}

func TestATimeIsRelativeToTheContexts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, ctx := range map[string]context.Context{
		"3 minutes ago":         WithNow(t.Context(), at.Add(3*time.Minute)),
		"1 Mar 2026, 12:00 UTC": t.Context(),
	} {
		var out strings.Builder
		require.NoError(t, Time(at).Render(ctx, &out))
		require.Contains(t, out.String(), ">"+want+"</time>")
	}
}

func TestSparkStaysInItsBox(t *testing.T) {
	t.Parallel()
	line, area := Spark([]float64{0, 10, 5})
	require.Equal(t, "0.0,54.0 150.0,2.0 300.0,28.0", line)
	require.Equal(t, "0,56 "+line+" 300.0,56", area)
}
