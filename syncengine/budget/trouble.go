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
	now := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	var err error
	if signal == QuotaSpent {
		// The reset's time zone is not certain: look again each hour at most.
		until := min(wait, time.Hour)
		_, err = b.pool.Exec(ctx, `UPDATE api_pace SET spent_until = $2 WHERE system = $1`, b.limits.System, now.Add(until))
	} else {
		_, err = b.pool.Exec(ctx, `UPDATE api_pace SET blocked_until = greatest(blocked_until, $2), blocked_why = $3 WHERE system = $1`,
			b.limits.System, now.Add(wait), why)
	}
	if err != nil {
		return fmt.Errorf("note that %s asked for a pause: %w", b.limits.System, err)
	}
	return nil
}

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
		return time.Until(b.nextDay(time.Now())), "the daily quota is used up"
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
