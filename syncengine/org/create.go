package org

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// NewTask is a claimed delivery whose Task is to be created.
type NewTask struct {
	DeliveryID int64
	Attempts   int
	ID         uuid.UUID // by which the Task is found again; Fields hold it where a field does
	WhoID      string
	RepEmail   string // whose the Task is
	Fields     map[string]any

	earlier earlier
}

func (t NewTask) unsent() outbox.Outcome { return outbox.Unsent(t.DeliveryID, 0) }

// times is how many attempts in a row have ended with a code, the one of now included.
func (t NewTask) times(code string) int {
	if t.earlier.code == code {
		return t.earlier.times + 1
	}
	return 1
}

// earlier is what became of a delivery's attempts before this one.
type earlier struct {
	code   string // of the last error
	times  int    // in a row
	doubts int    // attempts in a row without an answer
}

// Creating says how Tasks are created.
type Creating struct {
	Purpose budget.Purpose // as the calls are counted
	Settle  time.Duration  // how long a Task of unknown outcome must stay absent
	Lease   time.Duration  // of the run: rows claimed longer ago may be another's by now
	// Look says that a Task that may be there is looked for even where a second with its
	// key would be refused: somebody may have deleted the first meanwhile, and a deleted
	// one keeps no other out.
	Look bool
}

// HealAttempts is how often a record is tried that was mended by itself.
const HealAttempts = 4

// CreateSize is how many Tasks the org bears in one call.
func (o *Org) CreateSize() int { return o.creates.Size() }

// Create creates Tasks, each once, and says what became of each: in one call, unless
// the org bears fewer at once or some of them have had no answer before. How they can
// be found again is stored before they are sent. An error besides the outcomes means
// that nothing more can be sent now.
func (o *Org) Create(ctx context.Context, run uuid.UUID, tasks []NewTask, claimed time.Time, how Creating) ([]outbox.Outcome, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	sending, outcomes, err := o.noteSent(ctx, run, tasks, how)
	if err != nil {
		return nil, err
	}
	calls := outbox.Apart(sending, o.creates.Size(), func(t NewTask) int { return t.earlier.doubts })
	sent, err := outbox.Each(calls, NewTask.unsent, func(call []NewTask) ([]outbox.Outcome, error) { return o.create(ctx, call, claimed, how) })
	return append(outcomes, sent...), err
}

