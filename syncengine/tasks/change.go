package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// settledAfter is how old the last change of a Task must be, by Salesforce's clock,
// before we change it: in whole seconds, a change of this very second cannot be told
// from one that we have read. A little more, for Salesforce has more than one clock.
const settledAfter = 1200 * time.Millisecond

// plan is what is to be done with a claimed task that is in Salesforce.
type plan struct {
	*row
	changes  map[string]any // of the Task's fields
	after    remote         // what Salesforce has then
	modified time.Time      // when it was changed last, as we read it
}

// change reads claimed tasks' Tasks, merges, and sends what is left: deletions and
// changes. It returns those whose Task is gone and is to be created again.
func (p Push) change(ctx context.Context, run uuid.UUID, claimed []*row) ([]*row, error) {
	if len(claimed) == 0 {
		return nil, nil
	}
	ids := make([]string, len(claimed))
	for n, r := range claimed {
		ids[n] = r.RemoteID
	}
	found, now, err := p.readTasks(budget.For(ctx, budget.Tasks), ids)
	if err != nil {
		return p.failed(ctx, run, claimed, err, func(half []*row) ([]*row, error) { return p.change(ctx, run, half) })
	}
	sorted, err := p.merge(ctx, run, claimed, found, now)
	if err != nil {
		return nil, errors.Join(err, p.record(ctx, run, outbox.NotSent(claimed)))
	}
	if err := p.record(ctx, run, sorted.done); err != nil {
		return nil, err
	}
	err = errors.Join(p.remove(ctx, run, sorted.removed), p.update(ctx, run, sorted.changed))
	if err != nil {
		return nil, errors.Join(err, p.record(ctx, run, outbox.NotSent(sorted.recreated)))
	}
	return sorted.recreated, nil
}

// failed decides what a call that failed as a whole means for tasks whose call can be
// made again without doubt, and makes it again in halves where one may be the reason.
// It returns what these return.
func (p Push) failed(ctx context.Context, run uuid.UUID, rows []*row, err error, send func([]*row) ([]*row, error)) ([]*row, error) {
	var returned []*row
	outcomes, err := outbox.FailedCall(ctx, err, rows, outbox.Rules{Refresh: p.org.Refresh}, func(half []*row) ([]outbox.Outcome, error) {
		more, err := send(half)
		returned = append(returned, more...)
		return nil, err // what became of them is recorded already
	})
	return returned, errors.Join(err, p.record(ctx, run, outcomes))
}

// sorted are claimed tasks by what is to be done.
type sorted struct {
	done      []outbox.Outcome
	removed   []*row
	changed   []plan
	recreated []*row
}

// merge takes over what was read, and finds out what is left to be sent.
func (p Push) merge(ctx context.Context, run uuid.UUID, claimed []*row, found map[string]remote, now time.Time) (sorted, error) {
	m, err := p.mapping(ctx, repsOf(claimed)...)
	if err != nil {
		return sorted{}, err
	}
	deliveries := make([]outbox.Claimed, len(claimed))
	for n, r := range claimed {
		deliveries[n] = r.Claimed
	}
	var s sorted
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		s = sorted{}
		rows, err := lockClaimed(ctx, tx, run, deliveries)
		if err != nil {
			return err
		}
		store := p.saving()
		for _, r := range rows {
			theirs, there := found[r.RemoteID]
			p.sort(&s, store, m, r, theirs, there, now)
		}
		return store.send(ctx, tx)
	})
	return s, err
}

func repsOf(rows []*row) []string {
	reps := make([]string, len(rows))
	for n, r := range rows {
		reps[n] = r.values[fieldRep]
	}
	return reps
}

