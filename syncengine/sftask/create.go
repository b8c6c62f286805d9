package sftask

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// NewTask is a claimed delivery whose Task is to be created.
type NewTask struct {
	outbox.Claimed
	Key      uuid.UUID // by which the Task is found again; Fields hold it where a field does
	WhoID    string
	RepEmail string // whose the Task is
	Fields   map[string]any
}

// Creating says how Tasks are created.
type Creating struct {
	Purpose budget.Purpose // of the calls
	Settle  time.Duration  // how long a Task of unknown outcome must stay absent
	Lease   time.Duration  // of the run: rows claimed longer ago may be another's by now
	// Look says that a Task that may be there is looked for even where a second with its
	// key would be refused: a person may have deleted the first meanwhile, and a deleted
	// one keeps no other out.
	Look bool
}

// CreateSize is how many Tasks the org bears in one call.
func (w *Writer) CreateSize() int { return w.creates.Size() }

// Create creates Tasks, each once, and says what became of each: in one call, unless
// the org bears fewer at once or some of them have had no answer before. How they can
// be found again is stored before they are sent. An error besides the outcomes means
// that nothing more can be sent now.
func (w *Writer) Create(ctx context.Context, run uuid.UUID, tasks []NewTask, claimed time.Time, how Creating) ([]outbox.Outcome, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	sending, outcomes, err := w.noteSent(ctx, run, tasks, how)
	if err != nil {
		return nil, err
	}
	calls := outbox.SplitByDoubt(sending, w.creates.Size())
	sent, err := outbox.Each(calls, func(call []NewTask) ([]outbox.Outcome, error) { return w.create(ctx, call, claimed, how) })
	return append(outcomes, sent...), err
}

// noteSent keeps how Tasks can be found again, and returns those that may be sent. One
// that may be there, under the key of a field that is not in force now, would be there
// twice: it is looked for first.
func (w *Writer) noteSent(ctx context.Context, run uuid.UUID, tasks []NewTask, how Creating) ([]NewTask, []outbox.Outcome, error) {
	setup, _ := w.org.Known()
	proofs := make([]outbox.Proof, len(tasks))
	for n, t := range tasks {
		proofs[n] = outbox.Proof{ID: t.ID, Scheme: string(setup.Scheme), Field: proofField(setup), WhoID: t.WhoID}
	}
	sure, err := w.outbox.Note(ctx, run, proofs)
	if err != nil {
		return nil, nil, err
	}
	var sending []NewTask
	var looking []outbox.Outcome
	for _, t := range tasks {
		if sure[t.ID] {
			sending = append(sending, t)
			continue
		}
		unknown := outbox.Unknown(t.Claimed, how.lookWait(0))
		unknown.Looked = true // not to be taken for one that can be sent at once
		looking = append(looking, unknown)
	}
	return sending, looking, nil
}

func (w *Writer) create(ctx context.Context, tasks []NewTask, claimed time.Time, how Creating) ([]outbox.Outcome, error) {
	client, err := w.org.Client(ctx)
	if err != nil || w.outbox.Clock().Since(claimed) > how.Lease { // this process stood still: another run may know of these rows by now
		return outbox.NotSent(tasks), err
	}
	records := make([]map[string]any, len(tasks))
	for n, t := range tasks {
		records[n] = t.Fields
	}
	calling, cancel := outbox.WithStartLimit(budget.For(ctx, how.Purpose), w.outbox.Clock(), how.Lease)
	defer cancel()
	results, err := client.CreateMany(calling, "Task", records)
	if err != nil {
		setup, _ := w.org.Known()
		rules := outbox.Rules{TooMany: w.creates, Refresh: w.org.Refresh, Unanswered: func(c outbox.Claimed, what failure.Failure, records int) outbox.Outcome {
			return how.unanswered(c, records, setup.Scheme, what)
		}}
		return outbox.FailedCall(ctx, err, tasks, rules, func(half []NewTask) ([]outbox.Outcome, error) { return w.create(ctx, half, claimed, how) })
	}
	return w.created(ctx, tasks, results)
}

// unanswered is a Task of which nobody knows whether it was created. With a key field
// it can be sent again without a look: Salesforce refuses the second. One that has been
// alone without an answer is given time.
func (how Creating) unanswered(c outbox.Claimed, records int, scheme org.Scheme, what failure.Failure) outbox.Outcome {
	o := outbox.Unanswered(c, what, records, how.lookWait(0))
	if scheme == org.SchemeKey {
		o.Wait = outbox.Backoff(c.Times(what.Code))
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
func (w *Writer) created(ctx context.Context, tasks []NewTask, results []salesforce.SaveResult) ([]outbox.Outcome, error) {
	setup, _ := w.org.Known()
	outcomes := make([]outbox.Outcome, len(tasks))
	for n, t := range tasks {
		if r := results[n]; r.Success {
			outcomes[n] = outbox.Delivered(t.Claimed, models.NormalSalesforceID(r.ID))
		} else {
			outcomes[n] = refused(t, r, len(tasks), setup)
		}
	}
	learn(w.creates, outcomes)
	return outcomes, w.heal(ctx, tasks, results, outcomes)
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
func refused(t NewTask, r salesforce.SaveResult, records int, setup org.Setup) outbox.Outcome {
	if id, ours := doubleOf(r.Errors, setup.KeyField); ours {
		there := outbox.Delivered(t.Claimed, id)
		there.Looked = id != ""
		return there
	}
	what := failure.OfSalesforceRecord(r.FirstError())
	return outbox.Refused(t.Claimed, what, records, heals(what))
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
