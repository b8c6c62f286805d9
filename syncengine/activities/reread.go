package activities

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

// reread has an activity wait until its person was read again, since Marketo does not
// find them: they were merged into another person, who gets the activity then, or
// deleted.
func reread(c outbox.Claimed, what failure.Failure) outbox.Outcome {
	o := outbox.Later(c, what, 0)
	o.Hold = models.HoldReread
	return o
}

// record stores outcomes of activities, and has the people read again whom Marketo did
// not find.
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
	return record(ctx, m.outbox, run, outcomes, func(batch *pgx.Batch) {
		if len(lost) > 0 && m.cfg.Reread != nil {
			m.cfg.Reread(batch, lost)
		}
	})
}

// Release releases activities that waited for their people to be read again, once they
// were, and returns how many it found out about. Its cost grows with those that wait.
func Release(ctx context.Context, pool *pgxpool.Pool, o *outbox.Outbox) (int64, error) {
	var found int64
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		found = 0
		for _, s := range []outbox.Statement{
			o.GiveUp(outbox.Which{Where: wasReread + ` AND p.archive_reason IN ('deleted', 'not_found', 'merged'))`}),
			o.Release(outbox.Which{Where: wasReread + `)`}),
			o.Requeue(outbox.Which{Where: wasMerged}, outbox.Again, ""),
		} {
			n, err := s.Exec(ctx, tx)
			if err != nil {
				return err
			}
			found += n
		}
		if found == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, models.Tell(models.TopicActivity))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("release activities of people who were read again: %w", err)
	}
	return found, nil
}

// wasReread finds deliveries whose person was read again, who may be another by now: a
// person who is gone keeps the delivery, with what Marketo said.
const wasReread = `d.hold = 'reread' AND EXISTS (
	SELECT FROM activities a JOIN people p ON p.id = person_now(a.person_id)
	WHERE a.id = d.activity_id AND NOT EXISTS (SELECT FROM touched_people t WHERE t.person_id = p.id)`

// wasMerged finds deliveries that were given up, when it is learned later that their
// person was merged into another.
const wasMerged = `d.destination = 'marketo' AND d.state = 'failed' AND d.error_code = '1004' AND EXISTS (
	SELECT FROM activities a JOIN people named ON named.id = a.person_id JOIN people p ON p.id = person_now(named.id)
	WHERE a.id = d.activity_id AND named.merged_into IS NOT NULL AND named.synced_at > d.updated_at AND p.archive_reason IS NULL)`
