package models

import (
	"context"
	"fmt"
	"time"

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
