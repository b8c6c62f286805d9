package models

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// AcquireLease takes or renews the right to do a piece of work that only one
// process at a time may do. It reports false while another holder's lease lasts.
// A holder that is killed loses it by time.
func AcquireLease(ctx context.Context, pool *pgxpool.Pool, name, holder string, lasting time.Duration) (bool, error) {
	tag, err := pool.Exec(ctx, `
		INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, clock_timestamp() + $3)
		ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at
		WHERE leases.holder = EXCLUDED.holder OR leases.expires_at < clock_timestamp()`, name, holder, lasting)
	if err != nil {
		return false, fmt.Errorf("take the lease %s: %w", name, err)
	}
	return tag.RowsAffected() == 1, nil
}

// ReleaseLease gives a lease back, if this holder has it.
func ReleaseLease(ctx context.Context, pool *pgxpool.Pool, name, holder string) error {
	_, err := pool.Exec(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder)
	if err != nil {
		return fmt.Errorf("give the lease %s back: %w", name, err)
	}
	return nil
}

// WhileLeased does work under a lease that is kept for as long as it takes, and given
// back then; the work's context ends when the lease is lost. It reports false, and does
// nothing, while another has the lease.
func WhileLeased(ctx context.Context, pool *pgxpool.Pool, name string, lasting time.Duration, work func(context.Context) error) (bool, error) {
	holder := uuid.NewString()
	if got, err := AcquireLease(ctx, pool, name, holder, lasting); err != nil || !got {
		return false, err
	}
	working, stop := context.WithCancelCause(ctx)
	var kept sync.WaitGroup
	kept.Go(func() {
		ticker := time.NewTicker(lasting / 4)
		defer ticker.Stop()
		for renewed := time.Now(); ; {
			select {
			case <-working.Done():
				return
			case <-ticker.C:
			}
			got, err := AcquireLease(working, pool, name, holder, lasting)
			switch {
			case err == nil && got:
				renewed = time.Now()
			case err == nil || time.Since(renewed) > lasting/2:
				stop(fmt.Errorf("the lease %s was lost", name))
				return
			}
		}
	})
	err := work(working)
	if err != nil && ctx.Err() == nil && working.Err() != nil {
		err = context.Cause(working)
	}
	stop(nil)
	kept.Wait()
	return true, errors.Join(err, ReleaseLease(context.WithoutCancel(ctx), pool, name, holder))
}
