package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
)

// Backfill says which activities of the past to log to Salesforce after all.
type Backfill struct {
	Since   time.Time // occurred then or later
	Emails  bool      // with what happened to them
	Replies bool
	Calls   bool
}

func (b Backfill) kinds() []string {
	var kinds []string
	for kind, wanted := range map[models.ActivityKind]bool{models.EmailSent: b.Emails, models.EmailReplied: b.Replies, models.CallReceived: b.Calls} {
		if wanted {
			kinds = append(kinds, string(kind))
		}
	}
	return kinds
}

// backfillable are the deliveries of Tasks that were skipped only because of the switches.
const backfillable = `
	FROM activities a WHERE d.activity_id = a.id AND d.destination = 'salesforce' AND d.operation = 'create' AND d.state = 'skipped'
		AND d.reason IN ('switched_off', 'before_switched_on') AND a.kind = ANY($1) AND a.occurred_at >= $2`

// Count returns how many Tasks a back-fill would create.
func (b Backfill) Count(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var n int64
	err := pool.QueryRow(ctx, `SELECT count(*) + (SELECT count(*) FROM activities a WHERE $3 AND a.kind = 'email_replied' AND a.occurred_at >= $2
			AND NOT EXISTS (SELECT FROM deliveries x WHERE x.activity_id = a.id AND x.destination = 'salesforce' AND x.operation = 'create'))
		FROM deliveries d WHERE EXISTS (SELECT `+backfillable+`)`, b.kinds(), b.Since, b.Replies).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what a back-fill would log: %w", err)
	}
	return n, nil
}

// Run queues the Tasks, with the changes that opens, clicks, replies and bounces
// make to those of emails, and returns how many Tasks there are to create.
func (b Backfill) Run(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	tx, err := pool.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("begin a back-fill: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after the commit there is nothing to undo
	// Replies have a row for a Task of their own only where they were to be logged.
	replies, err := tx.Exec(ctx, `
		INSERT INTO deliveries (activity_id, kind, destination, operation, occurred_at, state, hold)
		SELECT a.id, a.kind, 'salesforce', 'create', a.occurred_at, 'pending', CASE WHEN a.person_id IS NULL THEN 'person' END
		FROM activities a WHERE $1 AND a.kind = 'email_replied' AND a.occurred_at >= $2
		ON CONFLICT (activity_id, destination, operation) DO NOTHING`, b.Replies, b.Since)
	if err != nil {
		return 0, fmt.Errorf("queue replies: %w", err)
	}
	tasks, err := tx.Exec(ctx, `UPDATE deliveries d SET state = 'pending', reason = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp(),
		hold = CASE WHEN a.person_id IS NULL THEN 'person' END`+backfillable, b.kinds(), b.Since)
	if err != nil {
		return 0, fmt.Errorf("queue what was skipped: %w", err)
	}
	_, err = tx.Exec(ctx, `
		UPDATE deliveries d SET state = 'pending', reason = NULL, hold = 'email', updated_at = clock_timestamp()
		FROM activities a JOIN deliveries task ON task.activity_id = a.email_id AND task.destination = 'salesforce' AND task.operation = 'create'
		WHERE d.activity_id = a.id AND d.destination = 'salesforce' AND d.operation = 'update' AND d.state = 'skipped'
			AND d.reason = 'email_not_logged' AND task.state <> 'skipped' AND task.occurred_at >= $1`, b.Since)
	if err != nil {
		return 0, fmt.Errorf("queue what happened to the emails: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("queue a back-fill: %w", err)
	}
	return replies.RowsAffected() + tasks.RowsAffected(), nil
}
