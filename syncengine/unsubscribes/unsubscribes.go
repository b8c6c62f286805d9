package unsubscribes

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"

	"salesactions/crypt"
	"salesactions/models"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/who"
)

// Config says how unsubscribes are kept; zero values mean the defaults.
type Config struct {
	// CheckTime is how long the answer to "may I email this person?" waits for Marketo;
	// default 2.5 s.
	CheckTime time.Duration
	// LinkLife is how long an unsubscribe link is good; default 400 days, since mail is
	// read late.
	LinkLife time.Duration
}

// Keeper keeps the unsubscribes. It is safe for concurrent use.
type Keeper struct {
	pool    *pgxpool.Pool
	db      *gorm.DB
	box     *crypt.Box
	outbox  *outbox.Outbox
	org     *org.Org
	marketo func(context.Context) (*marketo.Client, error)
	cfg     Config
}

// New returns a keeper. box seals links; client gives Marketo's client.
func New(pool *pgxpool.Pool, db *gorm.DB, box *crypt.Box, o *outbox.Outbox, to *org.Org, client func(context.Context) (*marketo.Client, error), cfg Config) *Keeper {
	cfg.CheckTime = cmp.Or(cfg.CheckTime, 2500*time.Millisecond)
	cfg.LinkLife = cmp.Or(cfg.LinkLife, 400*24*time.Hour)
	return &Keeper{pool: pool, db: db, box: box, outbox: o, org: to, marketo: client, cfg: cfg}
}

func (k *Keeper) now() time.Time { return k.outbox.Clock().Now() }

// Word is somebody's word that a person wants no sales email.
type Word struct {
	Whom    who.Ref
	Source  models.UnsubscribeSource
	Reason  string
	Actor   string // empty: the person
	Address string // of the network
}

// Add records an unsubscribe, of everybody who has the address where only that is
// given: whoever reads there said no. Somebody who is not here yet is remembered, and
// found once they arrive. Whoever had unsubscribed already has the id of the first, and
// created is false. Of several the id is that of one. Errors: *who.InvalidError.
func (k *Keeper) Add(ctx context.Context, w Word) (id int64, created bool, err error) {
	if err := w.Whom.Check(); err != nil {
		return 0, false, err
	}
	found, err := who.LookUp(ctx, k.pool, []who.Ref{w.Whom})
	if err != nil {
		return 0, false, err
	}
	people, err := found.Everybody(w.Whom)
	if err != nil {
		return 0, false, err
	}
	if len(people) == 0 {
		people = []int64{0} // nobody yet
	}
	err = pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		created = false
		for _, person := range people {
			added, fresh, err := k.Record(ctx, tx, NewUnsubscribe{PersonID: person, MarketoID: w.Whom.MarketoID,
				SalesforceID: w.Whom.SalesforceID, Email: w.Whom.Email, Source: w.Source, Reason: w.Reason, Actor: w.Actor, Address: w.Address})
			if err != nil {
				return err
			}
			if id == 0 || fresh && !created {
				id = added
			}
			created = created || fresh
		}
		_, err = tx.Exec(ctx, tell)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("unsubscribe somebody: %w", err)
	}
	return id, created, nil
}

// tell lets pages look again.
var tell = models.Tell(models.TopicUnsubscribes)

// Clear undoes an unsubscribe here; Salesforce is not told, since it is cleared there by
// hand too. What is not on its way there yet stays here. Errors: models.ErrNotFound.
func (k *Keeper) Clear(ctx context.Context, id int64, actor string) error {
	err := pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE unsubscribes SET cleared_at = $3, cleared_by = $2 WHERE id = $1 AND cleared_at IS NULL`, id, actor, k.now())
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return models.ErrNotFound
		}
		if _, err := k.outbox.Skip(of(id), models.SkippedCleared).Exec(ctx, tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, tell)
		return err
	})
	if err != nil {
		return fmt.Errorf("clear an unsubscribe: %w", err)
	}
	return nil
}

// of names the deliveries of unsubscribes.
func of(unsubscribes ...int64) outbox.Which {
	return outbox.Which{Where: `d.unsubscribe_id = ANY(@unsubscribes::bigint[])`, Args: pgx.NamedArgs{"unsubscribes": unsubscribes}}
}

// PushAgain queues every unsubscribe again, for instance for another opt-out field.
func (k *Keeper) PushAgain() outbox.Statement {
	return k.outbox.Requeue(outbox.Which{Where: `d.state IN ('failed', 'delivered') AND EXISTS (
		SELECT FROM unsubscribes u WHERE u.id = d.unsubscribe_id AND u.cleared_at IS NULL)`}, outbox.Fresh, "")
}
