package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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
// to emails that were written at the same moment, and lets the deliveries go that
// waited for either. It returns how many activities found their person. Running it
// twice changes nothing. Its cost grows with the people and activities that are new
// since the last pass, and only every ten minutes with the activities that wait, which
// may be many for ever: of people who never come to the workspace.
func Resolve(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var resolved int64
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		statements, err := nextPass(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range statements {
			tag, err := tx.Exec(ctx, s.sql, s.args...)
			if err != nil {
				return err
			}
			if s.resolves {
				resolved += tag.RowsAffected()
			}
		}
		if resolved == 0 {
			return nil
		}
		_, err = tx.Exec(ctx, `SELECT pg_notify('salesactions_live', 'activity')`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("resolve waiting activities: %w", err)
	}
	return resolved, nil
}

// pass is a statement of a pass.
type pass struct {
	sql      string
	args     []any
	resolves bool // counts for activities that found their person
}

// nextPass says what to do, and notes that it is done: the place of the passes stands
// with the cursors of the streams, and is moved in the transaction of the pass.
func nextPass(ctx context.Context, tx pgx.Tx) ([]pass, error) {
	var now, last, lastAll time.Time
	err := tx.QueryRow(ctx, `SELECT clock_timestamp(), watermark, swept_at FROM sync_cursors WHERE stream = 'waiting activities' FOR UPDATE`).Scan(&now, &last, &lastAll)
	first := errors.Is(err, pgx.ErrNoRows)
	if err != nil && !first {
		return nil, err
	}
	all := first || now.Sub(lastAll) >= resolveAll
	_, err = tx.Exec(ctx, `INSERT INTO sync_cursors (stream, token, watermark, swept_at) VALUES ('waiting activities', '', clock_timestamp(), clock_timestamp())
		ON CONFLICT (stream) DO UPDATE SET watermark = excluded.watermark, swept_at = CASE WHEN $1 THEN excluded.swept_at ELSE sync_cursors.swept_at END`, all)
	if err != nil {
		return nil, err
	}
	if all {
		return []pass{{sql: resolvePeople(""), resolves: true}, {sql: tieToEmails}, {sql: releaseOfPeople}, {sql: releaseOfEmails}}, nil
	}
	return recentPass(last.Add(-resolveOverlap)), nil
}

// recentPass looks at people who were stored since then, and at activities that were
// recorded since: those of one moment do not see each other.
func recentPass(since time.Time) []pass {
	first := firstID(since)
	return []pass{
		{sql: resolveRecent, args: []any{since}, resolves: true},
		{sql: tieToEmails + ` AND e.id >= $1`, args: []any{first}},
		{sql: releaseOfPeople + ` AND d.activity_id >= $1`, args: []any{first}},
		{sql: releaseOfEmails + ` AND d.activity_id >= $1`, args: []any{first}},
	}
}

// firstID is less than the ids of all activities that were recorded from then on: they
// begin with the time in milliseconds (RFC 9562, version 7).
func firstID(from time.Time) uuid.UUID {
	var id uuid.UUID
	for n, milli := 5, from.UnixMilli(); n >= 0; n, milli = n-1, milli>>8 {
		id[n] = byte(milli)
	}
	return id
}

// resolvePeople follows the rules of whom.person: ids decide, an address only where
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

// resolveRecent gives activities the people who were stored lately, and lets their
// deliveries go.
var resolveRecent = `
	WITH recent AS MATERIALIZED (
		SELECT id, left(salesforce_contact_id, 15) AS contact, left(salesforce_lead_id, 15) AS lead, email_key
		FROM people WHERE archived_at IS NULL AND synced_at >= $1
	), meant AS MATERIALIZED (
		SELECT a.id FROM recent JOIN activities a ON a.person_marketo_id = recent.id WHERE a.person_id IS NULL AND a.person_marketo_id IS NOT NULL
		UNION SELECT a.id FROM recent JOIN activities a ON left(a.person_salesforce_id, 15) = recent.contact WHERE a.person_id IS NULL AND a.person_salesforce_id IS NOT NULL
		UNION SELECT a.id FROM recent JOIN activities a ON left(a.person_salesforce_id, 15) = recent.lead WHERE a.person_id IS NULL AND a.person_salesforce_id IS NOT NULL
		UNION SELECT a.id FROM recent JOIN activities a ON a.person_email_key = recent.email_key WHERE a.person_id IS NULL AND a.person_email_key IS NOT NULL
	), resolved AS (` + resolvePeople(` AND a.id IN (SELECT id FROM meant)`) + ` RETURNING a.id
	), released AS (
		UPDATE deliveries d SET hold = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp()
		FROM resolved WHERE d.activity_id = resolved.id AND d.hold = 'person'
	)
	SELECT FROM resolved`

// releaseOfPeople lets deliveries go whose activity has its person.
const releaseOfPeople = `
	UPDATE deliveries d SET hold = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp()
	FROM activities a WHERE a.id = d.activity_id AND d.hold = 'person' AND a.person_id IS NOT NULL`
