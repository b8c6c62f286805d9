package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
)

// recordTime is how long storing outcomes may take after the program was told to stop.
const recordTime = 10 * time.Second

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
	batch.Queue(recordSQL, run, c.ids, c.states, c.remotes, c.reasons, c.codes, c.classes, c.texts, c.remedies, c.waits, c.unsents, c.looked,
		c.holds, c.inDoubt, c.alone, c.absent, c.tries, poisonRemedy, c.weights)
	if len(c.delivered) > 0 { // whatever kept deliveries is over
		batch.Queue(unpauseSQL+` AND name IN (SELECT destination FROM deliveries WHERE id = ANY($1) AND state = 'delivered')`, c.delivered)
	}
	batch.Queue(`SELECT pg_notify('salesactions_live', 'activity')`)
}

// poisonRemedy is what helps a record that no call with it comes to an end.
const poisonRemedy = "No call with this record comes to an end, and it is surely not there. Look at what is special about it, or ask the support of the other system with the words above; then press Retry in Diagnostics."

// recordSQL believes a run only about rows that it still has, or that nobody has.
//
// Doubt ends when the record is found, or proven absent; an answer about a later
// attempt ends only the doubt about that attempt. A row without an answer that was its
// last one alone is looked for before anything else is done with it.
const recordSQL = `
	WITH t AS (
		SELECT *, in_doubt AND alone AND tries > 0 AS counts, unsent OR code = '' AND state IN ('pending', 'sending') AS silent
		FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::boolean[],
			$12::boolean[], $13::text[], $14::boolean[], $15::boolean[], $16::boolean[], $17::int[], $19::int[])
			AS t (id, state, remote, reason, code, class, words, remedy, wait, unsent, looked, hold, in_doubt, alone, absent, tries, weight)
	)
	UPDATE deliveries d SET
		state = CASE WHEN t.absent AND d.doubts_left = 0 THEN 'failed' WHEN t.counts AND coalesce(d.doubts_left, t.tries) <= 1 THEN 'sending' ELSE t.state END,
		remote_id = coalesce(nullif(t.remote, ''), d.remote_id), reason = nullif(t.reason, ''), hold = nullif(t.hold, ''),
		error_code = CASE WHEN t.silent THEN d.error_code ELSE nullif(t.code, '') END,
		error_class = CASE WHEN t.silent THEN d.error_class ELSE nullif(t.class, '') END,
		error_text = CASE WHEN t.silent THEN d.error_text ELSE nullif(t.words, '') END,
		error_remedy = CASE WHEN t.absent AND d.doubts_left = 0 THEN $18 WHEN t.silent THEN d.error_remedy ELSE nullif(t.remedy, '') END,
		error_times = CASE WHEN t.silent THEN d.error_times WHEN t.code = '' THEN 0 WHEN d.error_code = t.code THEN d.error_times + 1 ELSE 1 END,
		doubts = CASE WHEN t.in_doubt THEN d.doubts + t.weight WHEN t.silent THEN d.doubts ELSE 0 END,
		doubts_left = CASE WHEN t.counts THEN greatest(least(coalesce(d.doubts_left, t.tries), t.tries) - 1, 0)
			WHEN t.in_doubt OR t.silent THEN d.doubts_left END,
		doubted_at = CASE WHEN t.absent OR t.state IN ('delivered', 'skipped') THEN NULL
			WHEN (t.unsent OR t.code <> '') AND NOT t.in_doubt AND d.doubted_at >= d.sent_at THEN NULL ELSE d.doubted_at END,
		attempts = CASE WHEN t.unsent THEN greatest(d.attempts - 1, 0) ELSE d.attempts END,
		sent_at = CASE WHEN t.unsent THEN NULL ELSE d.sent_at END,
		looks = CASE WHEN t.looked THEN d.looks + 1 ELSE d.looks END,
		due_at = clock_timestamp() + t.wait * interval '1 microsecond', sender = NULL, updated_at = clock_timestamp()
	FROM t WHERE d.id = t.id AND d.state = 'sending' AND (d.sender = $1 OR d.sender IS NULL)`

// outcomeColumns are outcomes turned for one statement.
type outcomeColumns struct {
	ids, waits, delivered                                            []int64
	states, remotes, reasons, holds, codes, classes, texts, remedies []string
	unsents, looked, inDoubt, alone, absent                          []bool
	tries, weights                                                   []int
}

func (c *outcomeColumns) add(o Outcome) {
	c.ids = append(c.ids, o.ID)
	c.states = append(c.states, string(o.State))
	c.remotes = append(c.remotes, o.RemoteID)
	c.reasons = append(c.reasons, string(o.Reason))
	c.holds = append(c.holds, string(o.Hold))
	c.codes = append(c.codes, o.Failure.Code)
	c.classes = append(c.classes, string(o.Failure.Class))
	c.texts = append(c.texts, o.Failure.Text)
	c.remedies = append(c.remedies, o.Failure.Remedy)
	c.waits = append(c.waits, o.Wait.Microseconds())
	c.unsents = append(c.unsents, o.Unsent)
	c.looked = append(c.looked, o.Looked)
	c.inDoubt = append(c.inDoubt, o.InDoubt)
	c.alone = append(c.alone, o.Alone)
	c.absent = append(c.absent, o.Absent)
	c.tries = append(c.tries, o.Failure.Tries)
	c.weights = append(c.weights, weight(o.Failure))
	if o.State == models.Delivered {
		c.delivered = append(c.delivered, o.ID)
	}
}
