package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

// row is a task with its delivery, locked for as long as its transaction lasts.
type row struct {
	state
	personID *int64
	whoID    string
	agreedAt *time.Time
	former   []string
	sent     *remote // on its way

	outbox.Claimed // its delivery: only as claimed while it is being sent
	delivery       models.DeliveryState

	was map[field]string // the values when it was read
}

// inFlight says that a call about it is under way, or that nobody knows what came of
// the last one.
func (r row) inFlight() bool { return r.delivery == models.Sending }

const rowColumns = `t.id, t.kind, t.origin, t.name, t.status, t.priority, coalesce(t.due_on::text, ''), t.details, coalesce(t.rep_email, ''),
	t.edits, t.deleted_at IS NOT NULL, t.base, t.sent, t.agreed_at, t.former_ids, t.person_id, coalesce(t.who_id, ''),
	d.id, d.state, coalesce(d.remote_id, '')`

// lockRows reads tasks that are to be in Salesforce, and keeps them from changing. They
// come by their ids, so that two transactions wait for each other and never in a circle.
func lockRows(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]*row, error) {
	rows, err := tx.Query(ctx, `SELECT `+rowColumns+` FROM tasks t JOIN deliveries d ON d.task_id = t.id WHERE `+where+` ORDER BY t.id FOR UPDATE OF t, d`, args...)
	if err == nil {
		var list []*row
		if list, err = pgx.CollectRows(rows, scanRow); err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("read tasks: %w", err)
}

// lockClaimed reads the tasks of deliveries that a run has claimed.
func lockClaimed(ctx context.Context, tx pgx.Tx, run uuid.UUID, claimed []outbox.Claimed) ([]*row, error) {
	return lockWith(ctx, tx, claimed, `d.id = ANY($1) AND d.sender = $2`, run)
}

// lockUnknown reads the tasks of deliveries of unknown outcome.
func lockUnknown(ctx context.Context, tx pgx.Tx, unknown []outbox.Claimed) ([]*row, error) {
	return lockWith(ctx, tx, unknown, `d.id = ANY($1) AND d.state = 'sending' AND d.sender IS NULL`)
}

func lockWith(ctx context.Context, tx pgx.Tx, deliveries []outbox.Claimed, where string, args ...any) ([]*row, error) {
	of, ids := make(map[int64]outbox.Claimed, len(deliveries)), make([]int64, len(deliveries))
	for n, c := range deliveries {
		of[c.ID], ids[n] = c, c.ID
	}
	rows, err := lockRows(ctx, tx, where, append([]any{ids}, args...)...)
	for _, r := range rows {
		r.Claimed = of[r.ID]
	}
	return rows, err
}

func scanRow(from pgx.CollectableRow) (*row, error) {
	r := &row{}
	var name, status, priority, due, details, rep string
	var edits map[field]time.Time
	err := from.Scan(&r.id, &r.kind, &r.origin, &name, &status, &priority, &due, &details, &rep, &edits, &r.deleted, &r.base, &r.sent, &r.agreedAt,
		&r.former, &r.personID, &r.whoID, &r.ID, &r.delivery, &r.RemoteID)
	r.values = map[field]string{fieldName: name, fieldStatus: status, fieldPriority: priority, fieldDue: due, fieldDetails: details, fieldRep: rep}
	r.was = map[field]string{}
	for f, v := range r.values {
		r.was[f] = v
	}
	if r.edits = edits; r.edits == nil {
		r.edits = map[field]time.Time{}
	}
	return r, err
}

// saved is what a batch does with merged tasks.
type saved struct {
	batch  *pgx.Batch
	outbox *outbox.Outbox
	now    time.Time
	err    error
}

// saving begins a batch that is stored at the time of now.
func (s *Sync) saving() *saved { return &saved{batch: &pgx.Batch{}, outbox: s.outbox, now: s.now()} }

// task queues a task as it is now, with the lines of its history.
func (s *saved) task(r *row, lines []line) {
	edits, err := json.Marshal(r.edits)
	if err != nil {
		s.err = fmt.Errorf("write the edits of a task: %w", err)
		return
	}
	changed := false
	for f, v := range r.values {
		changed = changed || r.was[f] != v
	}
	moved := slices.ContainsFunc(lines, func(l line) bool { return l.event == models.TaskDeleted || l.event == models.TaskRestored })
	s.batch.Queue(`
		UPDATE tasks SET name = $2, status = $3, priority = $4, due_on = nullif($5, '')::date, details = $6, rep_email = nullif($7, ''),
			completed_at = CASE WHEN $3 = 'complete' THEN coalesce(completed_at, $15::timestamptz) END,
			edits = $8, deleted_at = CASE WHEN $9 THEN coalesce(deleted_at, $15::timestamptz) END, base = $10, agreed_at = shared_clock(),
			former_ids = $11, person_id = $12, who_id = nullif($13, ''), sent = NULL,
			updated_at = CASE WHEN $14 THEN $15::timestamptz ELSE updated_at END
		WHERE id = $1`, r.id, r.values[fieldName], r.values[fieldStatus], r.values[fieldPriority], r.values[fieldDue], r.values[fieldDetails],
		r.values[fieldRep], string(edits), r.deleted, r.base, r.former, r.personID, r.whoID, changed || moved, s.now)
	s.lines(r.id, lines)
	if changed || moved {
		s.batch.Queue(models.Tell(models.TopicTasks))
	}
}

func (s *saved) lines(id uuid.UUID, lines []line) {
	for _, l := range lines {
		at := l.at
		if at.IsZero() {
			at = s.now
		}
		s.batch.Queue(`INSERT INTO task_history (task_id, at, source, actor, event, field, old, new)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), nullif($8, ''))`,
			id, at, l.source, l.actor, l.event, l.field, l.old, l.new)
	}
}

// send runs what was queued.
func (s *saved) send(ctx context.Context, tx pgx.Tx) error {
	if s.err != nil {
		return s.err
	}
	if err := tx.SendBatch(ctx, s.batch).Close(); err != nil {
		return fmt.Errorf("store tasks: %w", err)
	}
	return nil
}