// sort decides about one task.
func (p Push) sort(s *sorted, store *saved, m mapping, r *row, theirs remote, there bool, now time.Time) {
	gone := r.base != nil && r.base.Deleted
	switch {
	case !there && r.deleted:
		r.base = &remote{Deleted: true}
		store.task(r, nil)
		s.done = append(s.done, outbox.Delivered(r.Claimed, ""))
		return
	case gone && !r.deleted && (!there || theirs.Deleted): // restored here
		r.former, r.RemoteID, r.base = append(r.former, r.RemoteID), "", nil
		store.task(r, nil)
		p.outbox.Link(r.ID, "").Queue(store.batch)
		s.recreated = append(s.recreated, r)
		return
	case !there:
		s.done = append(s.done, outbox.Parked(r.Claimed, outOfSight))
		return
	}
	lines := m.merge(&r.state, theirs)
	values, after, kept := p.left(m, r, theirs)
	store.task(r, append(lines, kept...))
	switch {
	case theirs.Deleted, !r.deleted && len(values) == 0:
		s.done = append(s.done, outbox.Delivered(r.Claimed, ""))
	case r.deleted:
		s.removed = append(s.removed, r)
	case now.Sub(theirs.Modified) < settledAfter:
		s.done = append(s.done, outbox.Unsent(r.Claimed, settledAfter-max(now.Sub(theirs.Modified), 0)))
	default:
		s.changed = append(s.changed, plan{r, values, after, theirs.Modified})
	}
}

// outOfSight is a Task that Salesforce does not show any more.
var outOfSight = failure.Failure{Class: failure.Access, Code: "NOT_FOUND", Retry: failure.Never,
	Text:   "Salesforce does not show this Task to the connected user any more.",
	Remedy: "Give the user access to the Task, then press Retry; or delete the task here."}

// left is what is to be sent of a merged task. A field that the user may not change in
// Salesforce stays as it is there, which the history tells.
func (p Push) left(m mapping, r *row, theirs remote) (map[string]any, remote, []line) {
	setup, _ := p.org.Known()
	values := map[string]any{}
	var kept []line
	for _, f := range fields {
		if _, edited := r.edits[f]; !edited {
			continue
		}
		name, value := m.there(r.state, f)
		if setup.Updates(name) && (f != fieldRep || value != nil) {
			values[name] = value
			continue
		}
		is, _ := m.here(r.state, f, theirs)
		kept = append(kept, line{source: models.FromHere, event: models.TaskLost, field: f, old: is, new: r.values[f]})
		delete(r.edits, f)
	}
	_, renamed := values["Subject"]
	if kind := r.kind.Name(); renamed && r.origin == models.FromHere && setup.HasType(kind) && setup.Updates("Type") {
		values["Type"] = kind // the kind changes with the subject, in which it stands
	}
	if _, handed := values["OwnerId"]; handed && r.origin == models.FromHere && setup.Updates("Description") {
		_, values["Description"] = m.there(r.state, fieldDetails) // names whoever has no user there
	}
	return values, theirs.with(values), kept
}

// with is the Task after it took values.
func (r remote) with(values map[string]any) remote {
	sent := asSent(values, r.OwnerID)
	for name, f := range map[string]field{"Subject": fieldName, "Status": fieldStatus, "Priority": fieldPriority, "ActivityDate": fieldDue,
		"Description": fieldDetails, "OwnerId": fieldRep} {
		if _, given := values[name]; given {
			r.take(f, sent)
		}
	}
	return r
}

// remove deletes the Tasks of tasks that were deleted here. One that is gone already
// is as good.
func (p Push) remove(ctx context.Context, run uuid.UUID, rows []*row) error {
	if len(rows) == 0 {
		return nil
	}
	client, err := p.org.Client(ctx)
	if err != nil {
		return errors.Join(err, p.record(ctx, run, outbox.NotSent(rows)))
	}
	ids := make([]string, len(rows))
	for n, r := range rows {
		ids[n] = r.RemoteID
	}
	results, err := client.DeleteMany(budget.For(ctx, budget.Tasks), ids)
	if err != nil {
		_, err = p.failed(ctx, run, rows, err, func(half []*row) ([]*row, error) { return nil, p.remove(ctx, run, half) })
		return err
	}
	outcomes := make([]outbox.Outcome, len(rows))
	var gone []uuid.UUID
	for n, r := range rows {
		code := results[n].FirstError().Code
		if results[n].Success || code == "ENTITY_IS_DELETED" || code == "NOT_FOUND" || code == "INVALID_CROSS_REFERENCE_KEY" {
			outcomes[n], gone = outbox.Delivered(r.Claimed, ""), append(gone, r.id)
		} else {
			outcomes[n] = outbox.Refused(r.Claimed, failure.OfSalesforceRecord(results[n].FirstError()), len(rows), false)
		}
	}
	return p.record(ctx, run, outcomes, func(batch *pgx.Batch) {
		batch.Queue(`UPDATE tasks SET base = jsonb_set(base, '{deleted}', 'true'), edits = '{}', agreed_at = shared_clock() WHERE id = ANY($1)`, gone)
	})
}

