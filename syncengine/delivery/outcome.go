package delivery

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
	"salesactions/syncengine/marketo"
)

// outcome is what became of an attempt at a delivery.
type outcome struct {
	id       int64
	state    models.DeliveryState
	remoteID string
	reason   models.SkipReason // of skipped
	failure  failure.Failure   // of failed, and of pending after an attempt
	wait     time.Duration     // pending: before the next attempt; sending: before the outcome is looked for
	unsent   bool              // the attempt does not count: nothing left this program
	looked   bool              // the outcome was looked for and the record not found
}

func delivered(id int64, remoteID string) outcome {
	return outcome{id: id, state: models.Delivered, remoteID: remoteID}
}

func skipped(id int64, reason models.SkipReason) outcome {
	return outcome{id: id, state: models.Skipped, reason: reason}
}

// parked is a failure that waiting does not mend: somebody must act and press Retry.
func parked(id int64, f failure.Failure) outcome {
	return outcome{id: id, state: models.Failed, failure: f}
}

// later is a failure that passes.
func later(id int64, f failure.Failure, wait time.Duration) outcome {
	return outcome{id: id, state: models.Pending, failure: f, wait: wait}
}

// again decides when a record that was refused is sent again, if ever.
func again(id int64, attempts int, what failure.Failure) outcome {
	switch {
	case what.Retry == failure.Soon && (what.Tries == 0 || attempts < what.Tries):
		return later(id, what, max(backoff(attempts), what.After))
	case what.Retry == failure.Slow:
		return later(id, what, slowRetry)
	}
	return parked(id, what)
}

// halts says that no other call would fare better, so that the destination pauses.
func halts(what failure.Failure) bool {
	switch what.Code {
	case "API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG", "CLIENT_NOT_ACCESSIBLE_FOR_USER", "INVALID_TYPE", "GONE", "UNSUPPORTED_API_VERSION":
		return true // of Salesforce, about the connected user or the version of the API
	case "REQUEST_LIMIT_EXCEEDED", marketo.CodeQuota:
		return what.Retry == failure.Slow // the day's calls are used up, not only those in flight
	}
	return what.Class == failure.Authentication || what.Class == failure.Setup || what.Class == failure.Limit && !what.Until.IsZero()
}

// unsent puts a delivery back as if it had not been claimed.
func unsent(id int64, wait time.Duration) outcome {
	return outcome{id: id, state: models.Pending, wait: wait, unsent: true}
}

// unknown says that nobody knows; it is looked for after a while.
func unknown(id int64, wait time.Duration) outcome {
	return outcome{id: id, state: models.Sending, wait: wait}
}

const (
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
	slowRetry    = time.Hour
	// recordTime is how long storing outcomes may take after the program was told to stop.
	recordTime = 10 * time.Second
)

// backoff is the pause before the attempt after the given one: exponential, with
// full jitter.
func backoff(attempts int) time.Duration {
	longest := min(firstBackoff<<min(max(attempts-1, 0), 9), lastBackoff)
	return longest/10 + rand.N(longest)
}

// record stores outcomes of claims of a run. What happened outside is stored even
// while the program stops. With emails' Tasks go the updates that waited for them.
func record(ctx context.Context, pool *pgxpool.Pool, run uuid.UUID, outcomes []outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	var c outcomeColumns
	for _, o := range outcomes {
		c.add(o)
	}
	batch := &pgx.Batch{}
	batch.Queue(recordSQL, run, c.ids, c.states, c.remotes, c.reasons, c.codes, c.classes, c.texts, c.remedies, c.waits, c.unsents, c.looked)
	if len(c.settled) > 0 {
		batch.Queue(releaseOfEmails+` AND task.id = ANY($1)`, c.settled)
	}
	batch.Queue(`SELECT pg_notify('salesactions_live', 'activity')`)
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
	ids, waits, settled                                       []int64
	states, remotes, reasons, codes, classes, texts, remedies []string
	unsents, looked                                           []bool
}

func (c *outcomeColumns) add(o outcome) {
	c.ids = append(c.ids, o.id)
	c.states = append(c.states, string(o.state))
	c.remotes = append(c.remotes, o.remoteID)
	c.reasons = append(c.reasons, string(o.reason))
	c.codes = append(c.codes, o.failure.Code)
	c.classes = append(c.classes, string(o.failure.Class))
	c.texts = append(c.texts, o.failure.Text)
	c.remedies = append(c.remedies, o.failure.Remedy)
	c.waits = append(c.waits, o.wait.Microseconds())
	c.unsents = append(c.unsents, o.unsent)
	c.looked = append(c.looked, o.looked)
	if o.state == models.Delivered || o.state == models.Skipped {
		c.settled = append(c.settled, o.id)
	}
}
