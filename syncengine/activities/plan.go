package activities

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/outbox"
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

// entries are the deliveries of an activity, as the outbox takes them.
func (p Plan) entries(e entry) []outbox.Entry {
	var entries []outbox.Entry
	for _, to := range p.of(e) {
		entries = append(entries, outbox.Entry{Activity: e.id, To: to.destination, Operation: to.operation, Kind: e.Kind,
			OccurredAt: e.OccurredAt, Hold: to.hold, Skip: to.reason})
	}
	return entries
}

// queueDeliveries writes the deliveries of new activities, ties engagement and emails
// together in whichever order they came, and releases what need not wait.
func queueDeliveries(batch *pgx.Batch, o *outbox.Outbox, tokenID int64, fresh []entry, plan Plan) {
	var entries []outbox.Entry
	all := make([]uuid.UUID, len(fresh))
	for n, e := range fresh {
		all[n] = e.id
		entries = append(entries, plan.entries(e)...)
	}
	o.Enqueue(entries...).Queue(batch)
	batch.Queue(tieToEmails+` AND a.id = ANY($1) AND e.token_id = $2`, all, tokenID)
	batch.Queue(tieToEmails+` AND e.id = ANY($1) AND e.token_id = $2`, all, tokenID)
	queue(batch, releasesOfEmails(o, `a.email_id IN (SELECT x.email_id FROM activities x WHERE x.id = ANY(@fresh::uuid[]) AND x.email_id IS NOT NULL)`,
		pgx.NamedArgs{"fresh": all}))
	batch.Queue(models.Tell(models.TopicActivity))
}

// tieToEmails ties engagement to its email.
const tieToEmails = `
	UPDATE activities a SET email_id = e.id FROM activities e
	WHERE a.email_id IS NULL AND a.email_key IS NOT NULL AND e.token_id = a.token_id AND e.key = a.email_key AND e.kind = 'email_sent'`
