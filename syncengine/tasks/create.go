package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/sftask"
)

// create makes the Tasks of claimed tasks that are not in Salesforce.
func (p Push) create(ctx context.Context, run uuid.UUID, rows []*row, started time.Time) error {
	var outcomes []outbox.Outcome
	var wanted []*row
	var never []uuid.UUID
	for _, r := range rows {
		if r.deleted { // it never came to be there
			outcomes, never = append(outcomes, outbox.Delivered(r.Claimed, "")), append(never, r.id)
		} else {
			wanted = append(wanted, r)
		}
	}
	tasks, sent, err := p.newTasks(ctx, wanted)
	if err == nil {
		err = p.noteSent(ctx, wanted, sent)
	}
	if err != nil {
		return errors.Join(err, p.record(ctx, run, append(outcomes, outbox.NotSent(wanted)...)))
	}
	created, err := p.writer.Create(ctx, run, tasks, started, p.creating())
	for n, o := range created {
		if o.State == models.Delivered && o.RemoteID == "" { // its key is taken by one that is hidden: the two cannot be kept the same
			created[n] = outbox.Parked(outbox.Claimed{ID: o.ID}, outOfSight)
		}
	}
	return errors.Join(p.record(ctx, run, append(outcomes, created...), func(batch *pgx.Batch) {
		p.queueCreated(batch, created, wanted)
		batch.Queue(`UPDATE tasks SET edits = '{}' WHERE id = ANY($1) AND deleted_at IS NOT NULL`, never)
	}), err)
}

// newTasks writes the Tasks as Salesforce gets them, and what it will have then.
func (p Push) newTasks(ctx context.Context, rows []*row) ([]sftask.NewTask, []remote, error) {
	on, err := p.targets(ctx, rows)
	if err != nil {
		return nil, nil, err
	}
	reps := make([]string, len(rows))
	for n, r := range rows {
		reps[n] = r.values[fieldRep]
	}
	m, err := p.mapping(ctx, reps...)
	if err != nil {
		return nil, nil, err
	}
	setup, _ := p.org.Known()
	tasks, sent := make([]sftask.NewTask, len(rows)), make([]remote, len(rows))
	for n, r := range rows {
		values := map[string]any{}
		for _, f := range fields {
			if name, value := m.there(r.state, f); value != nil {
				values[name] = value
			}
		}
		for name, value := range map[string]string{"WhoId": on[n].WhoID, "WhatId": on[n].WhatID} {
			if value != "" {
				values[name] = value
			}
		}
		if kind := r.kind.Name(); setup.HasType(kind) {
			values["Type"] = kind
		}
		sftask.Mark(values, setup, r.id)
		for name := range values {
			if !setup.Creates(name) {
				delete(values, name)
			}
		}
		tasks[n] = sftask.NewTask{Claimed: r.Claimed, Key: r.id, WhoID: on[n].WhoID, RepEmail: r.values[fieldRep], Fields: values}
		sent[n] = asSent(values, setup.UserID)
	}
	return tasks, sent, nil
}

// asSent is what Salesforce has once it took the values; the owner is the connected
// user where none is named.
func asSent(values map[string]any, self string) remote {
	text := func(name string) string { s, _ := values[name].(string); return s }
	r := remote{Subject: text("Subject"), Status: text("Status"), Priority: text("Priority"), Due: text("ActivityDate"),
		Description: text("Description"), OwnerID: text("OwnerId"), WhoID: text("WhoId")}
	r.Closed = r.Status == completed
	if r.OwnerID == "" {
		r.OwnerID = self
	}
	return r
}

