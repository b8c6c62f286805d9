package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// Push is the lane that brings what was done here to Salesforce. Changes of Tasks lock
// their parents, so that its calls are made one after the other (Salesforce: Task,
// record locks).
type Push struct{ *Sync }

// Round sends what is due: deletions, new tasks, and changes.
func (p Push) Round(ctx context.Context, run uuid.UUID) (int, error) {
	if err := p.takeBack(ctx, run); err != nil {
		return 0, err
	}
	settled, err := p.settle(ctx, run)
	if err != nil {
		return settled, err
	}
	claimed := time.Now()
	ids, err := p.take(ctx, run)
	if err != nil || len(ids) == 0 {
		return settled, err
	}
	on, err := p.switched(ctx)
	if err != nil {
		return settled, errors.Join(err, p.record(ctx, run, outbox.ForAll(ids, unsent)))
	}
	if !on.On {
		return settled, p.record(ctx, run, outbox.ForAll(ids, func(id int64) outbox.Outcome { return outbox.Skipped(id, models.SkippedOff) }))
	}
	return settled + len(ids), p.send(ctx, run, ids, claimed)
}

func unsent(id int64) outbox.Outcome { return outbox.Unsent(id, 0) }

// takeBack lets go what needs no proof: a change or a deletion is read anew before it
// is made again, and what was claimed and never noted as sent was not sent.
func (p Push) takeBack(ctx context.Context, run uuid.UUID) error {
	_, err := p.pool.Exec(ctx, `UPDATE deliveries SET state = 'pending', sender = NULL, updated_at = clock_timestamp()
		WHERE destination = 'salesforce' AND operation = 'sync' AND state = 'sending' AND sender IS DISTINCT FROM $1
			AND (remote_id IS NOT NULL OR scheme IS NULL)`, run)
	if err != nil {
		return fmt.Errorf("take tasks of unknown outcome back: %w", err)
	}
	return nil
}

// take claims due deliveries. The claim is committed on return.
func (p Push) take(ctx context.Context, run uuid.UUID) ([]int64, error) {
	rows, err := p.pool.Query(ctx, `
		WITH due AS (
			SELECT id FROM deliveries WHERE destination = 'salesforce' AND operation = 'sync' AND state = 'pending' AND hold IS NULL
				AND due_at <= clock_timestamp() ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED)
		UPDATE deliveries d SET state = 'sending', sender = $2, sent_at = clock_timestamp(), attempts = attempts + 1, looks = 0,
			scheme = NULL, who_id = NULL, updated_at = clock_timestamp()
		FROM due WHERE d.id = due.id RETURNING d.id`, salesforce.MaxCollection, run)
	if err == nil {
		var ids []int64
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err == nil {
			return ids, nil
		}
	}
	return nil, fmt.Errorf("claim tasks: %w", err)
}

// send sorts claimed tasks by what is to be done, and does it.
func (p Push) send(ctx context.Context, run uuid.UUID, ids []int64, claimed time.Time) error {
	var rows []*row
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) (err error) {
		rows, err = lockRows(ctx, tx, `d.id = ANY($1) AND d.sender = $2`, ids, run)
		return err
	})
	if err != nil {
		return errors.Join(err, p.record(ctx, run, outbox.ForAll(ids, unsent)))
	}
	var fresh, there []*row
	for _, r := range rows {
		if r.remoteID == "" {
			fresh = append(fresh, r)
		} else {
			there = append(there, r)
		}
	}
	again, err := p.change(ctx, run, there)
	if err != nil {
		return errors.Join(err, p.record(ctx, run, outbox.ForAll(fresh, (*row).unsent)))
	}
	return p.create(ctx, run, append(fresh, again...), claimed)
}

func (r *row) unsent() outbox.Outcome { return unsent(r.deliveryID) }

// record stores outcomes; a task that was edited meanwhile is due again.
func (p Push) record(ctx context.Context, run uuid.UUID, outcomes []outbox.Outcome, beside ...func(*pgx.Batch)) error {
	ids := make([]int64, len(outcomes))
	for n, o := range outcomes {
		ids[n] = o.ID
	}
	return outbox.Record(ctx, p.pool, run, outcomes, append(beside, func(batch *pgx.Batch) {
		batch.Queue(dueAgain, ids)
		batch.Queue(`SELECT pg_notify('salesactions_live', 'tasks')`)
	})...)
}

// dueAgain finds what is delivered and yet not the same on both sides.
const dueAgain = `
	UPDATE deliveries d SET state = 'pending', due_at = clock_timestamp() FROM tasks t
	WHERE t.id = d.task_id AND d.id = ANY($1) AND d.state = 'delivered'
		AND (t.edits <> '{}' OR (t.deleted_at IS NOT NULL) <> coalesce((t.base->>'deleted')::boolean, t.deleted_at IS NOT NULL))`
