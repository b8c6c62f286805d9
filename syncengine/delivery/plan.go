package delivery

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
)

// Plan decides which deliveries an activity gets.
type Plan struct {
	Logging models.Logging
}

// planned is a delivery to be written.
type planned struct {
	destination models.Destination
	operation   models.Operation
	hold        models.Hold       // empty: none
	reason      models.SkipReason // empty: not skipped
}

// of returns the deliveries of an activity. All go to Marketo; what goes to
// Salesforce is as the admin chose, for what occurs after the choice.
func (p Plan) of(e entry) []planned {
	hold := models.Hold("")
	if e.personID == 0 {
		hold = models.HoldPerson
	}
	list := []planned{{destination: models.ToMarketo, operation: models.Create, hold: hold}}
	create := func(reason models.SkipReason) planned {
		task := planned{destination: models.ToSalesforce, operation: models.Create, hold: hold, reason: reason}
		if reason != "" {
			task.hold = ""
		}
		return task
	}
	update := planned{destination: models.ToSalesforce, operation: models.Update, hold: models.HoldEmail}
	if e.EmailKey == "" {
		update.hold, update.reason = "", models.SkippedNoEmail
	}
	switch e.Kind {
	case models.EmailSent:
		return append(list, create(p.reason(p.Logging.Emails, e)))
	case models.CallReceived:
		return append(list, create(p.reason(p.Logging.Calls, e)))
	case models.EmailReplied:
		if p.Logging.Emails.On && p.reason(p.Logging.Replies, e) == "" {
			list = append(list, create(""))
		}
		if len(list) == 1 || e.EmailKey != "" {
			list = append(list, update)
		}
		return list
	case models.EmailOpened, models.EmailClicked, models.EmailBounced:
		return append(list, update)
	default:
		return append(list, create(models.SkippedKind))
	}
}

// reason says why a kind is not logged, or nothing.
func (p Plan) reason(s models.Switch, e entry) models.SkipReason {
	switch {
	case !s.On:
		return models.SkippedOff
	case !s.Covers(e.OccurredAt):
		return models.SkippedBefore
	}
	return ""
}

// insertDeliveries writes the deliveries of new activities, ties engagement and
// emails together in whichever order they came, and lets go what need not wait.
func insertDeliveries(ctx context.Context, tx pgx.Tx, tokenID int64, fresh []entry, plan Plan) error {
	var (
		ids                                             []uuid.UUID
		destinations, operations, states, holds, reason []string
		all                                             []uuid.UUID
	)
	for _, e := range fresh {
		all = append(all, e.id)
		for _, p := range plan.of(e) {
			state := models.Pending
			if p.reason != "" {
				state = models.Skipped
			}
			ids, destinations, operations = append(ids, e.id), append(destinations, string(p.destination)), append(operations, string(p.operation))
			states, holds, reason = append(states, string(state)), append(holds, string(p.hold)), append(reason, string(p.reason))
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO deliveries (activity_id, kind, destination, operation, occurred_at, state, hold, reason)
		SELECT t.id, a.kind, destination, operation, a.occurred_at, state, nullif(hold, ''), nullif(reason, '')
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t (id, destination, operation, state, hold, reason)
		JOIN activities a ON a.id = t.id`, ids, destinations, operations, states, holds, reason)
	batch.Queue(tieToEmails+` AND a.id = ANY($1) AND e.token_id = $2`, all, tokenID)
	batch.Queue(tieToEmails+` AND e.id = ANY($1) AND e.token_id = $2`, all, tokenID)
	batch.Queue(releaseOfEmails+` AND a.email_id IN (SELECT x.email_id FROM activities x WHERE x.id = ANY($1) AND x.email_id IS NOT NULL)`, all)
	batch.Queue(`SELECT pg_notify('salesactions_live', 'activity')`)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write the deliveries: %w", err)
	}
	return nil
}

// tieToEmails ties engagement to its email.
const tieToEmails = `
	UPDATE activities a SET email_id = e.id FROM activities e
	WHERE a.email_id IS NULL AND a.email_key IS NOT NULL AND e.token_id = a.token_id AND e.key = a.email_key AND e.kind = 'email_sent'`

// releaseOfEmails lets updates go whose email has its Task now, and ends those whose
// email will never have one.
const releaseOfEmails = `
	UPDATE deliveries d SET hold = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp(),
		state = CASE WHEN task.state = 'skipped' THEN 'skipped' ELSE d.state END,
		reason = CASE WHEN task.state = 'skipped' THEN 'email_not_logged' END
	FROM activities a JOIN deliveries task ON task.activity_id = a.email_id AND task.destination = 'salesforce' AND task.operation = 'create'
	WHERE d.activity_id = a.id AND d.hold = 'email' AND task.state IN ('delivered', 'skipped')`
