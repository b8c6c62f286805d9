package unsubscribes

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// Push is the lane that opts leads and contacts out in Salesforce. Saying so twice is
// as good as once, so that an answer that was lost needs no proof.
type Push struct{ *Keeper }

// optOut is a claimed delivery.
type optOut struct {
	id       int64
	attempts int
	person   org.Whom
	record   string // the lead or contact
}

func (o optOut) unsent() outbox.Outcome { return outbox.Unsent(o.id, 0) }

// Round sends what is due.
func (p Push) Round(ctx context.Context, run uuid.UUID) (int, error) {
	_, err := p.pool.Exec(ctx, `UPDATE deliveries SET state = 'pending', sender = NULL, updated_at = clock_timestamp()
		WHERE destination = 'salesforce' AND operation = 'opt_out' AND state = 'sending' AND sender IS DISTINCT FROM $1`, run)
	if err != nil {
		return 0, fmt.Errorf("take opt-outs of unknown outcome back: %w", err)
	}
	if _, err := p.pool.Exec(ctx, setAside); err != nil {
		return 0, fmt.Errorf("set aside who cannot be opted out: %w", err)
	}
	due, err := p.take(ctx, run)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	outcomes, err := p.send(ctx, due)
	return len(due), errors.Join(err, outbox.Record(ctx, p.pool, run, outcomes, func(batch *pgx.Batch) { batch.Queue(tell) }))
}

// setAside ends what was undone here while nobody knew whether it had gone, and lets
// wait, where people see it, who has no record in Salesforce any more.
const setAside = `
	UPDATE deliveries d SET state = CASE WHEN u.cleared_at IS NULL THEN 'pending' ELSE 'skipped' END, reason = CASE WHEN u.cleared_at IS NOT NULL THEN 'cleared' END,
		hold = CASE WHEN u.cleared_at IS NOT NULL THEN NULL WHEN u.person_id IS NULL THEN 'person' ELSE 'record' END, updated_at = clock_timestamp()
	FROM unsubscribes u LEFT JOIN people p ON p.id = u.person_id
	WHERE d.destination = 'salesforce' AND d.operation = 'opt_out' AND d.state = 'pending' AND d.hold IS NULL AND d.due_at <= clock_timestamp() AND u.id = d.unsubscribe_id
		AND (u.cleared_at IS NOT NULL OR coalesce(p.salesforce_contact_id, '') = '' AND coalesce(p.salesforce_lead_id, '') = '')`

// take claims due deliveries. The claim is committed on return.
func (p Push) take(ctx context.Context, run uuid.UUID) ([]optOut, error) {
	rows, err := p.pool.Query(ctx, `
		WITH due AS (
			SELECT id FROM deliveries WHERE destination = 'salesforce' AND operation = 'opt_out' AND state = 'pending' AND hold IS NULL
				AND due_at <= clock_timestamp() ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
		), d AS (
			UPDATE deliveries SET state = 'sending', sender = $2, sent_at = clock_timestamp(), attempts = attempts + 1, updated_at = clock_timestamp()
			FROM due WHERE deliveries.id = due.id RETURNING deliveries.id, deliveries.attempts, deliveries.unsubscribe_id
		)
		SELECT d.id, d.attempts, p.salesforce_contact_id, p.salesforce_lead_id, p.salesforce_account_id, p.salesforce_opportunity_id
		FROM d JOIN unsubscribes u ON u.id = d.unsubscribe_id LEFT JOIN people p ON p.id = u.person_id`, salesforce.MaxCollection, run)
	if err == nil {
		var due []optOut
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (optOut, error) {
			var o optOut
			return o, row.Scan(&o.id, &o.attempts, &o.person.ContactID, &o.person.LeadID, &o.person.AccountID, &o.person.OpportunityID)
		})
		if err == nil {
			return due, nil
		}
	}
	return nil, fmt.Errorf("claim opt-outs: %w", err)
}

// send opts leads out, and contacts. An error besides the outcomes means that nothing
// more can be sent now.
func (p Push) send(ctx context.Context, due []optOut) ([]outbox.Outcome, error) {
	if err := p.org.Prepare(ctx); err != nil { // another field may have been chosen since the run began
		return outbox.ForAll(due, optOut.unsent), err
	}
	people := make([]org.Whom, len(due))
	for n, o := range due {
		people[n] = o.person
	}
	targets, err := p.org.Targets(ctx, people)
	if err != nil {
		return outbox.ForAll(due, optOut.unsent), err
	}
	unsubscribing, _, err := models.LoadUnsubscribing(ctx, p.db)
	if err != nil {
		return outbox.ForAll(due, optOut.unsent), err
	}
	of, twins := map[string][]optOut{}, map[string][]int64{}
	var outcomes []outbox.Outcome
	for n, o := range due {
		o.record = targets[n].WhoID
		twins[o.record] = append(twins[o.record], o.id)
		switch {
		case o.record == "": // it had one a moment ago: the next round sets it aside
			outcomes = append(outcomes, o.unsent())
		case len(twins[o.record]) > 1: // several people have it, and a call may name it once
		case strings.HasPrefix(o.record, "00Q"):
			of["Lead"] = append(of["Lead"], o)
		default:
			of["Contact"] = append(of["Contact"], o)
		}
	}
	for _, object := range []string{"Lead", "Contact"} {
		if err != nil {
			outcomes = append(outcomes, outbox.ForAll(of[object], optOut.unsent)...)
			continue
		}
		var sent []outbox.Outcome
		sent, err = p.optOut(ctx, object, unsubscribing.OptOutField, of[object], salesforce.WriteOptions{KeepOwner: true})
		outcomes = append(outcomes, sent...)
	}
	return withTwins(outcomes, twins), err
}

