// Package clock is what the program does with time beyond reading it. There is one
// clock: cli makes it, and hands it down to everything that decides by time, so that a
// test can let a day pass in seconds.
//
// Three rules keep it the only one, and clock_test.go at the root checks them:
//
//   - Go code asks the clockwork.Clock that it was given, for the time and for waits.
//   - SQL that decides by time receives the time as a parameter.
//   - What replicas must agree on while they hold a row lock (leases, the pace of calls
//     and the places in flight) takes the time from the database, through its function
//     shared_clock(). Replicas whose clocks differ still agree there.
//
// Limits on calls to other systems (http.Client.Timeout, context.WithTimeout around
// one call or one statement) are not decisions. They protect against a peer that never
// answers, and use real time.
package clock

import (
	"context"
	"time"

	"github.com/jonboulle/clockwork"
)

// Sleep waits for d by the given clock, or returns the error of ctx when that ends
// first. It returns at once for a d of zero or less.
func Sleep(ctx context.Context, c clockwork.Clock, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.Chan():
		return nil
	}
}
