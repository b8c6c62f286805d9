package people

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/marketo"
)

const (
	// rereadLease is longer than a read of one batch can take, so that a killed
	// process's batch is taken up again.
	rereadLease = 90 * time.Second
	// urgentWait gathers webhook calls that arrive together into one read.
	urgentWait = time.Second
)

// RereadSoon waits a moment for more hints to arrive, then reads the inbox.
func (s *Sync) RereadSoon(ctx context.Context) error {
	if err := s.sleep(ctx, urgentWait); err != nil {
		return err
	}
	return s.Reread(ctx)
}

// Reread reads everybody in the inbox who is due and stores what it finds. While
// the first copy runs, the inbox waits: somebody found gone now could come back
// with a bulk file that was made before.
func (s *Sync) Reread(ctx context.Context) error {
	_, err := s.holding(ctx, leaseReread, func(ctx context.Context) error {
		if following, err := s.following(ctx); err != nil || !following {
			return err
		}
		return s.emptyInbox(ctx)
	})
	return err
}

// following says that the first copy is done and the sync is not paused.
func (s *Sync) following(ctx context.Context) (bool, error) {
	var following bool
	err := s.pool.QueryRow(ctx, `SELECT state = 'following' AND paused_at IS NULL FROM people_sync`).Scan(&following)
	if err != nil {
		return false, fmt.Errorf("look whether the sync follows: %w", err)
	}
	return following, nil
}

func (s *Sync) emptyInbox(ctx context.Context) error {
	calls := &atomic.Int64{}
	ctx = budget.ForRun(ctx, budget.IncrementalSync, calls)
	stop := func() {}
	defer func() { stop() }()
	var (
		ses   session
		runID int64
	)
	for {
		claimed, err := s.claim(ctx)
		if err != nil || len(claimed) == 0 {
			return err
		}
		if runID == 0 {
			if runID, err = s.followRun(ctx); err != nil {
				return err
			}
			if ses, err = s.session(ctx); err != nil {
				return err
			}
			stop = s.reportCalls(ctx, runID, calls)
		}
		if err := s.rereadBatch(ctx, ses, runID, claimed); err != nil {
			return err
		}
	}
}

// claimed is a hint being worked on. A hint that arrives meanwhile changes
// TouchedAt, and so outlives the read.
type claimed struct {
	PersonID   int64
	TouchedAt  time.Time
	Misses     int
	Deleted    bool
	MergedInto *int64
}

func (s *Sync) claim(ctx context.Context) ([]claimed, error) {
	rows, err := s.pool.Query(ctx, `
		UPDATE touched_people SET leased_until = shared_clock() + $2
		WHERE person_id IN (
			SELECT person_id FROM touched_people
			WHERE due_at <= $3 AND (leased_until IS NULL OR leased_until < shared_clock())
			ORDER BY urgent DESC, due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
		RETURNING person_id, touched_at, misses, deleted, merged_into`, marketo.MaxBatch, rereadLease, s.now())
	if err != nil {
		return nil, fmt.Errorf("claim people to read again: %w", err)
	}
	claims, err := pgx.CollectRows(rows, pgx.RowToStructByPos[claimed])
	if err != nil {
		return nil, fmt.Errorf("claim people to read again: %w", err)
	}
	return claims, nil
}

func (s *Sync) rereadBatch(ctx context.Context, ses session, runID int64, claims []claimed) error {
	ids := make([]int64, len(claims))
	for i, c := range claims {
		ids[i] = c.PersonID
	}
	var (
		leads []marketo.Lead
		sent  time.Time
	)
	err := s.retry(ctx, func(ctx context.Context) (err error) {
		sent = s.now()
		leads, err = ses.client.LeadsByID(ctx, ids, ses.mapping.Request)
		return err
	})
	if err != nil {
		s.unclaim(ctx, ids)
		return fmt.Errorf("read %d people again: %w", len(ids), err)
	}
	found := make(map[int64]bool, len(leads))
	rows := make([]Row, 0, len(leads))
	for _, lead := range leads {
		if id := lead.ID(); !found[id] {
			found[id] = true
			row := ses.mapping.leadRow(lead, sent, ses.rule)
			row.Qualifies = row.Qualifies || ses.everybody
			rows = append(rows, row)
		}
	}
	return s.tx(ctx, func(tx pgx.Tx) error {
		stored, err := store(ctx, tx, rows, storeOptions{runID: runID, now: s.now(), reread: true, keepLive: ses.rule.Listed()})
		if err != nil {
			return err
		}
		gone, err := s.storeMissing(ctx, tx, runID, claims, found, sent)
		if err != nil {
			return err
		}
		stored.Archived += gone
		if err := settle(ctx, tx, claims, found); err != nil {
			return err
		}
		return s.progress(ctx, tx, runID, int64(len(claims)), stored)
	})
}

// unclaim lets the next try have the people at once.
func (s *Sync) unclaim(ctx context.Context, ids []int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	// When this fails too, the lease ends by itself.
	_, _ = s.pool.Exec(ctx, `UPDATE touched_people SET leased_until = NULL WHERE person_id = ANY($1)`, ids)
}

