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
	outbox.Claimed
	person org.SalesforceIDs
	record string // the lead or contact
}

// Round sends what is due.
func (p Push) Round(ctx context.Context, run uuid.UUID) (int, error) {
	if err := p.setAside(ctx); err != nil {
		return 0, err
	}
	due, err := p.claim(ctx, run)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	outcomes, err := p.send(ctx, due)
	return len(due), errors.Join(err, p.outbox.Record(ctx, run, outcomes, func(batch *pgx.Batch) { batch.Queue(tell) }))
}

// setAside ends what was undone here while nobody knew whether it had gone, and has the
// opt-outs of people without a record in Salesforce wait, where admins see them.
func (p Push) setAside(ctx context.Context) error {
	const due = `d.destination = 'salesforce' AND d.operation = 'opt_out' AND d.hold IS NULL AND d.due_at <= @now AND EXISTS (
		SELECT FROM unsubscribes u LEFT JOIN people p ON p.id = u.person_id WHERE u.id = d.unsubscribe_id AND `
	for _, s := range []outbox.Statement{
		p.outbox.Skip(outbox.Which{Where: `d.state = 'pending' AND ` + due + `u.cleared_at IS NOT NULL)`}, models.SkippedCleared),
		p.outbox.Hold(outbox.Which{Where: due + `u.person_id IS NULL)`}, models.HoldPerson),
		p.outbox.Hold(outbox.Which{Where: due + `u.person_id IS NOT NULL AND NOT ` + hasRecord + `)`}, models.HoldRecord),
	} {
		if _, err := s.Exec(ctx, p.pool); err != nil {
			return fmt.Errorf("set opt-outs aside that cannot be sent: %w", err)
		}
	}
	return nil
}

// claim takes due opt-outs, with their people.
func (p Push) claim(ctx context.Context, run uuid.UUID) ([]optOut, error) {
	claimed, err := p.outbox.Claim(ctx, run, queue, salesforce.MaxCollection, outbox.Narrow{})
	if err != nil || len(claimed) == 0 {
		return nil, err
	}
	of, ids := make(map[int64]outbox.Claimed, len(claimed)), make([]int64, len(claimed))
	for n, c := range claimed {
		of[c.Unsubscribe], ids[n] = c, c.Unsubscribe
	}
	rows, err := p.pool.Query(ctx, `SELECT u.id, p.salesforce_contact_id, p.salesforce_lead_id, p.salesforce_account_id, p.salesforce_opportunity_id
		FROM unsubscribes u LEFT JOIN people p ON p.id = person_now(u.person_id) WHERE u.id = ANY($1) ORDER BY u.id`, ids)
	if err == nil {
		var due []optOut
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (optOut, error) {
			var o optOut
			var id int64
			err := row.Scan(&id, &o.person.ContactID, &o.person.LeadID, &o.person.AccountID, &o.person.OpportunityID)
			o.Claimed = of[id]
			return o, err
		})
		if err == nil {
			return due, nil
		}
	}
	return nil, fmt.Errorf("read whose opt-outs were claimed: %w", err)
}

// send opts leads out, and contacts. An error besides the outcomes means that nothing
// more can be sent now.
func (p Push) send(ctx context.Context, due []optOut) ([]outbox.Outcome, error) {
	if err := p.org.Prepare(ctx); err != nil { // another field may have been chosen since the run began
		return outbox.NotSent(due), err
	}
	people := make([]org.SalesforceIDs, len(due))
	for n, o := range due {
		people[n] = o.person
	}
	targets, err := p.org.Targets(ctx, people)
	if err != nil {
		return outbox.NotSent(due), err
	}
	unsubscribing, _, err := models.LoadUnsubscribing(ctx, p.db)
	if err != nil {
		return outbox.NotSent(due), err
	}
	of, twins := map[string][]optOut{}, map[string][]int64{}
	var outcomes []outbox.Outcome
	for n, o := range due {
		o.record = targets[n].WhoID
		twins[o.record] = append(twins[o.record], o.ID)
		switch {
		case o.record == "": // it had one a moment ago: the next round sets it aside
			outcomes = append(outcomes, outbox.Unsent(o.Claimed, 0))
		case len(twins[o.record]) > 1: // several people have it, and a call may name it once
		case strings.HasPrefix(o.record, "00Q"):
			of["Lead"] = append(of["Lead"], o)
		default:
			of["Contact"] = append(of["Contact"], o)
		}
	}
	for _, object := range []string{"Lead", "Contact"} {
		if err != nil {
			outcomes = append(outcomes, outbox.NotSent(of[object])...)
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
	setup, _ := p.org.Known()
	if !setup.OptOuts[field].On(object).Write {
		return outbox.ForAll(due, func(c outbox.Claimed) outbox.Outcome {
			return outbox.Parked(c, noField(strings.ToLower(object)+"s", field))
		}), nil
	}
	client, err := p.org.Client(ctx)
	if err != nil {
		return outbox.NotSent(due), err
	}
	records := make([]map[string]any, len(due))
	for n, o := range due {
		records[n] = map[string]any{"id": o.record, field: true}
	}
	results, err := client.With(options).UpdateMany(budget.For(ctx, budget.OptOuts), object, records)
	if err != nil {
		return outbox.FailedCall(ctx, err, due, outbox.Rules{Refresh: p.org.Refresh}, func(half []optOut) ([]outbox.Outcome, error) {
			return p.optOut(ctx, object, field, half, options)
		})
	}
	return p.results(ctx, object, field, due, options, results)
}

// noField says that objects lack the field.
func noField(objects, field string) failure.Failure {
	return failure.Failure{Class: failure.Access, Code: failure.NoOptOutField, Retry: failure.Never,
		Text:   fmt.Sprintf("Salesforce's %s have no checkbox %s that the connected user may edit.", objects, field),
		Remedy: "Give the user edit access to the field in Salesforce, or choose the other field in Settings → Unsubscribes; press Test in Settings → Salesforce, then Retry."}
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
			outcomes = append(outcomes, outbox.Delivered(o.Claimed, o.record))
			continue
		}
		what := failure.OfSalesforceRecord(results[n].FirstError())
		if what.Heal == failure.HealAllowSave && !options.AllowDuplicates {
			again = append(again, o)
			continue
		}
		if what.Heal == failure.HealFollowRecord {
			follow = append(follow, o.record)
		}
		stale = stale || what.RefreshesSetup()
		outcomes = append(outcomes, outbox.Refused(o.Claimed, what, len(due), what.Heal == failure.HealFollowRecord || what.RefreshesSetup()))
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
		return outcomes, p.org.Refresh(ctx)
	}
	return outcomes, nil
}
