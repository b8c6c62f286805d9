package org

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

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
}

func (t NewTask) unsent() outbox.Outcome { return outbox.Unsent(t.DeliveryID, 0) }

// Creating says how Tasks are created.
type Creating struct {
	Purpose string        // as the calls are counted
	Settle  time.Duration // how long a Task of unknown outcome must stay absent
	Lease   time.Duration // of the run: rows claimed longer ago may be another's by now
}

// HealAttempts is how often a record is tried that was mended by itself.
const HealAttempts = 4

// Create creates Tasks in one call, each once, and says what became of each. How they
// can be found again is stored before they are sent. An error besides the outcomes
// means that nothing more can be sent now.
func (o *Org) Create(ctx context.Context, run uuid.UUID, tasks []NewTask, claimed time.Time, how Creating) ([]outbox.Outcome, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	if err := o.noteSent(ctx, run, tasks); err != nil {
		return nil, err
	}
	return o.create(ctx, tasks, claimed, how)
}

func (o *Org) noteSent(ctx context.Context, run uuid.UUID, tasks []NewTask) error {
	setup, _ := o.Now()
	ids, whos := make([]int64, len(tasks)), make([]string, len(tasks))
	for n, t := range tasks {
		ids[n], whos[n] = t.DeliveryID, t.WhoID
	}
	_, err := o.pool.Exec(ctx, `UPDATE deliveries d SET scheme = $3, who_id = nullif(t.who, '') FROM unnest($1::bigint[], $2::text[]) AS t (id, who)
		WHERE d.id = t.id AND d.sender = $4`, ids, whos, setup.Scheme, run)
	if err != nil {
		return fmt.Errorf("note how Tasks can be found again: %w", err)
	}
	return nil
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
	results, err := client.CreateMany(budget.For(ctx, how.Purpose), "Task", records)
	if err != nil {
		return o.failedCreate(ctx, tasks, claimed, how, err)
	}
	return o.created(ctx, tasks, results)
}

// failedCreate decides what a call that failed as a whole means for its Tasks.
func (o *Org) failedCreate(ctx context.Context, tasks []NewTask, claimed time.Time, how Creating, err error) ([]outbox.Outcome, error) {
	what := failure.Classify(err)
	var call *salesforce.Error
	setup, _ := o.Now()
	switch {
	case errors.As(err, &call) && call.Ambiguous():
		return outbox.ForAll(tasks, func(t NewTask) outbox.Outcome { return how.doubtful(t, setup.Scheme) }), nil
	case ctx.Err() != nil:
		return outbox.ForAll(tasks, NewTask.unsent), nil
	case outbox.Halts(what):
		return outbox.ForAll(tasks, NewTask.unsent), err
	case what.Retry == failure.Soon:
		return outbox.ForAll(tasks, func(t NewTask) outbox.Outcome { return outbox.Again(t.DeliveryID, t.Attempts, what) }), nil
	case what.RefreshesSetup() && tasks[0].Attempts < HealAttempts:
		// A field that is gone or hidden fails the whole call.
		return outbox.ForAll(tasks, func(t NewTask) outbox.Outcome { return outbox.Later(t.DeliveryID, what, time.Second) }),
			o.LookAnew(budget.For(ctx, "setup"))
	case len(tasks) == 1:
		return []outbox.Outcome{outbox.Parked(tasks[0].DeliveryID, what)}, nil
	}
	return outbox.Halve(tasks, NewTask.unsent, func(half []NewTask) ([]outbox.Outcome, error) { return o.create(ctx, half, claimed, how) })
}

// doubtful is a Task of which nobody knows whether it was created. With a key field
// it can be sent again at once: Salesforce refuses the second.
func (how Creating) doubtful(t NewTask, scheme Scheme) outbox.Outcome {
	if scheme == SchemeKey {
		return outbox.Outcome{ID: t.DeliveryID, State: models.Pending, Wait: outbox.Backoff(t.Attempts)}
	}
	return outbox.Unknown(t.DeliveryID, how.lookWait(0))
}

// created decides what became of each Task of a call that Salesforce carried out.
func (o *Org) created(ctx context.Context, tasks []NewTask, results []salesforce.SaveResult) ([]outbox.Outcome, error) {
	setup, _ := o.Now()
	outcomes := make([]outbox.Outcome, len(tasks))
	var follow, stale bool
	for n, t := range tasks {
		r := results[n]
		if r.Success {
			outcomes[n] = outbox.Delivered(t.DeliveryID, models.NormalSalesforceID(r.ID))
			continue
		}
		outcomes[n] = refused(t, r, setup)
		switch outcomes[n].Failure.Heal {
		case failure.HealFollowRecord:
			follow = true
		case failure.HealDropField, failure.HealOmitValue, failure.HealTruncate:
			stale = true
		case failure.HealDefaultOwner:
			if err := o.DropOwner(ctx, t.RepEmail); err != nil {
				return outcomes[:n+1], err
			}
		}
	}
	if follow {
		if err := o.followRecords(ctx, tasks, outcomes); err != nil {
			return outcomes, err
		}
	}
	if stale {
		return outcomes, o.LookAnew(budget.For(ctx, "setup"))
	}
	return outcomes, nil
}

// refused decides about one Task that was not created.
func refused(t NewTask, r salesforce.SaveResult, setup Setup) outbox.Outcome {
	if id, ours := doubleOf(r.Errors, setup.KeyField); ours {
		if id == "" {
			return outbox.Unknown(t.DeliveryID, 0) // it is there: looked up by its key
		}
		there := outbox.Delivered(t.DeliveryID, id)
		there.Looked = true
		return there
	}
	what := failure.OfSalesforceRecord(r.FirstError())
	if heals(what) && t.Attempts < HealAttempts {
		return outbox.Later(t.DeliveryID, what, 0)
	}
	return outbox.Again(t.DeliveryID, t.Attempts, what)
}

// heals says that created mends the record before it is sent again.
func heals(what failure.Failure) bool {
	switch what.Heal {
	case failure.HealFollowRecord, failure.HealDropField, failure.HealOmitValue, failure.HealTruncate, failure.HealDefaultOwner:
		return true
	}
	return false
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

// followRecords asks what became of leads and contacts that take no Task any more;
// where nothing became of them, the delivery is parked.
func (o *Org) followRecords(ctx context.Context, tasks []NewTask, outcomes []outbox.Outcome) error {
	var ids []string
	for n, t := range tasks {
		if outcomes[n].Failure.Heal == failure.HealFollowRecord && t.WhoID != "" {
			ids = append(ids, t.WhoID)
		}
	}
	followed, err := o.AskRecords(ctx, ids)
	if err != nil {
		return err
	}
	for n, t := range tasks {
		if outcomes[n].Failure.Heal == failure.HealFollowRecord && !followed[t.WhoID] {
			outcomes[n] = outbox.Parked(t.DeliveryID, outcomes[n].Failure)
		}
	}
	return nil
}
