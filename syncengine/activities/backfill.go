package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/outbox"
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

// backfillable finds deliveries of Tasks that were skipped only because of the switches.
const backfillable = `d.destination = 'salesforce' AND d.operation = 'create' AND d.state = 'skipped'
	AND d.reason IN ('switched_off', 'before_switched_on') AND EXISTS (
		SELECT FROM activities a WHERE a.id = d.activity_id AND a.kind = ANY(@kinds::text[]) AND a.occurred_at >= @since`

// unlogged are replies without a Task of their own: they have a row for one only where
// they were to be logged.
const unlogged = `SELECT a.id, a.occurred_at, a.person_id IS NULL FROM activities a WHERE a.kind = 'email_replied' AND a.occurred_at >= @since AND a.id > @after
	AND NOT EXISTS (SELECT FROM deliveries x WHERE x.activity_id = a.id AND x.destination = 'salesforce' AND x.operation = 'create')`

func (b Backfill) args() pgx.NamedArgs {
	return pgx.NamedArgs{"kinds": b.kinds(), "since": b.Since, "after": uuid.Nil}
}

// Count returns how many Tasks a back-fill would create.
func (b Backfill) Count(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var tasks, replies int64
	err := pool.QueryRow(ctx, `SELECT count(*) FROM deliveries d WHERE `+backfillable+`)`, b.args()).Scan(&tasks)
	if err == nil && b.Replies {
		err = pool.QueryRow(ctx, `SELECT count(*) FROM (`+unlogged+`) replies`, b.args()).Scan(&replies)
	}
	if err != nil {
		return 0, fmt.Errorf("count what a back-fill would log: %w", err)
	}
	return tasks + replies, nil
}

// Run queues the Tasks, with the changes that opens, clicks, replies and bounces
// make to those of emails, and returns how many Tasks there are to create.
func (b Backfill) Run(ctx context.Context, pool *pgxpool.Pool, o *outbox.Outbox) (int64, error) {
	var tasks int64
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		tasks = 0
		if err := b.queueReplies(ctx, tx, o, &tasks); err != nil {
			return err
		}
		for person, hold := range map[string]models.Hold{` AND a.person_id IS NOT NULL)`: "", ` AND a.person_id IS NULL)`: models.HoldPerson} {
			n, err := o.Requeue(outbox.Which{Where: backfillable + person, Args: b.args()}, outbox.Fresh, hold).Exec(ctx, tx)
			if err != nil {
				return err
			}
			tasks += n
		}
		_, err := o.Requeue(outbox.Which{Args: b.args(), Where: `d.destination = 'salesforce' AND d.operation = 'update' AND d.state = 'skipped'
			AND d.reason = 'email_not_logged' AND EXISTS (
				SELECT FROM activities a JOIN deliveries task ON task.activity_id = a.email_id AND task.destination = 'salesforce' AND task.operation = 'create'
				WHERE a.id = d.activity_id AND task.state <> 'skipped' AND task.occurred_at >= @since)`}, outbox.Fresh, models.HoldEmail).Exec(ctx, tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("queue a back-fill: %w", err)
	}
	return tasks, nil
}

// repliesAtOnce is how many replies a back-fill holds in memory.
const repliesAtOnce = 5_000

// queueReplies queues a Task for each reply that has none, some thousand at a time.
func (b Backfill) queueReplies(ctx context.Context, tx pgx.Tx, o *outbox.Outbox, tasks *int64) error {
	if !b.Replies {
		return nil
	}
	for args := b.args(); ; {
		args["limit"] = repliesAtOnce
		rows, err := tx.Query(ctx, unlogged+` ORDER BY a.id LIMIT @limit`, args)
		if err != nil {
			return err
		}
		entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (outbox.Entry, error) {
			e := outbox.Entry{To: models.ToSalesforce, Operation: models.Create, Kind: models.EmailReplied}
			var waits bool
			err := row.Scan(&e.Activity, &e.OccurredAt, &waits)
			if waits {
				e.Hold = models.HoldPerson
			}
			return e, err
		})
		if err != nil || len(entries) == 0 {
			return err
		}
		n, err := o.Enqueue(entries...).Exec(ctx, tx)
		if err != nil {
			return err
		}
		*tasks += n
		args["after"] = entries[len(entries)-1].Activity
	}
}