// update changes Tasks, unless another user did so since they were read.
func (p Push) update(ctx context.Context, run uuid.UUID, plans []plan) error {
	for chunk := range slices.Chunk(plans, salesforce.MaxCompositeParts) {
		if err := p.updateSome(ctx, run, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (p Push) updateSome(ctx context.Context, run uuid.UUID, plans []plan) error {
	changes := make([]salesforce.Change, len(plans))
	for n, pl := range plans {
		changes[n] = salesforce.Change{ID: pl.RemoteID, Fields: pl.changes, UnmodifiedSince: pl.modified}
	}
	client, err := p.org.Client(ctx)
	if err != nil {
		return errors.Join(err, p.record(ctx, run, outbox.NotSent(plans)))
	}
	errs, err := client.UpdateEach(budget.For(ctx, budget.Tasks), "Task", changes)
	if err != nil {
		outcomes, err := outbox.FailedCall(ctx, err, plans, outbox.Rules{Refresh: p.org.Refresh}, func(half []plan) ([]outbox.Outcome, error) {
			return nil, p.updateSome(ctx, run, half) // which records what became of them
		})
		return errors.Join(err, p.record(ctx, run, outcomes))
	}
	var stale bool
	outcomes := make([]outbox.Outcome, len(plans))
	for n, pl := range plans {
		if outcomes[n], err = p.updated(ctx, pl, errs[n], len(plans)); err != nil {
			return err
		}
		stale = stale || outcomes[n].Failure.RefreshesSetup()
	}
	if err := p.record(ctx, run, outcomes, func(batch *pgx.Batch) { queueUpdated(batch, plans, outcomes) }); err != nil || !stale {
		return err
	}
	return p.org.Refresh(ctx)
}

// updated decides about one change.
func (p Push) updated(ctx context.Context, pl plan, err error, records int) (outbox.Outcome, error) {
	var refused *salesforce.Error
	if !errors.As(err, &refused) {
		return outbox.Delivered(pl.Claimed, ""), err
	}
	what := failure.Classify(err)
	switch {
	case refused.HTTPStatus == salesforce.StatusModified, refused.Ambiguous():
		return outbox.Outcome{ID: pl.ID, State: models.Pending, Wait: settledAfter / 4}, nil // read again, and merged
	case refused.Code() == "ENTITY_IS_DELETED", refused.Code() == "NOT_FOUND":
		return outbox.Outcome{ID: pl.ID, State: models.Pending}, nil
	case what.Heal == failure.HealDefaultOwner && pl.Times(what.Code) < outbox.HealAttempts:
		return outbox.Later(pl.Claimed, what, time.Second), p.org.DropOwner(ctx, pl.values[fieldRep])
	}
	return outbox.Refused(pl.Claimed, what, records, what.RefreshesSetup()), nil
}

// queueUpdated takes what Salesforce has now as the base, and the edits that went with
// it as done.
func queueUpdated(batch *pgx.Batch, plans []plan, outcomes []outbox.Outcome) {
	for n, pl := range plans {
		if outcomes[n].State != models.Delivered {
			continue
		}
		batch.Queue(`UPDATE tasks SET sent = $2 WHERE id = $1`, pl.id, pl.after)
		queueAgreed(batch, pl.id, pl.edits)
	}
}

// readTasks reads Tasks as they are, deleted ones too, and how late it was there at the
// least; zero where nobody can know.
func (s *Sync) readTasks(ctx context.Context, ids []string) (map[string]remote, time.Time, error) {
	client, err := s.org.Client(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	found := make(map[string]remote, len(ids))
	var since time.Time
	for chunk := range slices.Chunk(ids, idsPerQuery) {
		page, err := client.QueryAllOnce(ctx, `SELECT `+s.columns()+` FROM Task WHERE Id IN (`+org.Quoted(chunk)+`)`)
		if err != nil {
			return nil, since, fmt.Errorf("read %d Tasks: %w", len(chunk), err)
		}
		if since.IsZero() {
			since = page.Asked
		}
		for _, r := range page.Records {
			found[r.ID()] = fromRecord(r).remote
		}
	}
	return found, since, nil
}

// idsPerQuery keeps a query's address within the limit (Salesforce REST: status codes, 414).
const idsPerQuery = 400
