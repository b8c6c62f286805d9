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
	pace  *outbox.Pace
	gauge *outbox.Gauge
}

// change is the update of one email's Task with the deliveries that it covers.
type change struct {
	email      uuid.UUID
	taskID     string
	parent     string
	deliveries []int64
	code       string // of the error before
	errors     int    // attempts in a row that ended so
	doubts     int    // attempts in a row without an answer
	happened   engagement
}

// times is how many attempts in a row have ended with a code, the one of now included.
func (c *change) times(code string) int {
	if c.code == code {
		return c.errors + 1
	}
	return 1
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
	outcomes, err := u.sendAll(ctx, changes)
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
			RETURNING d.id, coalesce(d.error_code, '') AS code, d.error_times, d.doubts, due.email_id
		)
		SELECT c.email_id, coalesce(task.remote_id, ''), coalesce(p.salesforce_account_id, task.who_id, ''), array_agg(c.id),
			(array_agg(c.code ORDER BY c.error_times DESC))[1], max(c.error_times), max(c.doubts)
		FROM claimed c JOIN activities e ON e.id = c.email_id LEFT JOIN people p ON p.id = e.person_id
		LEFT JOIN deliveries task ON task.activity_id = c.email_id AND task.destination = 'salesforce' AND task.operation = 'create'
		GROUP BY 1, 2, 3`, salesforce.MaxCollection, run)
	if err != nil {
		return nil, fmt.Errorf("claim changes of Tasks: %w", err)
	}
	changes, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*change, error) {
		c := &change{}
		return c, row.Scan(&c.email, &c.taskID, &c.parent, &c.deliveries, &c.code, &c.errors, &c.doubts)
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

// unsentChange puts a change back as if it had not been claimed.
func unsentChange(_ *change, id int64) outbox.Outcome { return outbox.Unsent(id, 0) }

// sendAll makes the changes: in one call, unless the org bears fewer at once or some of
// them have had no answer before. One that the connected user cannot see is left alone.
// An error besides the outcomes means that nothing more can be sent now.
func (u *salesforceUpdates) sendAll(ctx context.Context, changes []*change) ([]outbox.Outcome, error) {
	setup, _ := u.now()
	if !setup.engagementFields() {
		return each(changes, func(_ *change, id int64) outbox.Outcome { return outbox.Skipped(id, models.SkippedNoFields) }), nil
	}
	var outcomes []outbox.Outcome
	var seen []*change
	for _, c := range changes {
		if c.taskID == "" {
			outcomes = append(outcomes, each([]*change{c}, func(_ *change, id int64) outbox.Outcome { return outbox.Skipped(id, models.SkippedTaskUnseen) })...)
		} else {
			seen = append(seen, c)
		}
	}
	for calls := outbox.Apart(seen, u.gauge.Size(), func(c *change) int { return c.doubts }); len(calls) > 0; calls = calls[1:] {
		done, err := u.send(ctx, calls[0])
		outcomes = append(outcomes, done...)
		if err != nil {
			return append(outcomes, each(slices.Concat(calls[1:]...), unsentChange)...), err
		}
	}
	return outcomes, nil
}

// send makes one call.
func (u *salesforceUpdates) send(ctx context.Context, changes []*change) ([]outbox.Outcome, error) {
	setup, _ := u.now()
	updates := make([]map[string]any, len(changes))
	for n, c := range changes {
		updates[n] = setup.update(c.taskID, c.happened)
	}
	client, _, _, err := u.org.Client(ctx)
	if err != nil {
		return each(changes, unsentChange), err
	}
	calling, cancel := outbox.Promptly(budget.For(ctx, budget.Activities), u.cfg.Lease)
	defer cancel()
	results, err := client.UpdateMany(calling, "Task", updates)
	if err != nil {
		return u.failedCall(ctx, changes, err)
	}
	first := make([]outbox.Outcome, len(changes)) // of each change's deliveries
	var outcomes []outbox.Outcome
	for n, c := range changes {
		first[n] = u.result(c, results[n], len(changes))
		outcomes = append(outcomes, each([]*change{c}, func(_ *change, id int64) outbox.Outcome { o := first[n]; o.ID = id; return o })...)
	}
	return outcomes, u.org.Learn(ctx, u.gauge, results, first)
}

func (u *salesforceUpdates) result(c *change, r salesforce.SaveResult, records int) outbox.Outcome {
	if r.Success {
		return outbox.Delivered(0, c.taskID)
	}
	first := r.FirstError()
	what := failure.OfSalesforceRecord(first)
	times := c.times(what.Code)
	switch {
	case first.Code == "ENTITY_IS_DELETED" || first.Code == "NOT_FOUND":
		return outbox.Skipped(0, models.SkippedTaskDeleted)
	case what.Heal == failure.HealSmallerBatch && what.Retry == failure.Never && records > 1:
		return outbox.Later(0, what, 0)
	case what.RefreshesSetup() && times < org.HealAttempts:
		return outbox.Later(0, what, 0)
	}
	return outbox.Again(0, times, what)
}

// failedCall decides what a call that failed as a whole means for its changes.
func (u *salesforceUpdates) failedCall(ctx context.Context, changes []*change, err error) ([]outbox.Outcome, error) {
	what := outbox.Meaning(err)
	times := changes[0].times(what.Code)
	if what.Heal == failure.HealSmallerBatch {
		u.gauge.Shrink(len(changes), 4, 1)
	}
	var call *salesforce.Error
	switch {
	case errors.As(err, &call) && call.Ambiguous():
		return each(changes, func(c *change, id int64) outbox.Outcome { return unanswered(c, id, len(changes), what) }), nil
	case errors.Is(err, outbox.ErrNotAdmitted):
		return each(changes, func(_ *change, id int64) outbox.Outcome { return outbox.Unsent(id, outbox.TurnPause) }), nil
	case ctx.Err() != nil:
		return each(changes, unsentChange), nil
	case outbox.Halts(what):
		return each(changes, unsentChange), err
	case what.Retry == failure.Soon && (what.Tries == 0 || times < what.Tries):
		return each(changes, func(c *change, id int64) outbox.Outcome { return outbox.Again(id, c.times(what.Code), what) }), nil
	case what.RefreshesSetup() && times < org.HealAttempts:
		return each(changes, func(_ *change, id int64) outbox.Outcome { return outbox.Later(id, what, time.Second) }), u.org.LookAnew(budget.For(ctx, budget.Setup))
	case !org.Splits(err):
		return each(changes, unsentChange), err
	case len(changes) == 1:
		return each(changes, func(_ *change, id int64) outbox.Outcome { return outbox.Parked(id, what) }), nil
	}
	half := len(changes) / 2
	first, err := u.send(ctx, changes[:half])
	if err != nil {
		return append(first, each(changes[half:], unsentChange)...), err
	}
	second, err := u.send(ctx, changes[half:])
	return append(first, second...), err
}

// unanswered is a change of which nobody knows whether it was made: it is made again,
// unless it was alone in so many calls without an answer that it is itself the reason.
func unanswered(c *change, id int64, records int, what failure.Failure) outbox.Outcome {
	if records == 1 && what.Tries > 0 && c.times(what.Code) >= what.Tries+outbox.AloneAfter {
		return outbox.Parked(id, what)
	}
	o := outbox.Unanswered(id, what, 0, max(outbox.Backoff(c.times(what.Code)), what.After))
	o.State = models.Pending
	return o
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
