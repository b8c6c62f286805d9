package budget

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Usage is what was spent today, and what stands in the way now.
type Usage struct {
	Day          string // in the zone of the limits
	Calls        int64
	ByPurpose    []PurposeCalls
	BlockedUntil *time.Time
	BlockedWhy   string
	SpentUntil   *time.Time
	Limits       Limits
}

// PurposeCalls counts the calls of one purpose.
type PurposeCalls struct {
	Purpose string
	Calls   int64
}

// Usage returns today's usage.
func (b *Budget) Usage(ctx context.Context) (Usage, error) {
	u := Usage{Limits: b.limits}
	var why *string
	err := b.pool.QueryRow(ctx, `WITH clock AS MATERIALIZED (SELECT shared_clock() AS now)
		SELECT (now AT TIME ZONE $2::text)::date::text,
			CASE WHEN blocked_until > now THEN blocked_until END,
			CASE WHEN blocked_until > now THEN blocked_why END,
			CASE WHEN spent_until > now THEN spent_until END
		FROM api_pace, clock WHERE system = $1`, b.limits.System, b.limits.Zone.String()).Scan(&u.Day, &u.BlockedUntil, &why, &u.SpentUntil)
	if err != nil {
		return Usage{}, fmt.Errorf("read the pauses of %s: %w", b.limits.System, err)
	}
	if why != nil {
		u.BlockedWhy = *why
	}
	rows, err := b.pool.Query(ctx, `SELECT purpose, calls FROM api_usage WHERE system = $1 AND day = $2 ORDER BY calls DESC`,
		b.limits.System, u.Day)
	if err == nil {
		u.ByPurpose, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PurposeCalls])
	}
	if err != nil {
		return Usage{}, fmt.Errorf("read the usage of %s: %w", b.limits.System, err)
	}
	for _, p := range u.ByPurpose {
		u.Calls += p.Calls
	}
	return u, nil
}
