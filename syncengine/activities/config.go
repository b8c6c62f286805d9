package activities

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

// Config says how deliveries are made; zero values mean the defaults.
type Config struct {
	outbox.Config
	// MarketoSettle is the time between the two read-backs that must both miss an
	// activity before it is sent again; default 5 min, since Marketo's log shows rows
	// up to minutes late (Marketo REST: activities).
	MarketoSettle time.Duration
	// SalesforceSettle is how long a Task of unknown outcome must stay absent before it
	// is sent again, where no key field guards it; default 11 min, since a request may
	// run for 10 (Salesforce REST: limits, timeout of a call).
	SalesforceSettle time.Duration
	Calls            int // calls in flight to each destination; default 4
	// Reread queues people for the people sync to read at once: Marketo does not find them.
	Reread func(batch *pgx.Batch, people []int64)
}

func (c Config) withDefaults() Config {
	c.Config = c.Config.WithDefaults()
	c.MarketoSettle = cmp.Or(c.MarketoSettle, 5*time.Minute)
	c.SalesforceSettle = cmp.Or(c.SalesforceSettle, 11*time.Minute)
	c.Calls = cmp.Or(c.Calls, 4)
	return c
}

// record stores outcomes, and releases what waited for the Tasks of emails that are
// there now, or never will be.
func record(ctx context.Context, o *outbox.Outbox, run uuid.UUID, outcomes []outbox.Outcome, beside ...func(*pgx.Batch)) error {
	var settled []int64
	for _, outcome := range outcomes {
		if outcome.State == models.Delivered || outcome.State == models.Skipped {
			settled = append(settled, outcome.ID)
		}
	}
	return o.Record(ctx, run, outcomes, append(beside, func(batch *pgx.Batch) {
		if len(settled) > 0 {
			queue(batch, releasesOfEmails(o, `task.id = ANY(@tasks::bigint[])`, pgx.NamedArgs{"tasks": settled}))
		}
	})...)
}

func queue(batch *pgx.Batch, statements []outbox.Statement) {
	for _, s := range statements {
		s.Queue(batch)
	}
}

// releasesOfEmails release changes whose email has its Task now, and skip those whose
// email will never have one. only narrows the waiting deliveries "d", their activities
// "a" and the deliveries "task" of the emails.
func releasesOfEmails(o *outbox.Outbox, only string, args pgx.NamedArgs) []outbox.Statement {
	waiting := func(state models.DeliveryState) outbox.Which {
		return outbox.Which{Args: args, Where: `d.hold = 'email' AND d.id IN (
			SELECT d.id FROM deliveries d JOIN activities a ON a.id = d.activity_id
			JOIN deliveries task ON task.activity_id = a.email_id AND task.destination = 'salesforce' AND task.operation = 'create'
			WHERE d.hold = 'email' AND task.state = '` + string(state) + `' AND ` + only + `)`}
	}
	return []outbox.Statement{o.Release(waiting(models.Delivered)), o.Skip(waiting(models.Skipped), models.SkippedEmail)}
}
