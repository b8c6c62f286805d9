package delivery

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/outbox"
)

// followTries is how often an activity is sent to a person whom Marketo does not find:
// each time they are read again first.
const followTries = 3

// reread lets an activity wait until its person was read again, since Marketo does not
// find them: they were merged into somebody, to whom the activity goes then, or deleted.
func reread(id int64, what failure.Failure) outbox.Outcome {
	o := outbox.Later(id, what, 0)
	o.Hold = models.HoldReread
	return o
}

// record stores outcomes of activities, and puts the people whom Marketo did not find
// into the inbox of the people sync.
func (m *toMarketo) record(ctx context.Context, run uuid.UUID, outcomes []outbox.Outcome, items []item) error {
	people := map[int64]*int64{}
	for _, i := range items {
		people[i.ID] = i.PersonID
	}
	var lost []int64
	for _, o := range outcomes {
		if o.Hold == models.HoldReread && people[o.ID] != nil {
			lost = append(lost, *people[o.ID])
		}
	}
	return record(ctx, m.pool, run, outcomes, func(batch *pgx.Batch) {
		if len(lost) > 0 {
			batch.Queue(`INSERT INTO touched_people AS t (person_id, urgent) SELECT DISTINCT id, true FROM unnest($1::bigint[]) id ORDER BY 1
				ON CONFLICT (person_id) DO UPDATE SET urgent = true, touched_at = clock_timestamp(), due_at = least(t.due_at, clock_timestamp())`, lost)
		}
	})
}

// Release lets activities go that waited for their people to be read again, once they
// were, and returns how many it found out about. Its cost grows with those that wait.
func Release(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var found int64
	for _, statement := range []string{releaseOfReread, releaseOfMerged} {
		tag, err := pool.Exec(ctx, statement)
		if err != nil {
			return found, fmt.Errorf("release activities of people who were read again: %w", err)
		}
		found += tag.RowsAffected()
	}
	if found == 0 {
		return 0, nil
	}
	if _, err := pool.Exec(ctx, `SELECT pg_notify('salesactions_live', 'activity')`); err != nil {
		return found, fmt.Errorf("tell that activities were released: %w", err)
	}
	return found, nil
}

// releaseOfReread lets go what waited for a person to be read again: to whoever they
// are by now; one who is gone keeps it, with what Marketo said.
const releaseOfReread = `
	UPDATE deliveries d SET hold = NULL, due_at = clock_timestamp(), updated_at = clock_timestamp(),
		state = CASE WHEN p.archive_reason IN ('deleted', 'not_found', 'merged') THEN 'failed' ELSE d.state END
	FROM activities a JOIN people named ON named.id = a.person_id LEFT JOIN people p ON p.id = ` + lastOfNamed + `
	WHERE d.activity_id = a.id AND d.hold = 'reread' AND p.id IS NOT NULL AND NOT EXISTS (SELECT FROM touched_people t WHERE t.person_id = p.id)`

// releaseOfMerged sends what was given up after all, when it is learned later that its
// person was merged into somebody.
const releaseOfMerged = `
	UPDATE deliveries d SET state = 'pending', due_at = clock_timestamp(), updated_at = clock_timestamp(), error_times = 0
	FROM activities a JOIN people named ON named.id = a.person_id JOIN people p ON p.id = ` + lastOfNamed + `
	WHERE d.activity_id = a.id AND d.destination = 'marketo' AND d.state = 'failed' AND d.error_code = '1004'
		AND named.merged_into IS NOT NULL AND named.synced_at > d.updated_at AND p.archive_reason IS NULL`
