package budget

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Forget removes the counts of calls of the days before a time, of all systems.
func Forget(ctx context.Context, pool *pgxpool.Pool, before time.Time) error {
	if _, err := pool.Exec(ctx, `DELETE FROM api_usage WHERE day < $1::date`, before.UTC()); err != nil {
		return fmt.Errorf("forget the calls of past days: %w", err)
	}
	return nil
}
