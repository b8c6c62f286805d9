package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
)

// recordTime is how long storing outcomes may take after the program was told to stop.
const recordTime = 10 * time.Second

// Record stores outcomes of claims of a run, with what a stage queues beside them in
// the same transaction. What happened outside is stored even while the program stops.
func (o *Outbox) Record(ctx context.Context, run uuid.UUID, outcomes []Outcome, beside ...func(*pgx.Batch)) error {
	if len(outcomes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	batch := &pgx.Batch{}
	if err := o.queueRecord(batch, run, outcomes); err != nil {
		return err
	}
	for _, queue := range beside {
		queue(batch)
	}
	batch.Queue(models.Tell(models.TopicActivity))
	err := pgx.BeginFunc(ctx, o.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	if err != nil {
		return fmt.Errorf("store the outcomes of %d deliveries: %w", len(outcomes), err)
	}
	return nil
}

func (o *Outbox) queueRecord(batch *pgx.Batch, run uuid.UUID, outcomes []Outcome) error {
	stored := make([]storedOutcome, len(outcomes))
	var delivered []int64
	for n, outcome := range outcomes {
		stored[n] = outcome.stored()
		if outcome.State == models.Delivered {
			delivered = append(delivered, outcome.ID)
		}
	}
	raw, err := json.Marshal(stored)
	if err != nil {
		return fmt.Errorf("write the outcomes of %d deliveries: %w", len(outcomes), err)
	}
	batch.Queue(recordSQL, pgx.NamedArgs{"run": run, "outcomes": string(raw), "poison_remedy": poisonRemedy, "now": o.clock.Now()})
	if len(delivered) > 0 { // what kept deliveries is over
		batch.Queue(unpauseSQL+` AND name IN (SELECT destination FROM deliveries WHERE id = ANY(@ids) AND state = 'delivered')`, pgx.NamedArgs{"ids": delivered})
	}
	return nil
}

// storedOutcome is an outcome as recordSQL reads it.
type storedOutcome struct {
	ID      int64  `json:"id"`
	State   string `json:"state"`
	Remote  string `json:"remote,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Hold    string `json:"hold,omitempty"`
	Code    string `json:"code,omitempty"`
	Class   string `json:"class,omitempty"`
	Words   string `json:"words,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
	Wait    int64  `json:"wait"` // microseconds
	NotSent bool   `json:"not_sent"`
	Looked  bool   `json:"looked"`
	InDoubt bool   `json:"in_doubt"`
	Alone   bool   `json:"alone"`
	Absent  bool   `json:"absent"`
	Tries   int    `json:"tries"`
	Weight  int    `json:"weight"`
}

func (o Outcome) stored() storedOutcome {
	return storedOutcome{ID: o.ID, State: string(o.State), Remote: o.RemoteID, Reason: string(o.Reason), Hold: string(o.Hold),
		Code: clean(o.Failure.Code), Class: string(o.Failure.Class), Words: clean(o.Failure.Text), Remedy: o.Failure.Remedy,
		Wait: o.Wait.Microseconds(), NotSent: o.NotSent, Looked: o.Looked, InDoubt: o.InDoubt, Alone: o.Alone, Absent: o.Absent,
		Tries: o.Failure.Tries, Weight: weight(o.Failure)}
}

// clean drops what a text in PostgreSQL cannot hold: other systems may say anything.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
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
		SELECT *, in_doubt AND alone AND tries > 0 AS counts, not_sent OR code IS NULL AND state IN ('pending', 'sending') AS silent
		FROM jsonb_to_recordset(@outcomes::jsonb) AS t (id bigint, state text, remote text, reason text, hold text, code text, class text, words text,
			remedy text, wait bigint, not_sent boolean, looked boolean, in_doubt boolean, alone boolean, absent boolean, tries int, weight int)
	)
	UPDATE deliveries d SET
		state = CASE WHEN t.absent AND d.doubts_left = 0 THEN 'failed' WHEN t.counts AND coalesce(d.doubts_left, t.tries) <= 1 THEN 'sending' ELSE t.state END,
		remote_id = coalesce(t.remote, d.remote_id), reason = t.reason, hold = t.hold,
		error_code = CASE WHEN t.silent THEN d.error_code ELSE t.code END,
		error_class = CASE WHEN t.silent THEN d.error_class ELSE t.class END,
		error_text = CASE WHEN t.silent THEN d.error_text ELSE t.words END,
		error_remedy = CASE WHEN t.absent AND d.doubts_left = 0 THEN @poison_remedy WHEN t.silent THEN d.error_remedy ELSE t.remedy END,
		error_times = CASE WHEN t.silent THEN d.error_times WHEN t.code IS NULL THEN 0 WHEN d.error_code = t.code THEN d.error_times + 1 ELSE 1 END,
		doubts = CASE WHEN t.in_doubt THEN d.doubts + t.weight WHEN t.silent THEN d.doubts ELSE 0 END,
		doubts_left = CASE WHEN t.counts THEN greatest(least(coalesce(d.doubts_left, t.tries), t.tries) - 1, 0)
			WHEN t.in_doubt OR t.silent THEN d.doubts_left END,
		doubted_at = CASE WHEN t.absent OR t.state IN ('delivered', 'skipped') THEN NULL
			WHEN (t.not_sent OR t.code IS NOT NULL) AND NOT t.in_doubt AND d.doubted_at >= d.sent_at THEN NULL ELSE d.doubted_at END,
		attempts = CASE WHEN t.not_sent THEN greatest(d.attempts - 1, 0) ELSE d.attempts END,
		sent_at = CASE WHEN t.not_sent THEN NULL ELSE d.sent_at END,
		looks = CASE WHEN t.looked THEN d.looks + 1 ELSE d.looks END,
		due_at = @now::timestamptz + t.wait * interval '1 microsecond', sender = NULL, updated_at = @now
	FROM t WHERE d.id = t.id AND d.state = 'sending' AND (d.sender = @run OR d.sender IS NULL)`
