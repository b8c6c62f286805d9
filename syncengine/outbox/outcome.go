package outbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/failure"
)

// Outcome is what became of an attempt at a delivery.
type Outcome struct {
	ID       int64
	State    models.DeliveryState
	RemoteID string
	Reason   models.SkipReason // of skipped
	Failure  failure.Failure   // of failed, and of pending after an attempt
	Wait     time.Duration     // pending: before the next attempt; sending: before the outcome is looked for
	Unsent   bool              // the attempt does not count: nothing left this program
	Looked   bool              // the outcome was looked for and the record not found
}

// Delivered says that it is there.
func Delivered(id int64, remoteID string) Outcome {
	return Outcome{ID: id, State: models.Delivered, RemoteID: remoteID}
}

// Skipped says that it is not to be there.
func Skipped(id int64, reason models.SkipReason) Outcome {
	return Outcome{ID: id, State: models.Skipped, Reason: reason}
}

// Parked is a failure that waiting does not mend: somebody must act and press Retry.
func Parked(id int64, f failure.Failure) Outcome {
	return Outcome{ID: id, State: models.Failed, Failure: f}
}

// Later is a failure that passes.
func Later(id int64, f failure.Failure, wait time.Duration) Outcome {
	return Outcome{ID: id, State: models.Pending, Failure: f, Wait: wait}
}

// Again decides when a record that was refused is sent again, if ever.
func Again(id int64, attempts int, what failure.Failure) Outcome {
	switch {
	case what.Retry == failure.Soon && (what.Tries == 0 || attempts < what.Tries):
		return Later(id, what, max(Backoff(attempts), what.After))
	case what.Retry == failure.Slow:
		return Later(id, what, slowRetry)
	}
	return Parked(id, what)
}

// Unsent puts a delivery back as if it had not been claimed.
func Unsent(id int64, wait time.Duration) Outcome {
	return Outcome{ID: id, State: models.Pending, Wait: wait, Unsent: true}
}

// Unknown says that nobody knows; it is looked for after a while.
func Unknown(id int64, wait time.Duration) Outcome {
	return Outcome{ID: id, State: models.Sending, Wait: wait}
}

const (
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
	slowRetry    = time.Hour
	// recordTime is how long storing outcomes may take after the program was told to stop.
	recordTime = 10 * time.Second
)

// Backoff is the pause before the attempt after the given one: exponential, with
// full jitter.
func Backoff(attempts int) time.Duration {
	longest := min(firstBackoff<<min(max(attempts-1, 0), 9), lastBackoff)
	return longest/10 + rand.N(longest)
}

// Record stores outcomes of claims of a run, with what a stage queues beside them in
// the same transaction. What happened outside is stored even while the program stops.
func Record(ctx context.Context, pool *pgxpool.Pool, run uuid.UUID, outcomes []Outcome, beside ...func(*pgx.Batch)) error {
	if len(outcomes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	batch := &pgx.Batch{}
	Queue(batch, run, outcomes)
	for _, queue := range beside {
		queue(batch)
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("store the outcomes of %d deliveries: %w", len(outcomes), err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // after the commit there is nothing to undo
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store the outcomes of %d deliveries: %w", len(outcomes), err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("store the outcomes of %d deliveries: %w", len(outcomes), err)
	}
	return nil
}

// Queue adds the storing of outcomes to a batch of the caller's.
func Queue(batch *pgx.Batch, run uuid.UUID, outcomes []Outcome) {
	var c outcomeColumns
	for _, o := range outcomes {
		c.add(o)
	}
	batch.Queue(recordSQL, run, c.ids, c.states, c.remotes, c.reasons, c.codes, c.classes, c.texts, c.remedies, c.waits, c.unsents, c.looked)
	if len(c.delivered) > 0 { // whatever kept deliveries is over
		batch.Queue(unpauseSQL+` AND name IN (SELECT destination FROM deliveries WHERE id = ANY($1) AND state = 'delivered')`, c.delivered)
	}
	batch.Queue(`SELECT pg_notify('salesactions_live', 'activity')`)
}

// recordSQL believes a run only about rows that it still has, or that nobody has.
const recordSQL = `
	UPDATE deliveries d SET
		state = t.state, remote_id = coalesce(nullif(t.remote, ''), d.remote_id), reason = nullif(t.reason, ''),
		error_code = CASE WHEN t.unsent OR t.state = 'sending' THEN d.error_code ELSE nullif(t.code, '') END,
		error_class = CASE WHEN t.unsent OR t.state = 'sending' THEN d.error_class ELSE nullif(t.class, '') END,
		error_text = CASE WHEN t.unsent OR t.state = 'sending' THEN d.error_text ELSE nullif(t.words, '') END,
		error_remedy = CASE WHEN t.unsent OR t.state = 'sending' THEN d.error_remedy ELSE nullif(t.remedy, '') END,
		attempts = CASE WHEN t.unsent THEN greatest(d.attempts - 1, 0) ELSE d.attempts END,
		sent_at = CASE WHEN t.unsent THEN NULL ELSE d.sent_at END,
		looks = CASE WHEN t.looked THEN d.looks + 1 ELSE d.looks END,
		due_at = clock_timestamp() + t.wait * interval '1 microsecond', sender = NULL, updated_at = clock_timestamp()
	FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::boolean[], $12::boolean[])
		AS t (id, state, remote, reason, code, class, words, remedy, wait, unsent, looked)
	WHERE d.id = t.id AND d.state = 'sending' AND (d.sender = $1 OR d.sender IS NULL)`

// outcomeColumns are outcomes turned for one statement.
type outcomeColumns struct {
	ids, waits, delivered                                     []int64
	states, remotes, reasons, codes, classes, texts, remedies []string
	unsents, looked                                           []bool
}

func (c *outcomeColumns) add(o Outcome) {
	c.ids = append(c.ids, o.ID)
	c.states = append(c.states, string(o.State))
	c.remotes = append(c.remotes, o.RemoteID)
	c.reasons = append(c.reasons, string(o.Reason))
	c.codes = append(c.codes, o.Failure.Code)
	c.classes = append(c.classes, string(o.Failure.Class))
	c.texts = append(c.texts, o.Failure.Text)
	c.remedies = append(c.remedies, o.Failure.Remedy)
	c.waits = append(c.waits, o.Wait.Microseconds())
	c.unsents = append(c.unsents, o.Unsent)
	c.looked = append(c.looked, o.Looked)
	if o.State == models.Delivered {
		c.delivered = append(c.delivered, o.ID)
	}
}
