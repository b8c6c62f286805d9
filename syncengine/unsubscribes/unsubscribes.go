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
	"salesactions/syncengine/whom"
)

// Config says how unsubscribes are kept; zero values mean the defaults.
type Config struct {
	// CheckTime is how long the answer to "may I email this person?" waits for Marketo;
	// default 2.5 s.
	CheckTime time.Duration
	// LinkLife is how long an unsubscribe link is good; default 400 days, since mail is
	// read late.
	LinkLife time.Duration
	Now      func() time.Time // default time.Now
}

// Keeper keeps the unsubscribes. It is safe for concurrent use.
type Keeper struct {
	pool    *pgxpool.Pool
	db      *gorm.DB
	box     *crypt.Box
	org     *org.Org
	marketo func(context.Context) (*marketo.Client, error)
	cfg     Config
}

// New returns a keeper. box seals links; client gives Marketo's client.
func New(pool *pgxpool.Pool, db *gorm.DB, box *crypt.Box, o *org.Org, client func(context.Context) (*marketo.Client, error), cfg Config) *Keeper {
	cfg.CheckTime = cmp.Or(cfg.CheckTime, 2500*time.Millisecond)
	cfg.LinkLife = cmp.Or(cfg.LinkLife, 400*24*time.Hour)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Keeper{pool: pool, db: db, box: box, org: o, marketo: client, cfg: cfg}
}

// Word is somebody's word that a person wants no sales email.
type Word struct {
	Whom    whom.Ref
	Source  models.UnsubscribeSource
	Reason  string
	Actor   string // empty: the person
	Address string // of the network
}

