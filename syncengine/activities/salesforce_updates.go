package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
	"salesactions/syncengine/who"
)

// salesforceUpdates brings what happened to emails to their Tasks: all that is known
// of an email in one change, one call at a time, sorted by parent, because changes of
// Tasks lock their parents (Salesforce: Task, record locks).
type salesforceUpdates struct {
	*toSalesforce
	pace  *outbox.Pace
	gauge *outbox.Gauge
}

// change is the update of one email's Task with the deliveries that it covers.
type change struct {
	email    uuid.UUID
	taskID   string
	parent   string
	covers   []outbox.Claimed
	happened engagement
}

// Deliveries implements outbox.Row.
func (c *change) Deliveries() []outbox.Claimed { return c.covers }

// Round changes what is due.
func (u *salesforceUpdates) Round(ctx context.Context, run uuid.UUID) (int, error) {
	n, err := u.pace.Ready(ctx)
	if err != nil || n == 0 {
		return 0, err
	}
	changes, err := u.take(ctx, run)
	if err != nil || len(changes) == 0 {
		return 0, err
	}
	outcomes, err := u.sendAll(ctx, changes)
	return len(changes), errors.Join(record(ctx, u.outbox, run, outcomes), err)
}

// dueChanges is how many due deliveries are looked at for emails whose Task is changed.
const dueChanges = 2000

// take claims all due deliveries of as many emails as one call takes, and reads all
// that happened to those emails.
func (u *salesforceUpdates) take(ctx context.Context, run uuid.UUID) ([]*change, error) {
	claimed, err := u.outbox.Claim(ctx, run, salesforceChanges, dueChanges, outbox.Narrow{
		Joins: `JOIN activities a ON a.id = d.activity_id`,
		Where: `a.email_id IN (SELECT email_id FROM (
			SELECT x.id, y.email_id FROM deliveries x JOIN activities y ON y.id = x.activity_id
			WHERE x.destination = @to AND x.operation = @operation AND x.state = 'pending' AND x.hold IS NULL AND x.due_at <= @now
			ORDER BY x.due_at, x.id LIMIT @limit) due WHERE email_id IS NOT NULL GROUP BY email_id ORDER BY min(id) LIMIT @emails)`,
		Args: pgx.NamedArgs{"emails": salesforce.MaxCollection},
	})
	if err != nil || len(claimed) == 0 {
		return nil, err
	}
	changes, err := u.group(ctx, claimed)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(changes, func(a, b *change) int { return strings.Compare(a.parent+a.taskID, b.parent+b.taskID) })
	return changes, u.readEngagement(ctx, changes)
}

