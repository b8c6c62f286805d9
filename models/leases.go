package models

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
)

// ErrLeaseLost is the cause of a context whose lease another process may have by now.
var ErrLeaseLost = errors.New("another process may do this work now")

// Lease is the right to do a piece of work that only one process at a time may do.
type Lease struct {
	Name    string
	Holder  string        // default a new UUID; two pieces of work of one process exclude each other too
	Lasting time.Duration // after which another process may take it, if it is not renewed
}

// AcquireLease takes or renews a lease. It reports false while another holder's lease
// lasts. A holder that is killed loses it by time, which is the database's: replicas
// whose clocks differ agree on it.
func AcquireLease(ctx context.Context, pool *pgxpool.Pool, l Lease) (bool, error) {
	// The time is read after the row is locked: one that waited for the lock must not
	// renew from the time when it began to wait.
	tag, err := pool.Exec(ctx, `
		INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, shared_clock() + $3)
		ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, expires_at = shared_clock() + $3
		WHERE leases.holder = EXCLUDED.holder OR leases.expires_at < shared_clock()`, l.Name, l.Holder, l.Lasting)
	if err != nil {
		return false, fmt.Errorf("take the lease %s: %w", l.Name, err)
	}
	return tag.RowsAffected() == 1, nil
}

// ReleaseLease gives a lease back, if this holder has it.
func ReleaseLease(ctx context.Context, pool *pgxpool.Pool, l Lease) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := pool.Exec(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, l.Name, l.Holder)
	if err != nil {
		return fmt.Errorf("give the lease %s back: %w", l.Name, err)
	}
	return nil
}

// WhileLeased does work under a lease that is kept for as long as the work takes, and
// given back then. It reports false, and does nothing, while another has the lease.
//
// The context of the work ends with the cause ErrLeaseLost when the lease was not
// renewed for half of its time, or another took it; an error of the work is then
// ErrLeaseLost.
func WhileLeased(ctx context.Context, pool *pgxpool.Pool, clock clockwork.Clock, l Lease, work func(context.Context) error) (bool, error) {
	if l.Holder == "" {
		l.Holder = uuid.NewString()
	}
	if held, err := AcquireLease(ctx, pool, l); err != nil || !held {
		return false, err
	}
	working, stop := context.WithCancelCause(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { keepLease(working, pool, clock, l, stop) })
	err := work(working)
	if err != nil && errors.Is(context.Cause(working), ErrLeaseLost) {
		err = fmt.Errorf("the lease %s: %w", l.Name, ErrLeaseLost)
	}
	stop(nil)
	kept.Wait()
	return true, errors.Join(err, ReleaseLease(ctx, pool, l))
}

// keepLease renews a lease until its context ends, and stops the work when that did not
// go well in time.
func keepLease(ctx context.Context, pool *pgxpool.Pool, clock clockwork.Clock, l Lease, stop context.CancelCauseFunc) {
	ticker := clock.NewTicker(l.Lasting / 4)
	defer ticker.Stop()
	for renewed := clock.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
		try, cancel := context.WithTimeout(ctx, l.Lasting/4)
		held, err := AcquireLease(try, pool, l)
		cancel()
		switch {
		case err == nil && held:
			renewed = clock.Now()
		case err == nil || clock.Since(renewed) > l.Lasting/2:
			stop(ErrLeaseLost)
			return
		}
	}
}