// Add records an unsubscribe, of everybody who has the address where only that is
// given: whoever reads there said no. Somebody who is not here yet is remembered, and
// found once they arrive. Whoever had unsubscribed already has the id of the first, and
// created is false. Of several the id is that of one. Errors: *whom.InvalidError.
func (k *Keeper) Add(ctx context.Context, w Word) (id int64, created bool, err error) {
	if err := w.Whom.Check(); err != nil {
		return 0, false, err
	}
	found, err := whom.LookUp(ctx, k.pool, []whom.Ref{w.Whom})
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
			added, fresh, err := models.AddUnsubscribe(ctx, tx, models.NewUnsubscribe{PersonID: person, MarketoID: w.Whom.MarketoID,
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
const tell = `SELECT pg_notify('salesactions_live', 'unsubscribes')`

// Clear undoes an unsubscribe here; Salesforce is not told, since it is cleared there by
// hand too. What is not on its way there yet stays here. Errors: models.ErrNotFound.
func (k *Keeper) Clear(ctx context.Context, id int64, actor string) error {
	tag, err := k.pool.Exec(ctx, `
		WITH cleared AS (UPDATE unsubscribes SET cleared_at = clock_timestamp(), cleared_by = $2 WHERE id = $1 AND cleared_at IS NULL RETURNING id),
			told AS (SELECT pg_notify('salesactions_live', 'unsubscribes')),
			stopped AS (UPDATE deliveries d SET state = 'skipped', hold = NULL, reason = 'cleared', updated_at = clock_timestamp()
				FROM cleared WHERE d.unsubscribe_id = cleared.id AND d.state IN ('pending', 'failed'))
		SELECT FROM cleared, told`, id, actor)
	if err != nil {
		return fmt.Errorf("clear an unsubscribe: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return models.ErrNotFound
	}
	return nil
}

// Resolve gives unsubscribes their people who have arrived, follows people who were
// merged, and lets pushes go that waited for either or for a record in Salesforce. It
// returns how many can be pushed now.
func (k *Keeper) Resolve(ctx context.Context) (int64, error) {
	var released int64
	err := pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		for _, statement := range []string{findPeople, followMerges, dropDoubles, releaseHeld} {
			tag, err := tx.Exec(ctx, statement)
			if err != nil {
				return err
			}
			released = tag.RowsAffected()
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("resolve waiting unsubscribes: %w", err)
	}
	return released, nil
}

// findPeople gives waiting unsubscribes their people by the rules of package whom: ids
// decide, an address only where there is no id. An address that several people share
// stays with all of them: the check before a send knows it by the address. Whoever had
// said so already, under another name, need not say it twice.
const findPeople = `
	WITH found AS MATERIALIZED (
		SELECT u.id, p.id AS person, o.id AS first, row_number() OVER (PARTITION BY p.id, u.source = 'salesforce' ORDER BY u.id) AS nth
		FROM unsubscribes u JOIN LATERAL (
			SELECT x.id FROM people x WHERE x.id = u.person_marketo_id
			UNION ALL SELECT min(x.id) FROM people x WHERE u.person_marketo_id IS NULL AND (x.salesforce_contact_id IN (u.person_salesforce_id, left(u.person_salesforce_id, 15))
				OR x.salesforce_lead_id IN (u.person_salesforce_id, left(u.person_salesforce_id, 15))) HAVING count(*) = 1
			UNION ALL SELECT min(x.id) FROM people x WHERE u.person_marketo_id IS NULL AND u.person_salesforce_id IS NULL
				AND x.archived_at IS NULL AND x.email_key = u.person_email_key HAVING count(*) = 1) p ON p.id IS NOT NULL
		LEFT JOIN unsubscribes o ON o.person_id = p.id AND o.cleared_at IS NULL AND (o.source = 'salesforce') = (u.source = 'salesforce')
		WHERE u.person_id IS NULL AND u.cleared_at IS NULL
	), ended AS (
		UPDATE deliveries d SET state = 'skipped', hold = NULL, reason = 'cleared', updated_at = clock_timestamp()
		FROM found WHERE found.first IS NOT NULL AND d.unsubscribe_id = found.id AND d.state IN ('pending', 'failed')
	), said AS (
		UPDATE unsubscribes u SET cleared_at = clock_timestamp(), cleared_by = 'system', reason = 'Said before'
		FROM found WHERE found.first IS NOT NULL AND u.id = found.id
	)
	UPDATE unsubscribes u SET person_id = found.person FROM found WHERE found.first IS NULL AND found.nth = 1 AND u.id = found.id`

// followMerges moves the word of somebody who was merged away to whom they became, and
// has it pushed to their record too.
const followMerges = `
	WITH moved AS (
		SELECT DISTINCT ON (p.merged_into, u.source = 'salesforce') u.id, p.merged_into AS person FROM unsubscribes u JOIN people p ON p.id = u.person_id
		JOIN people w ON w.id = p.merged_into WHERE u.cleared_at IS NULL AND p.merged_into IS NOT NULL
			AND NOT EXISTS (SELECT FROM unsubscribes o WHERE o.person_id = p.merged_into AND o.cleared_at IS NULL AND (o.source = 'salesforce') = (u.source = 'salesforce'))
		ORDER BY p.merged_into, u.source = 'salesforce', u.id
	), pushed AS (
		UPDATE deliveries d SET state = 'pending', attempts = 0, due_at = clock_timestamp(), updated_at = clock_timestamp()
		FROM moved WHERE d.unsubscribe_id = moved.id AND d.state IN ('delivered', 'failed'))
	UPDATE unsubscribes u SET person_id = moved.person FROM moved WHERE u.id = moved.id`

// dropDoubles ends what waits for somebody who was merged into one who had said so.
const dropDoubles = `
	WITH doubles AS (
		SELECT u.id FROM deliveries d JOIN unsubscribes u ON u.id = d.unsubscribe_id AND u.cleared_at IS NULL JOIN people p ON p.id = u.person_id
		JOIN unsubscribes o ON o.person_id = p.merged_into AND o.cleared_at IS NULL AND o.source <> 'salesforce'
		WHERE d.state = 'pending' AND d.hold IS NOT NULL
	), ended AS (
		UPDATE deliveries d SET state = 'skipped', hold = NULL, reason = 'cleared', updated_at = clock_timestamp() FROM doubles WHERE d.unsubscribe_id = doubles.id)
	UPDATE unsubscribes u SET cleared_at = clock_timestamp(), cleared_by = 'system', reason = 'Said before' FROM doubles WHERE u.id = doubles.id`

const releaseHeld = `
	UPDATE deliveries d SET hold = CASE WHEN coalesce(p.salesforce_contact_id, '') = '' AND coalesce(p.salesforce_lead_id, '') = '' THEN 'record' END,
		due_at = clock_timestamp(), updated_at = clock_timestamp()
	FROM unsubscribes u JOIN people p ON p.id = u.person_id
	WHERE d.unsubscribe_id = u.id AND u.cleared_at IS NULL AND (d.hold = 'person'
		OR d.hold = 'record' AND (coalesce(p.salesforce_contact_id, '') <> '' OR coalesce(p.salesforce_lead_id, '') <> ''))`
