package outbox

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
)

// Which says which failed deliveries to try again; the zero value means all.
type Which struct {
	ID          int64              // one delivery, else
	Destination models.Destination // of one destination, and
	Code        *string            // with one error code
}

// Retry lets failed deliveries be tried again at once, and returns how many. Those
// that wait for their next try by themselves are tried at once too.
func Retry(ctx context.Context, pool *pgxpool.Pool, w Which) (int64, error) {
	tag, err := pool.Exec(ctx, `
		WITH told AS (SELECT pg_notify('salesactions_live', 'activity'))
		UPDATE deliveries SET state = 'pending', due_at = clock_timestamp(), updated_at = clock_timestamp(), looks = 0,
			doubts = 0, doubts_left = NULL, error_times = 0
		FROM told
		WHERE (state = 'failed' OR state = 'pending' AND hold IS NULL AND error_code IS NOT NULL)
			AND ($1::bigint = 0 OR id = $1) AND ($2::text = '' OR destination = $2) AND ($3::text IS NULL OR coalesce(error_code, '') = $3)`,
		w.ID, string(w.Destination), w.Code)
	if err != nil {
		return 0, fmt.Errorf("let failed deliveries be tried again: %w", err)
	}
	return tag.RowsAffected(), nil
}
