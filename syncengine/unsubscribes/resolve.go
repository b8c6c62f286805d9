package unsubscribes

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

// Resolve gives unsubscribes their people who have arrived, follows people who were
// merged, and releases opt-outs that waited for either or for a record in Salesforce. It
// returns how many can be sent now.
func (k *Keeper) Resolve(ctx context.Context) (int64, error) {
	var released int64
	err := models.Sweep(ctx, k.pool, "waiting unsubscribes", func(tx pgx.Tx) error {
		said, err := k.collect(ctx, tx, findPeople)
		if err != nil {
			return err
		}
		moved, err := k.collect(ctx, tx, followMerges)
		if err != nil {
			return err
		}
		doubles, err := k.collect(ctx, tx, dropDoubles)
		if err != nil {
			return err
		}
		pushed := of(moved...)
		pushed.Where += ` AND d.state IN ('delivered', 'failed')`
		batch := &pgx.Batch{}
		k.outbox.Skip(of(append(said, doubles...)...), models.SkippedCleared).Queue(batch)
		k.outbox.Requeue(pushed, outbox.Fresh, "").Queue(batch)
		k.outbox.Hold(outbox.Which{Where: `d.hold = 'person' AND ` + whoseRecord(`NOT `+hasRecord)}, models.HoldRecord).Queue(batch)
		k.outbox.Release(outbox.Which{Where: `d.hold IN ('person', 'record') AND ` + whoseRecord(hasRecord)}).Queue(batch).Exec(
			func(tag pgconn.CommandTag) error { released = tag.RowsAffected(); return nil })
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("resolve waiting unsubscribes: %w", err)
	}
	return released, nil
}

// collect runs a statement that changes unsubscribes at the time of now, and returns the
// ids of those whose deliveries follow.
func (k *Keeper) collect(ctx context.Context, tx pgx.Tx, sql string) ([]int64, error) {
	rows, err := tx.Query(ctx, sql, pgx.NamedArgs{"now": k.now()})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// whoseRecord finds deliveries of unsubscribes that are in force, by a condition about
// their person "p".
func whoseRecord(condition string) string {
	return `EXISTS (SELECT FROM unsubscribes u JOIN people p ON p.id = u.person_id
		WHERE u.id = d.unsubscribe_id AND u.cleared_at IS NULL AND ` + condition + `)`
}

// findPeople gives waiting unsubscribes their people by the rules of package who: ids
// decide, an address only where there is no id. An address that several people share
// stays with all of them: the check before a send knows it by the address. A person who
// had unsubscribed already, under another name, need not do so twice: those that end are
// returned.
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
	), given AS (
		UPDATE unsubscribes u SET person_id = found.person FROM found WHERE found.first IS NULL AND found.nth = 1 AND u.id = found.id
	)
	UPDATE unsubscribes u SET cleared_at = @now, cleared_by = 'system', reason = 'Said before'
	FROM found WHERE found.first IS NOT NULL AND u.id = found.id RETURNING u.id`

// followMerges moves the unsubscribe of a person who was merged away to the person they
// are now, whose record is to be opted out too.
const followMerges = `
	WITH moved AS (
		SELECT DISTINCT ON (w.id, u.source = 'salesforce') u.id, w.id AS person FROM unsubscribes u JOIN people p ON p.id = u.person_id
		JOIN people w ON w.id = person_now(p.id) WHERE u.cleared_at IS NULL AND p.merged_into IS NOT NULL AND w.id <> p.id
			AND NOT EXISTS (SELECT FROM unsubscribes o WHERE o.person_id = w.id AND o.cleared_at IS NULL AND (o.source = 'salesforce') = (u.source = 'salesforce'))
		ORDER BY w.id, u.source = 'salesforce', u.id
	)
	UPDATE unsubscribes u SET person_id = moved.person FROM moved WHERE u.id = moved.id RETURNING u.id`

// dropDoubles ends what waits for a person who was merged into one who had unsubscribed.
const dropDoubles = `
	WITH doubles AS (
		SELECT u.id FROM deliveries d JOIN unsubscribes u ON u.id = d.unsubscribe_id AND u.cleared_at IS NULL JOIN people p ON p.id = u.person_id
		JOIN unsubscribes o ON o.person_id = person_now(p.id) AND o.cleared_at IS NULL AND o.source <> 'salesforce'
		WHERE d.state = 'pending' AND d.hold IS NOT NULL AND p.merged_into IS NOT NULL
	)
	UPDATE unsubscribes u SET cleared_at = @now, cleared_by = 'system', reason = 'Said before' FROM doubles WHERE u.id = doubles.id RETURNING u.id`
