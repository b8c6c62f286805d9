package budget

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Signal is what an answer says about the system's limits and health.
type Signal int

// The signals.
const (
	Healthy     Signal = iota
	RateLimited        // too many calls in the window: everybody stops for up to a window
	Crowded            // too many calls in flight: a short wait
	QuotaSpent         // no calls left today
	Down               // not available for minutes
	Broken             // an intermittent error: after several in a row everybody pauses
	Unclear            // an error that says nothing about health
)

// breakerAfter is how many broken answers in a row open the breaker.
const breakerAfter = 5

// spentPause is after how long a system is called again that said that its quota is used
// up. Marketo resets it at "12:00AM CST", which in summer may mean either of two hours
// (Marketo REST: counting and resets); a call each hour finds the right one.
const spentPause = time.Hour

// trouble counts broken answers in a row in this process.
type trouble struct {
	mu     sync.Mutex
	broken int
}

// Observe takes note of an answer. Blocks are written to the database, so that
// they hold for all replicas and after a restart.
func (b *Budget) Observe(ctx context.Context, signal Signal) error {
	wait, why := b.reaction(signal)
	if wait == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	sql := `UPDATE api_pace SET blocked_until = greatest(blocked_until, shared_clock() + $2::interval), blocked_why = $3 WHERE system = $1`
	args := []any{b.limits.System, wait, why}
	if signal == QuotaSpent {
		sql, args = spentSQL, []any{b.limits.System, wait, b.limits.Zone.String()}
	}
	if _, err := b.pool.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("note that %s asked for a pause: %w", b.limits.System, err)
	}
	return nil
}

// spentSQL stops all calls until the next midnight of the zone, and for spentPause at
// the most: when exactly the system resets its quota is not certain.
const spentSQL = `UPDATE api_pace
	SET spent_until = least(shared_clock() + $2::interval, ((shared_clock() AT TIME ZONE $3::text)::date + 1)::timestamp AT TIME ZONE $3::text)
	WHERE system = $1`

// reaction decides how long everybody stops.
func (b *Budget) reaction(signal Signal) (time.Duration, string) {
	b.trouble.mu.Lock()
	defer b.trouble.mu.Unlock()
	switch signal {
	case RateLimited:
		return b.limits.Window/2 + jitter(b.limits.Window/2), "too many calls in the window"
	case Crowded:
		return 200*time.Millisecond + jitter(time.Second), "too many calls in flight"
	case QuotaSpent:
		return spentPause, "the daily quota is used up"
	case Down:
		return 10*time.Second + jitter(20*time.Second), "the system is temporarily not available"
	case Broken:
		b.trouble.broken++
		if b.trouble.broken < breakerAfter {
			return 0, ""
		}
		pause := time.Second << min(b.trouble.broken-breakerAfter, 6)
		return pause/2 + jitter(pause/2), "several broken answers in a row"
	case Healthy:
		b.trouble.broken = 0
	}
	return 0, ""
}

// Reset forgets blocks, when an admin changed the connection and asks anew.
func (b *Budget) Reset(ctx context.Context) error {
	_, err := b.pool.Exec(ctx, `UPDATE api_pace SET blocked_until = NULL, spent_until = NULL WHERE system = $1`, b.limits.System)
	if err != nil {
		return fmt.Errorf("forget the pauses of %s: %w", b.limits.System, err)
	}
	return nil
}

func jitter(d time.Duration) time.Duration { return rand.N(max(d, 1)) }