// group puts the deliveries of one email together, with the email's Task and what it
// hangs on, which a change locks.
func (u *salesforceUpdates) group(ctx context.Context, claimed []outbox.Claimed) ([]*change, error) {
	of, ids := make(map[uuid.UUID]outbox.Claimed, len(claimed)), make([]uuid.UUID, len(claimed))
	for n, c := range claimed {
		of[c.Activity], ids[n] = c, c.Activity
	}
	rows, err := u.pool.Query(ctx, `
		SELECT a.id, a.email_id, coalesce(task.remote_id, ''), coalesce(p.salesforce_account_id, task.who_id, '')
		FROM activities a JOIN activities e ON e.id = a.email_id
			LEFT JOIN people named ON named.id = e.person_id LEFT JOIN people p ON p.id = `+who.NowOfNamed+`
		LEFT JOIN deliveries task ON task.activity_id = a.email_id AND task.destination = 'salesforce' AND task.operation = 'create'
		WHERE a.id = ANY($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read whose Tasks are changed: %w", err)
	}
	byEmail := map[uuid.UUID]*change{}
	var activity uuid.UUID
	var c change
	_, err = pgx.ForEachRow(rows, []any{&activity, &c.email, &c.taskID, &c.parent}, func() error {
		if byEmail[c.email] == nil {
			byEmail[c.email] = &change{email: c.email, taskID: c.taskID, parent: c.parent}
		}
		byEmail[c.email].covers = append(byEmail[c.email].covers, of[activity])
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read whose Tasks are changed: %w", err)
	}
	return slices.Collect(maps.Values(byEmail)), nil
}

func (u *salesforceUpdates) readEngagement(ctx context.Context, changes []*change) error {
	of := make(map[uuid.UUID]*change, len(changes))
	ids := make([]uuid.UUID, len(changes))
	for n, c := range changes {
		of[c.email], ids[n] = c, c.email
	}
	rows, err := u.pool.Query(ctx, `
		SELECT email_id, bool_or(kind = 'email_opened'), bool_or(kind = 'email_clicked'), bool_or(kind = 'email_replied'),
			bool_or(kind = 'email_bounced'), bool_or(coalesce((attributes->>'attachment_viewed')::boolean, false))
		FROM activities WHERE email_id = ANY($1) GROUP BY email_id`, ids)
	if err != nil {
		return fmt.Errorf("read what happened to emails: %w", err)
	}
	var (
		email uuid.UUID
		e     engagement
	)
	_, err = pgx.ForEachRow(rows, []any{&email, &e.Opened, &e.Clicked, &e.Replied, &e.Bounced, &e.Viewed}, func() error {
		of[email].happened = e
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what happened to emails: %w", err)
	}
	return nil
}

// sendAll makes the changes: in one call, unless the org bears fewer at once or some of
// them have had no answer before. One that the connected user cannot see is left alone.
// An error besides the outcomes means that nothing more can be sent now.
func (u *salesforceUpdates) sendAll(ctx context.Context, changes []*change) ([]outbox.Outcome, error) {
	setup, _ := u.now()
	if !setup.engagementFields() {
		return outbox.ForAll(changes, func(c outbox.Claimed) outbox.Outcome { return outbox.Skipped(c, models.SkippedNoFields) }), nil
	}
	var unseen, seen []*change
	for _, c := range changes {
		if c.taskID == "" {
			unseen = append(unseen, c)
		} else {
			seen = append(seen, c)
		}
	}
	outcomes := outbox.ForAll(unseen, func(c outbox.Claimed) outbox.Outcome { return outbox.Skipped(c, models.SkippedTaskUnseen) })
	sent, err := outbox.Each(outbox.SplitByDoubt(seen, u.gauge.Size()), func(call []*change) ([]outbox.Outcome, error) { return u.send(ctx, call) })
	return append(outcomes, sent...), err
}

// send makes one call.
func (u *salesforceUpdates) send(ctx context.Context, changes []*change) ([]outbox.Outcome, error) {
	setup, _ := u.now()
	updates := make([]map[string]any, len(changes))
	for n, c := range changes {
		updates[n] = setup.update(c.taskID, c.happened)
	}
	client, err := u.org.Client(ctx)
	if err != nil {
		return outbox.NotSent(changes), err
	}
	calling, cancel := outbox.WithStartLimit(budget.For(ctx, budget.Activities), u.outbox.Clock(), u.cfg.Lease)
	defer cancel()
	results, err := client.UpdateMany(calling, "Task", updates)
	if err != nil {
		rules := outbox.Rules{TooMany: u.gauge, Refresh: u.org.Refresh}
		return outbox.FailedCall(ctx, err, changes, rules, func(half []*change) ([]outbox.Outcome, error) { return u.send(ctx, half) })
	}
	first := make([]outbox.Outcome, len(changes)) // of each change's deliveries
	var outcomes []outbox.Outcome
	for n, c := range changes {
		of := outbox.ForAll([]*change{c}, func(d outbox.Claimed) outbox.Outcome { return u.result(d, c.taskID, results[n], len(changes)) })
		first[n], outcomes = of[0], append(outcomes, of...)
	}
	return outcomes, u.writer.Learn(ctx, u.gauge, results, first)
}

func (u *salesforceUpdates) result(c outbox.Claimed, taskID string, r salesforce.SaveResult, records int) outbox.Outcome {
	if r.Success {
		return outbox.Delivered(c, taskID)
	}
	first := r.FirstError()
	if first.Code == "ENTITY_IS_DELETED" || first.Code == "NOT_FOUND" {
		return outbox.Skipped(c, models.SkippedTaskDeleted)
	}
	what := failure.OfSalesforceRecord(first)
	return outbox.Refused(c, what, records, what.RefreshesSetup())
}