// withTwins gives everybody who has a record the outcome of the one who was sent for it.
func withTwins(outcomes []outbox.Outcome, twins map[string][]int64) []outbox.Outcome {
	others := map[int64][]int64{}
	for record, ids := range twins {
		if record != "" {
			others[ids[0]] = ids[1:]
		}
	}
	for _, o := range outcomes {
		for _, id := range others[o.ID] {
			o.ID = id
			outcomes = append(outcomes, o)
		}
	}
	return outcomes
}

// optOut makes one call for records of an object.
func (p Push) optOut(ctx context.Context, object, field string, due []optOut, options salesforce.WriteOptions) ([]outbox.Outcome, error) {
	if len(due) == 0 {
		return nil, nil
	}
	setup, _ := p.org.Now()
	if !setup.OptOuts[field].On(object).Write {
		return outbox.ForAll(due, func(o optOut) outbox.Outcome { return outbox.Parked(o.id, noField(strings.ToLower(object)+"s", field)) }), nil
	}
	client, _, _, err := p.org.Client(ctx)
	if err != nil {
		return outbox.ForAll(due, optOut.unsent), err
	}
	records := make([]map[string]any, len(due))
	for n, o := range due {
		records[n] = map[string]any{"id": o.record, field: true}
	}
	results, err := client.With(options).UpdateMany(budget.For(ctx, budget.OptOuts), object, records)
	if err != nil {
		return p.failedCall(ctx, object, field, due, options, err)
	}
	return p.results(ctx, object, field, due, options, results)
}

// noField says that objects lack the field.
func noField(objects, field string) failure.Failure {
	return failure.Failure{Class: failure.Access, Code: failure.NoOptOutField, Retry: failure.Never,
		Text:   fmt.Sprintf("Salesforce's %s have no checkbox %s that the connected user may edit.", objects, field),
		Remedy: "Give the user edit access to the field in Salesforce, or choose the other field in Settings → Unsubscribes; press Test in Settings → Salesforce, then Retry."}
}

// failedCall decides what a call that failed as a whole means for its records.
func (p Push) failedCall(ctx context.Context, object, field string, due []optOut, options salesforce.WriteOptions, err error) ([]outbox.Outcome, error) {
	what := failure.Classify(err)
	var call *salesforce.Error
	switch ambiguous := errors.As(err, &call) && call.Ambiguous(); {
	case ctx.Err() != nil:
		return outbox.ForAll(due, optOut.unsent), nil
	case ambiguous || what.Retry == failure.Soon && !outbox.Halts(what):
		return outbox.ForAll(due, func(o optOut) outbox.Outcome {
			return outbox.Later(o.id, what, max(outbox.Backoff(o.attempts), what.After))
		}), nil
	case what.RefreshesSetup() && due[0].attempts < org.HealAttempts:
		return outbox.ForAll(due, func(o optOut) outbox.Outcome { return outbox.Later(o.id, what, 0) }), p.org.LookAnew(budget.For(ctx, budget.Setup))
	case call == nil || call.HTTPStatus != 400: // no other record would fare better
		return outbox.ForAll(due, optOut.unsent), err
	case len(due) == 1:
		return []outbox.Outcome{outbox.Parked(due[0].id, what)}, nil
	}
	return outbox.Halve(due, optOut.unsent, func(half []optOut) ([]outbox.Outcome, error) { return p.optOut(ctx, object, field, half, options) })
}

// results decides about each record. Those that only a duplicate rule keeps from being
// saved are saved in spite of it; those that became another record follow it.
func (p Push) results(ctx context.Context, object, field string, due []optOut, options salesforce.WriteOptions, results []salesforce.SaveResult) ([]outbox.Outcome, error) {
	var outcomes []outbox.Outcome
	var again []optOut
	var follow []string
	stale := false
	for n, o := range due {
		if results[n].Success {
			outcomes = append(outcomes, outbox.Delivered(o.id, o.record))
			continue
		}
		what := failure.OfSalesforceRecord(results[n].FirstError())
		switch {
		case what.Heal == failure.HealAllowSave && !options.AllowDuplicates:
			again = append(again, o)
			continue
		case what.Heal == failure.HealFollowRecord && o.attempts < org.HealAttempts:
			follow = append(follow, o.record)
			outcomes = append(outcomes, outbox.Later(o.id, what, 0))
			continue
		}
		stale = stale || what.RefreshesSetup()
		outcomes = append(outcomes, outbox.Again(o.id, o.attempts, what))
	}
	if len(again) > 0 {
		options.AllowDuplicates = true
		saved, err := p.optOut(ctx, object, field, again, options)
		if outcomes = append(outcomes, saved...); err != nil {
			return outcomes, err
		}
	}
	if _, err := p.org.AskRecords(ctx, follow); err != nil {
		return outcomes, err
	}
	if stale {
		return outcomes, p.org.LookAnew(budget.For(ctx, budget.Setup))
	}
	return outcomes, nil
}