// storeMissing decides about those who did not answer. With a hint they are
// archived for its reason; without one they are asked for once more, since an
// index may lag, before they count as gone.
func (s *Sync) storeMissing(ctx context.Context, tx pgx.Tx, runID int64, claims []claimed, found map[int64]bool, sent time.Time) (int64, error) {
	var (
		ids     []int64
		reasons []string
		winners []*int64
		later   []int64
	)
	for _, c := range claims {
		switch {
		case found[c.PersonID]:
			continue
		case c.MergedInto != nil:
			reasons = append(reasons, "merged")
		case c.Deleted:
			reasons = append(reasons, "deleted")
		case c.Misses > 0:
			reasons = append(reasons, "not_found")
		default:
			later = append(later, c.PersonID)
			continue
		}
		ids, winners = append(ids, c.PersonID), append(winners, c.MergedInto)
	}
	if len(later) > 0 {
		_, err := tx.Exec(ctx, `UPDATE touched_people SET misses = misses + 1, leased_until = NULL,
			due_at = $2 WHERE person_id = ANY($1)`, later, s.now().Add(s.cfg.MissDelay))
		if err != nil {
			return 0, fmt.Errorf("ask later for people not found: %w", err)
		}
	}
	if len(ids) == 0 {
		return 0, nil
	}
	return s.archive(ctx, tx, runID, ids, reasons, winners, sent)
}

// archive takes people out of the workspace. Somebody who is archived already
// only gets a better reason: merged says more than deleted, deleted more than not
// found.
func (s *Sync) archive(ctx context.Context, tx pgx.Tx, runID int64, ids []int64, reasons []string, winners []*int64, sent time.Time) (int64, error) {
	var archived int64
	err := tx.QueryRow(ctx, `
		WITH gone AS (
			SELECT * FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS g (id, reason, winner)
		), before AS (
			SELECT p.id, p.archive_reason FROM people p JOIN gone USING (id) ORDER BY p.id FOR UPDATE OF p
		), changed AS (
			UPDATE people p SET archived_at = coalesce(p.archived_at, $6), archive_reason = g.reason,
				merged_into = g.winner, synced_at = $6, read_at = greatest(p.read_at, $5)
			FROM gone g, before b
			WHERE p.id = g.id AND b.id = p.id AND p.read_at <= $5 AND (p.archived_at IS NULL
				OR p.archive_reason <> g.reason AND g.reason <> 'not_found' AND p.archive_reason <> 'merged')
			RETURNING p.id, b.archive_reason AS old, p.archive_reason AS new
		), changes AS (
			INSERT INTO person_changes (person_id, run_id, field, old, new, changed_at) SELECT id, $1, 'archived', old, new, $6 FROM changed
		)
		SELECT count(*) FILTER (WHERE old IS NULL) FROM changed`, runID, ids, reasons, winners, sent, s.now()).Scan(&archived)
	if err != nil {
		return 0, fmt.Errorf("archive people who are gone: %w", err)
	}
	return archived, moveTotals(ctx, tx, -archived, archived)
}

// settle removes the hints that were dealt with; one that came in meanwhile stays.
func settle(ctx context.Context, tx pgx.Tx, claims []claimed, found map[int64]bool) error {
	var (
		ids   []int64
		times []time.Time
	)
	for _, c := range claims {
		if found[c.PersonID] || c.Deleted || c.MergedInto != nil || c.Misses > 0 {
			ids, times = append(ids, c.PersonID), append(times, c.TouchedAt)
		}
	}
	_, err := tx.Exec(ctx, `
		WITH done AS (SELECT * FROM unnest($1::bigint[], $2::timestamptz[]) AS d (id, touched_at)),
		again AS (
			UPDATE touched_people t SET leased_until = NULL FROM done d WHERE t.person_id = d.id AND t.touched_at > d.touched_at
		)
		DELETE FROM touched_people t USING done d WHERE t.person_id = d.id AND t.touched_at = d.touched_at`, ids, times)
	if err != nil {
		return fmt.Errorf("take people out of the inbox: %w", err)
	}
	return nil
}

// followRun returns the run that collects what today's incremental sync does, and
// ends the one of the day before.
func (s *Sync) followRun(ctx context.Context) (int64, error) {
	var id int64
	err := s.pool.QueryRow(ctx, `
		WITH ended AS (
			UPDATE sync_runs SET finished_at = $1, outcome = 'done'
			WHERE kind = 'follow' AND finished_at IS NULL AND (started_at AT TIME ZONE 'UTC')::date < ($1 AT TIME ZONE 'UTC')::date
		), today AS (
			SELECT id FROM sync_runs
			WHERE kind = 'follow' AND finished_at IS NULL AND (started_at AT TIME ZONE 'UTC')::date = ($1 AT TIME ZONE 'UTC')::date
			ORDER BY id LIMIT 1
		), made AS (
			INSERT INTO sync_runs (kind, started_by, started_at) SELECT 'follow', 'system', $1 WHERE NOT EXISTS (SELECT FROM today) RETURNING id
		)
		SELECT id FROM today UNION ALL SELECT id FROM made LIMIT 1`, s.now()).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("find today's run: %w", err)
	}
	return id, nil
}
