package tasks

import (
	"context"
	"errors"
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
	settled, err := p.settle(ctx, run)
	if err != nil {
		return settled, err
	}
	started := p.now()
	claimed, err := p.outbox.Claim(ctx, run, queue, salesforce.MaxCollection, outbox.Narrow{})
	if err != nil || len(claimed) == 0 {
		return settled, err
	}
	on, err := p.switched(ctx)
	if err != nil {
		return settled, errors.Join(err, p.record(ctx, run, outbox.NotSent(claimed)))
	}
	if !on.On {
		return settled, p.record(ctx, run, outbox.ForAll(claimed, func(c outbox.Claimed) outbox.Outcome { return outbox.Skipped(c, models.SkippedOff) }))
	}
	return settled + len(claimed), p.send(ctx, run, claimed, started)
}

// send sorts claimed tasks by what is to be done, and does it.
func (p Push) send(ctx context.Context, run uuid.UUID, claimed []outbox.Claimed, started time.Time) error {
	var rows []*row
	err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) (err error) {
		rows, err = lockClaimed(ctx, tx, run, claimed)
		return err
	})
	if err != nil {
		return errors.Join(err, p.record(ctx, run, outbox.NotSent(claimed)))
	}
	var fresh, there []*row
	for _, r := range rows {
		if r.RemoteID == "" {
			fresh = append(fresh, r)
		} else {
			there = append(there, r)
		}
	}
	again, err := p.change(ctx, run, there)
	if err != nil {
		return errors.Join(err, p.record(ctx, run, outbox.NotSent(fresh)))
	}
	return p.create(ctx, run, append(fresh, again...), started)
}

// record stores outcomes; a task that was edited meanwhile is due again.
func (p Push) record(ctx context.Context, run uuid.UUID, outcomes []outbox.Outcome, beside ...func(*pgx.Batch)) error {
	ids := make([]int64, len(outcomes))
	for n, o := range outcomes {
		ids[n] = o.ID
	}
	return p.outbox.Record(ctx, run, outcomes, append(beside, func(batch *pgx.Batch) {
		p.outbox.Requeue(outbox.Which{Where: `d.id = ANY(@ids::bigint[]) AND ` + differs, Args: pgx.NamedArgs{"ids": ids}}, outbox.Fresh, "").Queue(batch)
		batch.Queue(models.Tell(models.TopicTasks))
	})...)
}

// differs finds tasks that are delivered and yet not the same on both sides.
const differs = `d.state = 'delivered' AND EXISTS (SELECT FROM tasks t WHERE t.id = d.task_id
	AND (t.edits <> '{}' OR (t.deleted_at IS NOT NULL) <> coalesce((t.base->>'deleted')::boolean, t.deleted_at IS NOT NULL)))`
