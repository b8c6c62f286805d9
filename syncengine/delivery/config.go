package delivery

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

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
}

func (c Config) withDefaults() Config {
	c.Config = c.Config.WithDefaults()
	c.MarketoSettle = cmp.Or(c.MarketoSettle, 5*time.Minute)
	c.SalesforceSettle = cmp.Or(c.SalesforceSettle, 11*time.Minute)
	c.Calls = cmp.Or(c.Calls, 4)
	return c
}

// record stores outcomes, and lets go what waited for the Tasks of emails that are
// there now, or never will be.
func record(ctx context.Context, pool *pgxpool.Pool, run uuid.UUID, outcomes []outbox.Outcome, beside ...func(*pgx.Batch)) error {
	var settled []int64
	for _, o := range outcomes {
		if o.State == models.Delivered || o.State == models.Skipped {
			settled = append(settled, o.ID)
		}
	}
	return outbox.Record(ctx, pool, run, outcomes, append(beside, func(batch *pgx.Batch) {
		if len(settled) > 0 {
			batch.Queue(releaseOfEmails+` AND task.id = ANY($1)`, settled)
		}
	})...)
}
