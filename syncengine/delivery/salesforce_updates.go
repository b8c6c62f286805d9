package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// salesforceUpdates brings what happened to emails to their Tasks: all that is known
// of an email in one change, one call at a time, sorted by parent, because changes of
// Tasks lock their parents (Salesforce: Task, record locks).
type salesforceUpdates struct {
	*toSalesforce
	pace *outbox.Pace
}

// change is the update of one email's Task with the deliveries that it covers.
type change struct {
	email      uuid.UUID
	taskID     string
	parent     string
	deliveries []int64
	attempts   int
	happened   engagement
}

// Round changes what is due.
func (u *salesforceUpdates) Round(ctx context.Context, run uuid.UUID) (int, error) {
	if err := u.takeBack(ctx, run); err != nil {
		return 0, err
	}
	n, err := u.pace.Ready(ctx, time.Now())
	if err != nil || n == 0 {
		return 0, err
	}
	changes, err := u.take(ctx, run)
	if err != nil || len(changes) == 0 {
		return 0, err
	}
	outcomes, err := u.send(ctx, changes)
	return len(changes), errors.Join(record(ctx, u.pool, run, outcomes), err)
}

// takeBack lets changes of unknown outcome be made again: they say what is, and not
// what to add, so twice is as good as once.
func (u *salesforceUpdates) takeBack(ctx context.Context, run uuid.UUID) error {
	_, err := u.pool.Exec(ctx, `UPDATE deliveries SET state = 'pending', sender = NULL, updated_at = clock_timestamp()
		WHERE destination = 'salesforce' AND operation = 'update' AND state = 'sending' AND sender IS DISTINCT FROM $1`, run)
	if err != nil {
		return fmt.Errorf("take changes of unknown outcome back: %w", err)
	}
	return nil
}

// take claims all due deliveries of as many emails as one call takes, and reads all
// that happened to those emails.
func (u *salesforceUpdates) take(ctx context.Context, run uuid.UUID) ([]*change, error) {
	rows, err := u.pool.Query(ctx, `
		WITH due AS (
			SELECT d.id, a.email_id FROM deliveries d JOIN activities a ON a.id = d.activity_id
			WHERE d.destination = 'salesforce' AND d.operation = 'update' AND d.state = 'pending' AND d.hold IS NULL
				AND d.due_at <= clock_timestamp() AND a.email_id IS NOT NULL
			ORDER BY d.due_at, d.id LIMIT 2000
		), emails AS (
			SELECT email_id FROM due GROUP BY email_id ORDER BY min(id) LIMIT $1
		), claimed AS (
			UPDATE deliveries d SET state = 'sending', sender = $2, sent_at = clock_timestamp(), attempts = d.attempts + 1, updated_at = clock_timestamp()
			FROM due JOIN emails USING (email_id) WHERE d.id = due.id AND d.state = 'pending'
			RETURNING d.id, d.attempts, due.email_id
		)
		SELECT c.email_id, coalesce(task.remote_id, ''), coalesce(p.salesforce_account_id, task.who_id, ''), array_agg(c.id), max(c.attempts)
		FROM claimed c JOIN activities e ON e.id = c.email_id LEFT JOIN people p ON p.id = e.person_id
		LEFT JOIN deliveries task ON task.activity_id = c.email_id AND task.destination = 'salesforce' AND task.operation = 'create'
		GROUP BY 1, 2, 3`, salesforce.MaxCollection, run)
	if err != nil {
		return nil, fmt.Errorf("claim changes of Tasks: %w", err)
	}
	changes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*change, error) {
		c := &change{}
		return c, row.Scan(&c.email, &c.taskID, &c.parent, &c.deliveries, &c.attempts)
	})
	if err != nil {
		return nil, fmt.Errorf("claim changes of Tasks: %w", err)
	}
	slices.SortFunc(changes, func(a, b *change) int { return strings.Compare(a.parent+a.taskID, b.parent+b.taskID) })
	return changes, u.readEngagement(ctx, changes)
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

