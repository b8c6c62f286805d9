package delivery

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Resolve gives activities their people who have arrived meanwhile, ties engagement
// to emails that were written at the same moment, and lets the deliveries go that
// waited for either. It returns how many activities found their person. Running it
// twice changes nothing; its cost grows with the activities that wait.
func Resolve(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var resolved int64
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, statement := range []string{resolvePeople, tieToEmails, releaseOfPeople, releaseOfEmails} {
			tag, err := tx.Exec(ctx, statement)
			if err != nil {
				return err
			}
			if statement == resolvePeople {
				resolved = tag.RowsAffected()
			}
		}
		if resolved == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, `SELECT pg_notify('salesactions_live', 'activity')`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("resolve waiting activities: %w", err)
	}
	return resolved, nil
}

// resolvePeople follows the rules of whom.person: ids decide, an address only where
// there is no id, and only if one person has it.
const resolvePeople = `
	WITH found AS (
		SELECT a.id, p.id AS person FROM activities a JOIN people p ON p.id = a.person_marketo_id
		WHERE a.person_id IS NULL AND a.person_marketo_id IS NOT NULL
		UNION ALL
		SELECT a.id, p.id FROM activities a CROSS JOIN LATERAL (
			SELECT min(id) AS id FROM people WHERE salesforce_contact_id IN (a.person_salesforce_id, left(a.person_salesforce_id, 15))
				OR salesforce_lead_id IN (a.person_salesforce_id, left(a.person_salesforce_id, 15)) HAVING count(*) = 1) p
		WHERE a.person_id IS NULL AND a.person_marketo_id IS NULL AND a.person_salesforce_id IS NOT NULL
		UNION ALL
		SELECT a.id, p.id FROM activities a CROSS JOIN LATERAL (
			SELECT min(id) AS id FROM people WHERE archived_at IS NULL AND email_key = a.person_email_key HAVING count(*) = 1) p
		WHERE a.person_id IS NULL AND a.person_marketo_id IS NULL AND a.person_salesforce_id IS NULL AND a.person_email_key IS NOT NULL
	)
	UPDATE activities a SET person_id = found.person FROM found WHERE a.id = found.id AND a.person_id IS NULL`

const releaseOfPeople = `
	UPDATE deliveries d SET hold = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp()
	FROM activities a WHERE a.id = d.activity_id AND d.hold = 'person' AND a.person_id IS NOT NULL`