// targets decides on what the Tasks hang; a task without a person hangs on nothing.
func (p Push) targets(ctx context.Context, rows []*row) ([]org.Target, error) {
	ids := make([]int64, 0, len(rows))
	for _, r := range rows {
		if r.personID != nil {
			ids = append(ids, *r.personID)
		}
	}
	found, err := p.pool.Query(ctx, `SELECT named.id, p.salesforce_contact_id, p.salesforce_lead_id, p.salesforce_account_id, p.salesforce_opportunity_id
		FROM people named JOIN people p ON p.id = person_now(named.id) WHERE named.id = ANY($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read whom tasks are about: %w", err)
	}
	of := map[int64]org.SalesforceIDs{}
	var id int64
	var theirs org.SalesforceIDs
	_, err = pgx.ForEachRow(found, []any{&id, &theirs.ContactID, &theirs.LeadID, &theirs.AccountID, &theirs.OpportunityID}, func() error {
		of[id] = theirs
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read whom tasks are about: %w", err)
	}
	people := make([]org.SalesforceIDs, len(rows))
	for n, r := range rows {
		if r.personID != nil {
			people[n] = of[*r.personID]
		}
	}
	return p.org.Targets(ctx, people)
}

// noteSent keeps what is about to be sent: it is the base of what comes back.
func (p Push) noteSent(ctx context.Context, rows []*row, sent []remote) error {
	ids, values := make([]uuid.UUID, len(rows)), make([]string, len(rows))
	for n, r := range rows {
		raw, err := json.Marshal(sent[n])
		if err != nil {
			return fmt.Errorf("write what is sent: %w", err)
		}
		ids[n], values[n] = r.id, string(raw)
	}
	_, err := p.pool.Exec(ctx, `UPDATE tasks t SET sent = s.sent FROM unnest($1::uuid[], $2::jsonb[]) AS s (id, sent) WHERE t.id = s.id`, ids, values)
	if err != nil {
		return fmt.Errorf("keep what is sent: %w", err)
	}
	return nil
}

// queueCreated takes what was sent as agreed, with the edits that went with it. One
// that was found there may have been changed since, and is read.
func (p Push) queueCreated(batch *pgx.Batch, outcomes []outbox.Outcome, rows []*row) {
	for _, o := range outcomes {
		if o.State != models.Delivered {
			continue
		}
		at := slices.IndexFunc(rows, func(r *row) bool { return r.ID == o.ID })
		if at < 0 {
			continue
		}
		r := rows[at]
		queueAgreed(batch, r.id, r.edits)
		if o.Looked {
			p.outbox.Requeue(outbox.These(o.ID), outbox.Fresh, "").Queue(batch)
		}
		if slices.Contains(r.former, o.RemoteID) { // a user brought the one before back
			batch.Queue(`UPDATE tasks SET former_ids = array_remove(former_ids, $2) WHERE id = $1`, r.id, o.RemoteID)
		}
	}
}

// queueAgreed makes what was sent the base. Edits are done with unless they were made
// anew since they were read.
func queueAgreed(batch *pgx.Batch, id uuid.UUID, edits map[field]time.Time) {
	raw, err := json.Marshal(edits)
	if err != nil { // texts and times can always be written
		raw = []byte("{}")
	}
	batch.Queue(`
		UPDATE tasks t SET base = coalesce(t.sent, t.base), sent = NULL, agreed_at = shared_clock(),
			edits = coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(t.edits) WHERE value IS DISTINCT FROM ($2::jsonb)->key), '{}')
		WHERE t.id = $1`, id, string(raw))
}

// settle looks for Tasks whose creation had no answer.
func (p Push) settle(ctx context.Context, run uuid.UUID) (int, error) {
	unknown, err := p.outbox.Unknown(ctx, queue, settledAtOnce)
	if err != nil || len(unknown) == 0 {
		return 0, err
	}
	var rows []*row
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) (err error) {
		rows, err = lockUnknown(ctx, tx, unknown)
		return err
	})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	sent, before := make([]sftask.Sent, len(rows)), map[uuid.UUID][]string{}
	for n, r := range rows {
		sent[n], before[r.id] = sftask.Sent{Claimed: r.Claimed, Key: r.id}, r.former
	}
	outcomes, err := p.writer.SettleUnknown(ctx, sent, before, p.creating())
	return len(outcomes), errors.Join(p.record(ctx, run, outcomes, func(batch *pgx.Batch) {
		for _, o := range outcomes {
			if at := slices.IndexFunc(rows, func(r *row) bool { return r.ID == o.ID }); at >= 0 && o.State == models.Delivered {
				p.queueFound(batch, rows[at])
			}
		}
	}), err)
}

// settledAtOnce is how many tasks of unknown outcome are looked for at once.
const settledAtOnce = 100

// queueFound makes what had been sent the base, keeps the edits, and has the Task
// read: who knows what became of it since.
func (p Push) queueFound(batch *pgx.Batch, r *row) {
	batch.Queue(`UPDATE tasks SET base = coalesce(sent, base), sent = NULL, agreed_at = shared_clock() WHERE id = $1`, r.id)
	p.outbox.Requeue(outbox.These(r.ID), outbox.Fresh, "").Queue(batch)
}