// send makes the call. An error besides the outcomes means that nothing more can be
// sent now.
func (u *salesforceUpdates) send(ctx context.Context, changes []*change) ([]outbox.Outcome, error) {
	setup, _ := u.now()
	if !setup.engagementFields() {
		return each(changes, func(_ *change, id int64) outbox.Outcome { return outbox.Skipped(id, models.SkippedNoFields) }), nil
	}
	updates := make([]map[string]any, len(changes))
	for n, c := range changes {
		updates[n] = setup.update(c.taskID, c.happened)
	}
	client, _, _, err := u.org.Client(ctx)
	if err != nil {
		return each(changes, func(_ *change, id int64) outbox.Outcome { return outbox.Unsent(id, 0) }), err
	}
	results, err := client.UpdateMany(budget.For(ctx, "activities"), "Task", updates)
	if err != nil {
		return u.failedCall(ctx, changes, err)
	}
	var (
		outcomes []outbox.Outcome
		stale    bool
	)
	for n, c := range changes {
		o := u.result(c, results[n])
		stale = stale || o.Failure.RefreshesSetup()
		outcomes = append(outcomes, each([]*change{c}, func(_ *change, id int64) outbox.Outcome { o.ID = id; return o })...)
	}
	if stale {
		return outcomes, u.org.LookAnew(budget.For(ctx, "setup"))
	}
	return outcomes, nil
}

func (u *salesforceUpdates) result(c *change, r salesforce.SaveResult) outbox.Outcome {
	if r.Success {
		return outbox.Delivered(0, c.taskID)
	}
	first := r.FirstError()
	what := failure.OfSalesforceRecord(first)
	switch {
	case first.Code == "ENTITY_IS_DELETED" || first.Code == "NOT_FOUND":
		return outbox.Skipped(0, models.SkippedTaskDeleted)
	case what.RefreshesSetup() && c.attempts < org.HealAttempts:
		return outbox.Later(0, what, 0)
	}
	return outbox.Again(0, c.attempts, what)
}

// failedCall decides what a call that failed as a whole means for its changes.
func (u *salesforceUpdates) failedCall(ctx context.Context, changes []*change, err error) ([]outbox.Outcome, error) {
	what := failure.Classify(err)
	all := func(o func(c *change, id int64) outbox.Outcome) []outbox.Outcome { return each(changes, o) }
	var call *salesforce.Error
	ambiguous := errors.As(err, &call) && call.Ambiguous()
	switch {
	case ctx.Err() != nil:
		return all(func(_ *change, id int64) outbox.Outcome { return outbox.Unsent(id, 0) }), nil
	case !ambiguous && outbox.Halts(what):
		return all(func(_ *change, id int64) outbox.Outcome { return outbox.Unsent(id, 0) }), err
	case ambiguous || what.Retry == failure.Soon:
		return all(func(c *change, id int64) outbox.Outcome {
			return outbox.Later(id, what, max(outbox.Backoff(c.attempts), what.After))
		}), nil
	case what.RefreshesSetup() && changes[0].attempts < org.HealAttempts:
		return all(func(_ *change, id int64) outbox.Outcome { return outbox.Later(id, what, time.Second) }), u.org.LookAnew(budget.For(ctx, "setup"))
	case len(changes) == 1:
		return all(func(_ *change, id int64) outbox.Outcome { return outbox.Parked(id, what) }), nil
	}
	half := len(changes) / 2
	first, err := u.send(ctx, changes[:half])
	if err != nil {
		return append(first, each(changes[half:], func(_ *change, id int64) outbox.Outcome { return outbox.Unsent(id, 0) })...), err
	}
	second, err := u.send(ctx, changes[half:])
	return append(first, second...), err
}

// each makes an outcome for every delivery that changes cover.
func each(changes []*change, what func(c *change, id int64) outbox.Outcome) []outbox.Outcome {
	var outcomes []outbox.Outcome
	for _, c := range changes {
		for _, id := range c.deliveries {
			outcomes = append(outcomes, what(c, id))
		}
	}
	return outcomes
}
