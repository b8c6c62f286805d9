package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

const (
	deletionStream = "tasks_deleted"
	catchUpStream  = "tasks_caught_up"
	// deletionReach is how far back Salesforce tells of deletions (Salesforce REST: get
	// deleted, 15 days), less a little for its clock.
	deletionReach = 15*24*time.Hour - 10*time.Minute
	// deletionEvery is how often its list of deletions is read: rows that were purged from
	// the recycle bin are not in any query's answer.
	deletionEvery = 24 * time.Hour
)

// catchUp takes over what happened to tasks that are in Salesforce while the sync was
// off: each is read anew, from where an earlier time came to. Those that were left while
// it was off are due again.
func (s *Sync) catchUp(ctx context.Context, on models.Switch) error {
	for {
		ids, err := s.linkedAfter(ctx, on)
		if err != nil {
			return fmt.Errorf("read which tasks are in Salesforce: %w", err)
		}
		if len(ids) == 0 {
			break
		}
		if err := s.reread(ctx, ids); err != nil {
			return err
		}
		_, err = s.pool.Exec(ctx, `INSERT INTO salesforce_cursors (stream, read_to, switched_on, position) VALUES ($1, $4, $2, $3)
			ON CONFLICT (stream) DO UPDATE SET switched_on = $2, position = $3`, catchUpStream, on.Since, ids[len(ids)-1], s.now())
		if err != nil {
			return fmt.Errorf("note how many tasks were read anew: %w", err)
		}
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		left := outbox.Which{Where: `d.task_id IS NOT NULL AND d.state = 'skipped' AND d.reason = 'switched_off'`}
		if _, err := s.outbox.Requeue(left, outbox.Fresh, "").Exec(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM salesforce_cursors WHERE stream IN ($1, $2)`, deletionStream, catchUpStream)
		return err
	})
	if err != nil {
		return fmt.Errorf("queue tasks that waited for the sync: %w", err)
	}
	return nil
}

// linkedAfter are the next Tasks of tasks in the order of their ids.
func (s *Sync) linkedAfter(ctx context.Context, on models.Switch) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT remote_id FROM deliveries WHERE task_id IS NOT NULL AND remote_id IS NOT NULL
			AND remote_id > coalesce((SELECT position FROM salesforce_cursors WHERE stream = $1 AND switched_on = $2), '')
		ORDER BY remote_id LIMIT $3`, catchUpStream, on.Since, idsPerQuery)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// reread reads Tasks by their ids and merges them.
func (s *Sync) reread(ctx context.Context, ids []string) error {
	client, err := s.org.Client(ctx)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(ids, idsPerQuery) {
		began, err := s.sharedClock(ctx)
		if err != nil {
			return err
		}
		page, err := client.QueryAllOnce(ctx, `SELECT `+s.columns()+` FROM Task WHERE Id IN (`+org.Quoted(chunk)+`)`)
		if err == nil {
			err = s.apply(ctx, page.Records, began, func(*pgx.Batch) {})
		}
		if err != nil {
			return fmt.Errorf("read %d Tasks anew: %w", len(chunk), err)
		}
	}
	return nil
}

// readDeletions reads Salesforce's list of deletions, once a day and when the sync was
// switched on.
func (s *Sync) readDeletions(ctx context.Context) error {
	now := s.now()
	from := now.Add(-deletionReach)
	var readTo time.Time
	err := s.pool.QueryRow(ctx, `SELECT read_to FROM salesforce_cursors WHERE stream = $1`, deletionStream).Scan(&readTo)
	switch {
	case err == nil && now.Sub(readTo) < deletionEvery:
		return nil
	case err == nil && readTo.Add(-time.Hour).After(from):
		from = readTo.Add(-time.Hour)
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("read how far deletions were read: %w", err)
	}
	page, err := s.deleted(ctx, from, now.Add(time.Minute))
	if err != nil {
		return fmt.Errorf("read which Tasks were deleted: %w", err)
	}
	return s.bury(ctx, page)
}

// deleted asks for the deletions of a time. The list may begin later, and hold more than
// one answer may have: then half of the time is asked for, its end or its beginning
// (Salesforce REST: get deleted, INVALID_REPLICATION_DATE and EXCEEDED_ID_LIMIT).
func (s *Sync) deleted(ctx context.Context, from, to time.Time) (salesforce.DeletedPage, error) {
	client, err := s.org.Client(ctx)
	if err != nil {
		return salesforce.DeletedPage{}, err
	}
	for {
		page, err := client.Deleted(ctx, "Task", from, to)
		half := to.Sub(from) / 2
		switch late := salesforce.IsCode(err, salesforce.CodeReplicationDate); {
		case late && half < time.Hour:
			return salesforce.DeletedPage{LatestCovered: to.Add(-time.Minute)}, nil // it has only just begun
		case late:
			from = from.Add(half)
		case salesforce.IsCode(err, "EXCEEDED_ID_LIMIT") && half > time.Minute:
			to = from.Add(half)
		default:
			return page, err
		}
	}
}

// bury ends tasks whose Tasks were deleted, and moves the cursor. Those that can still
// be read are merged as any; of the others the list is all that is known.
func (s *Sync) bury(ctx context.Context, page salesforce.DeletedPage) error {
	at := make(map[string]time.Time, len(page.Records))
	ids := make([]string, len(page.Records))
	for n, r := range page.Records {
		ids[n] = salesforce.NormaliseID(r.ID)
		at[ids[n]] = r.At
	}
	ids, err := s.thoughtLive(ctx, ids)
	if err != nil {
		return err
	}
	if err := s.reread(ctx, ids); err != nil {
		return err
	}
	there, _, err := s.readTasks(ctx, ids)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { _, found := there[id]; return found })
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := lockRows(ctx, tx, `d.remote_id = ANY($1) AND d.state <> 'sending'`, ids)
		if err != nil {
			return err
		}
		store := s.saving()
		for _, r := range rows {
			gone := remote{}
			if r.base != nil {
				gone = *r.base
			}
			gone.Deleted, gone.Modified = true, at[r.RemoteID]
			mapping{}.takeOver(store, r, reading{remote: gone, id: r.RemoteID})
		}
		store.batch.Queue(`INSERT INTO salesforce_cursors (stream, read_to, switched_on, polled_at) VALUES ($1, $2, $3, $3)
			ON CONFLICT (stream) DO UPDATE SET read_to = $2, polled_at = $3`, deletionStream, page.LatestCovered, s.now())
		return store.send(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("end tasks that were deleted in Salesforce: %w", err)
	}
	return nil
}

// thoughtLive are those Tasks of tasks that were not known to be deleted.
func (s *Sync) thoughtLive(ctx context.Context, ids []string) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT d.remote_id FROM deliveries d JOIN tasks t ON t.id = d.task_id
		WHERE d.remote_id = ANY($1) AND NOT coalesce((t.base->>'deleted')::boolean, false)`, ids)
	if err == nil {
		var live []string
		if live, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
			return live, nil
		}
	}
	return nil, fmt.Errorf("read which tasks are in Salesforce: %w", err)
}