// noteSent stores how Tasks can be found again, and returns those that may be sent with
// what became of them before. One that may be there, under the key of a field that is
// not in force now, would be there twice: it is looked for first.
func (o *Org) noteSent(ctx context.Context, run uuid.UUID, tasks []NewTask, how Creating) ([]NewTask, []outbox.Outcome, error) {
	setup, _ := o.Now()
	ids, whos := make([]int64, len(tasks)), make([]string, len(tasks))
	for n, t := range tasks {
		ids[n], whos[n] = t.DeliveryID, t.WhoID
	}
	rows, err := o.pool.Query(ctx, `
		WITH claimed AS (
			SELECT d.id, t.who, d.doubted_at IS NULL OR $3 = 'key' AND d.proof_field = $5 AS sure
			FROM deliveries d JOIN unnest($1::bigint[], $2::text[]) AS t (id, who) ON t.id = d.id WHERE d.sender = $4)
		UPDATE deliveries d SET scheme = CASE WHEN c.sure THEN $3 ELSE 'key' END, who_id = nullif(c.who, ''),
			proof_field = CASE WHEN c.sure THEN nullif($5, '') ELSE d.proof_field END, doubted_at = coalesce(d.doubted_at, d.sent_at)
		FROM claimed c WHERE d.id = c.id RETURNING d.id, c.sure, coalesce(d.error_code, ''), d.error_times, d.doubts`,
		ids, whos, setup.Scheme, run, setup.proofField())
	if err != nil {
		return nil, nil, fmt.Errorf("note how Tasks can be found again: %w", err)
	}
	before := make(map[int64]earlier, len(tasks))
	var (
		id   int64
		sure bool
		e    earlier
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &sure, &e.code, &e.times, &e.doubts}, func() error {
		if sure {
			before[id] = e
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("note how Tasks can be found again: %w", err)
	}
	var sending []NewTask
	var looking []outbox.Outcome
	for _, t := range tasks {
		var sure bool
		if t.earlier, sure = before[t.DeliveryID]; sure {
			sending = append(sending, t)
			continue
		}
		o := outbox.Unknown(t.DeliveryID, how.lookWait(0))
		o.Looked = true // not to be taken for one that can be sent at once
		looking = append(looking, o)
	}
	return sending, looking, nil
}

func (o *Org) create(ctx context.Context, tasks []NewTask, claimed time.Time, how Creating) ([]outbox.Outcome, error) {
	client, _, _, err := o.Client(ctx)
	if err != nil || time.Since(claimed) > how.Lease { // this process stood still: another run may know of these rows by now
		return outbox.ForAll(tasks, NewTask.unsent), err
	}
	records := make([]map[string]any, len(tasks))
	for n, t := range tasks {
		records[n] = t.Fields
	}
	calling, cancel := outbox.Promptly(budget.For(ctx, how.Purpose), how.Lease)
	defer cancel()
	results, err := client.CreateMany(calling, "Task", records)
	if err != nil {
		return o.failedCreate(ctx, tasks, claimed, how, err)
	}
	return o.created(ctx, tasks, results)
}

// failedCreate decides what a call that failed as a whole means for its Tasks.
func (o *Org) failedCreate(ctx context.Context, tasks []NewTask, claimed time.Time, how Creating, err error) ([]outbox.Outcome, error) {
	what := outbox.Meaning(err)
	times := tasks[0].times(what.Code)
	var call *salesforce.Error
	setup, _ := o.Now()
	if what.Heal == failure.HealSmallerBatch {
		o.creates.Shrink(len(tasks), 4, 1)
	}
	switch {
	case errors.As(err, &call) && call.Ambiguous():
		return outbox.ForAll(tasks, func(t NewTask) outbox.Outcome { return how.unanswered(t, len(tasks), setup.Scheme, what) }), nil
	case errors.Is(err, outbox.ErrNotAdmitted):
		return outbox.ForAll(tasks, func(t NewTask) outbox.Outcome { return outbox.Unsent(t.DeliveryID, outbox.TurnPause) }), nil
	case ctx.Err() != nil:
		return outbox.ForAll(tasks, NewTask.unsent), nil
	case outbox.Halts(what):
		return outbox.ForAll(tasks, NewTask.unsent), err
	case what.Retry == failure.Soon && (what.Tries == 0 || times < what.Tries):
		return outbox.ForAll(tasks, func(t NewTask) outbox.Outcome { return outbox.Again(t.DeliveryID, t.times(what.Code), what) }), nil
	case what.RefreshesSetup() && times < HealAttempts:
		// A field that is gone or hidden fails the whole call.
		return outbox.ForAll(tasks, func(t NewTask) outbox.Outcome { return outbox.Later(t.DeliveryID, what, time.Second) }),
			o.LookAnew(budget.For(ctx, budget.Setup))
	case !Splits(err):
		return outbox.ForAll(tasks, NewTask.unsent), err
	case len(tasks) == 1:
		return []outbox.Outcome{outbox.Parked(tasks[0].DeliveryID, what)}, nil
	}
	return outbox.Halve(tasks, NewTask.unsent, func(half []NewTask) ([]outbox.Outcome, error) { return o.create(ctx, half, claimed, how) })
}

// Splits says that one of a call's records may have spoilt it for the others; other
// errors of a whole call would be met by every call (Salesforce REST: status codes and
// error responses).
func Splits(err error) bool {
	var call *salesforce.Error
	if !errors.As(err, &call) || call.Kind == salesforce.KindAuth {
		return errors.Is(err, salesforce.ErrTooLong)
	}
	switch call.HTTPStatus {
	case 400, 413, 414, 431:
		return true
	}
	return false
}

// unanswered is a Task of which nobody knows whether it was created. With a key field
// it can be sent again without a look: Salesforce refuses the second. One that has been
// alone without an answer is given time.
func (how Creating) unanswered(t NewTask, records int, scheme Scheme, what failure.Failure) outbox.Outcome {
	o := outbox.Unanswered(t.DeliveryID, what, records, how.lookWait(0))
	if scheme == SchemeKey {
		o.Wait = outbox.Backoff(t.times(what.Code))
		if !how.Look {
			o.State = models.Pending
		}
		if o.Alone && what.Tries > 0 {
			o.Wait = max(o.Wait, how.Settle/4)
		}
	}
	return o
}

// created decides what became of each Task of a call that Salesforce carried out.
func (o *Org) created(ctx context.Context, tasks []NewTask, results []salesforce.SaveResult) ([]outbox.Outcome, error) {
	setup, _ := o.Now()
	outcomes := make([]outbox.Outcome, len(tasks))
	for n, t := range tasks {
		if r := results[n]; r.Success {
			outcomes[n] = outbox.Delivered(t.DeliveryID, models.NormalSalesforceID(r.ID))
		} else {
			outcomes[n] = refused(t, r, len(tasks), setup)
		}
	}
	learn(o.creates, outcomes)
	return outcomes, o.heal(ctx, tasks, results, outcomes)
}

// leastForLocks is how many records a call has at least, however many wait for locks:
// few of them are others' doing.
const leastForLocks = 50

// learn notes whether a call was larger than the org bears: a trigger that does not
// bear many records, or many that wait for the same locks.
func learn(gauge *outbox.Gauge, outcomes []outbox.Outcome) {
	records := len(outcomes)
	for _, o := range outcomes {
		switch {
		case o.Failure.Heal != failure.HealSmallerBatch:
		case o.Failure.Retry == failure.Never:
			gauge.Shrink(records, 4, 1)
			return
		default:
			gauge.Shrink(records, 2, leastForLocks)
			return
		}
	}
	gauge.Grow(records)
}

// refused decides about one Task of a call for so many that was not created.
func refused(t NewTask, r salesforce.SaveResult, records int, setup Setup) outbox.Outcome {
	if id, ours := doubleOf(r.Errors, setup.KeyField); ours {
		there := outbox.Delivered(t.DeliveryID, id)
		there.Looked = id != ""
		return there
	}
	what := failure.OfSalesforceRecord(r.FirstError())
	times := t.times(what.Code)
	switch {
	case what.Heal == failure.HealSmallerBatch && what.Retry == failure.Never && records > 1:
		return outbox.Later(t.DeliveryID, what, 0)
	case heals(what) && times < HealAttempts:
		return outbox.Later(t.DeliveryID, what, 0)
	}
	return outbox.Again(t.DeliveryID, times, what)
}

// recordID finds the id in "duplicates value on record with id: 00T…" (Salesforce:
// DUPLICATE_VALUE).
var recordID = regexp.MustCompile(`id:\s*(00T[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?)\b`)

// doubleOf says that Salesforce refused a Task because one with our key is there, and
// which, where it tells.
func doubleOf(errs []salesforce.CodeMessage, keyField string) (id string, ours bool) {
	for _, e := range errs {
		if e.Code != salesforce.CodeDuplicateValue || keyField == "" {
			continue
		}
		named := strings.Contains(e.Message, keyField)
		for _, f := range e.Fields {
			named = named || strings.EqualFold(f, keyField)
		}
		if !named {
			continue
		}
		if m := recordID.FindStringSubmatch(e.Message); m != nil {
			return models.NormalSalesforceID(m[1]), true
		}
		return "", true
	}
	return "", false
}
