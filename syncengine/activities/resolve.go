package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

const (
	// resolveOverlap is how far back of the last pass the next one looks: longer than a
	// transaction takes that stores people, and than the clocks of replicas differ.
	resolveOverlap = time.Minute
	// resolveAll is how often a pass looks at everything that waits, for what nobody
	// tells: that of two people with an address one has left, and what a pass missed.
	resolveAll = 10 * time.Minute
)

// Resolve gives activities their people who have arrived meanwhile, ties engagement
// to emails that were written at the same moment, and releases the deliveries that
// waited for either. It returns how many activities found their person. Running it
// twice changes nothing. Its cost grows with the people and activities that are new
// since the last pass, and only every ten minutes with the activities that wait, which
// may be many for ever: of people who never come to the workspace.
func Resolve(ctx context.Context, pool *pgxpool.Pool, o *outbox.Outbox) (int64, error) {
	var resolved int64
	err := models.Sweep(ctx, pool, "waiting activities", func(tx pgx.Tx) error {
		since, err := nextPass(ctx, tx, o.Clock().Now())
		if err != nil {
			return err
		}
		if resolved, err = resolvePass(ctx, tx, o, since); err != nil || resolved == 0 {
			return err
		}
		_, err = tx.Exec(ctx, models.Tell(models.TopicActivity))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("resolve waiting activities: %w", err)
	}
	return resolved, nil
}

// nextPass returns the time from which people and activities are new to the pass, zero
// for a pass over everything, and notes that the pass is made. The note is moved in the
// transaction of the pass.
func nextPass(ctx context.Context, tx pgx.Tx, now time.Time) (time.Time, error) {
	var last, lastAll time.Time
	err := tx.QueryRow(ctx, `SELECT read_to, read_all_at FROM activity_cursor`).Scan(&last, &lastAll)
	if err != nil {
		return last, err
	}
	all := now.Sub(lastAll) >= resolveAll
	_, err = tx.Exec(ctx, `UPDATE activity_cursor SET read_to = $1, read_all_at = CASE WHEN $2 THEN $1 ELSE read_all_at END`, now, all)
	if err != nil || all {
		return time.Time{}, err
	}
	return last.Add(-resolveOverlap), nil
}

// resolvePass looks at people who were stored since a time, and at activities that were
// recorded since: those of one moment do not see each other.
func resolvePass(ctx context.Context, tx pgx.Tx, o *outbox.Outbox, since time.Time) (int64, error) {
	find := resolution(since)
	rows, err := tx.Query(ctx, find.SQL, find.Args)
	if err != nil {
		return 0, err
	}
	resolved, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, err
	}
	batch := &pgx.Batch{}
	queue(batch, afterResolution(o, since, resolved))
	return int64(len(resolved)), tx.SendBatch(ctx, batch).Close()
}

// resolution gives activities their people, those who were stored since a time or, where
// it is zero, all; and returns the ids of the activities.
func resolution(since time.Time) outbox.Statement {
	if since.IsZero() {
		return outbox.Statement{SQL: resolvePeople("") + ` RETURNING a.id`, Args: pgx.NamedArgs{}}
	}
	return outbox.Statement{SQL: resolvePeople(recentOnly) + ` RETURNING a.id`, Args: pgx.NamedArgs{"since": since}}
}

// afterResolution ties emails and releases what need not wait any more.
func afterResolution(o *outbox.Outbox, since time.Time, resolved []uuid.UUID) []outbox.Statement {
	first := pgx.NamedArgs{"first": uuid.Nil}
	if !since.IsZero() {
		first["first"] = firstID(since)
	}
	return append([]outbox.Statement{
		{SQL: tieToEmails + ` AND e.id >= @first`, Args: first},
		o.Release(outbox.Which{Where: `d.hold = 'person' AND d.activity_id = ANY(@resolved::uuid[])`, Args: pgx.NamedArgs{"resolved": resolved}}),
		o.Release(outbox.Which{Where: `d.hold = 'person' AND d.activity_id >= @first
			AND EXISTS (SELECT FROM activities a WHERE a.id = d.activity_id AND a.person_id IS NOT NULL)`, Args: first}),
	}, releasesOfEmails(o, `d.activity_id >= @first`, first)...)
}

// firstID is less than the ids of all activities that were recorded from then on.
func firstID(from time.Time) uuid.UUID {
	var id uuid.UUID
	putMillis(&id, from)
	return id
}

// resolvePeople follows the rules of who.Person: ids decide, an address only where
// there is no id, and only if one person has it. only narrows the activities "a".
func resolvePeople(only string) string {
	return `
	WITH found AS (
		SELECT a.id, p.id AS person FROM activities a JOIN people p ON p.id = a.person_marketo_id
		WHERE a.person_id IS NULL AND a.person_marketo_id IS NOT NULL` + only + `
		UNION ALL
		SELECT a.id, p.id FROM activities a CROSS JOIN LATERAL (
			SELECT min(id) AS id FROM people WHERE salesforce_contact_id IN (a.person_salesforce_id, left(a.person_salesforce_id, 15))
				OR salesforce_lead_id IN (a.person_salesforce_id, left(a.person_salesforce_id, 15)) HAVING count(*) = 1) p
		WHERE a.person_id IS NULL AND a.person_marketo_id IS NULL AND a.person_salesforce_id IS NOT NULL` + only + `
		UNION ALL
		SELECT a.id, p.id FROM activities a CROSS JOIN LATERAL (
			SELECT min(id) AS id FROM people WHERE archived_at IS NULL AND email_key = a.person_email_key HAVING count(*) = 1) p
		WHERE a.person_id IS NULL AND a.person_marketo_id IS NULL AND a.person_salesforce_id IS NULL AND a.person_email_key IS NOT NULL` + only + `
	)
	UPDATE activities a SET person_id = found.person FROM found WHERE a.id = found.id AND a.person_id IS NULL`
}

// recentOnly narrows activities "a" to those that name a person who was stored lately.
const recentOnly = ` AND a.id IN (
	WITH recent AS MATERIALIZED (
		SELECT id, left(salesforce_contact_id, 15) AS contact, left(salesforce_lead_id, 15) AS lead, email_key
		FROM people WHERE archived_at IS NULL AND synced_at >= @since
	)
	SELECT a.id FROM recent JOIN activities a ON a.person_marketo_id = recent.id WHERE a.person_id IS NULL AND a.person_marketo_id IS NOT NULL
	UNION SELECT a.id FROM recent JOIN activities a ON left(a.person_salesforce_id, 15) = recent.contact WHERE a.person_id IS NULL AND a.person_salesforce_id IS NOT NULL
	UNION SELECT a.id FROM recent JOIN activities a ON left(a.person_salesforce_id, 15) = recent.lead WHERE a.person_id IS NULL AND a.person_salesforce_id IS NOT NULL
	UNION SELECT a.id FROM recent JOIN activities a ON a.person_email_key = recent.email_key WHERE a.person_id IS NULL AND a.person_email_key IS NOT NULL)`
