package people

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/marketo"
)

const (
	// maxRange is the longest range of a bulk extract (Marketo REST: bulk extract,
	// 31 days); both of its ends are inclusive, so a range ends a second earlier.
	maxRange = 31 * 24 * time.Hour
	// idSlice is how many ids a slice of the paged copy spans: 100 calls.
	idSlice = 100 * marketo.MaxBatch
	// emptyBatches is how many batches of ids in a row must be empty for the
	// scan to believe that it passed the newest person.
	emptyBatches = 40
)

// marketoFounded is before the first person of any instance.
var marketoFounded = time.Date(2006, 1, 1, 0, 0, 0, 0, time.UTC)

// plan makes the slices of a run that has none yet.
func (s *Sync) plan(ctx context.Context, ses session, run models.SyncRun) error {
	var planned bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sync_slices WHERE run_id = $1)`, run.ID).Scan(&planned)
	if err != nil {
		return fmt.Errorf("look for the run's slices: %w", err)
	}
	if planned {
		return nil
	}
	switch {
	case ses.rule.Listed():
		return s.planSlices(ctx, run.ID, [][2]time.Time{{}}, "list")
	case s.cfg.Copy == CopyPaged:
		return s.planPaged(ctx, ses, run.ID)
	}
	first, err := s.firstCreated(ctx, ses)
	if err != nil {
		return err
	}
	ranges := dateRanges(first, s.now())
	if s.cfg.Copy == CopyAuto {
		top, err := s.topID(ctx, ses)
		if err != nil {
			return err
		}
		if top/marketo.MaxBatch < callsPerRange*int64(len(ranges)) {
			return s.planIDs(ctx, run.ID, top)
		}
	}
	return s.planSlices(ctx, run.ID, ranges, "created_at")
}

// callsPerRange is what a bulk job costs: create, enqueue, status and file, and
// some minutes (Marketo REST: bulk extract). Few people are read sooner, and for
// fewer calls, in batches of ids.
const callsPerRange = 4

// dateRanges cuts the time from first to now into the longest ranges allowed,
// newest first: those are the people whom reps look for first.
func dateRanges(first, now time.Time) [][2]time.Time {
	var ranges [][2]time.Time
	start := first.UTC().Truncate(24 * time.Hour)
	// Created while the copy runs: the streams tell of them, the margin only
	// covers clocks that differ.
	end := now.UTC().Truncate(time.Second).Add(time.Hour)
	for ; start.Before(end); start = start.Add(maxRange) {
		last := start.Add(maxRange - time.Second)
		if last.After(end) {
			last = end
		}
		ranges = append(ranges, [2]time.Time{start, last})
	}
	slices.Reverse(ranges)
	return ranges
}

func (s *Sync) planSlices(ctx context.Context, runID int64, ranges [][2]time.Time, method string) error {
	rows := make([][]any, len(ranges))
	for i, r := range ranges {
		rows[i] = []any{runID, i, method, nullTime(r[0]), nullTime(r[1])}
	}
	_, err := s.pool.CopyFrom(ctx, pgx.Identifier{"sync_slices"},
		[]string{"run_id", "position", "method", "from_time", "to_time"}, pgx.CopyFromRows(rows))
	if err != nil {
		return fmt.Errorf("plan %d slices: %w", len(rows), err)
	}
	return nil
}

// planPaged looks for the highest id, then plans all ids up to there.
func (s *Sync) planPaged(ctx context.Context, ses session, runID int64) error {
	top, err := s.topID(ctx, ses)
	if err != nil {
		return err
	}
	return s.planIDs(ctx, runID, top)
}

// planIDs plans the whole range of ids known to be used; the scan of the last
// slice goes on beyond it until it finds nobody.
func (s *Sync) planIDs(ctx context.Context, runID, top int64) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// On a change of method, what was stored already is only read again.
		if _, err := tx.Exec(ctx, `DELETE FROM sync_slices WHERE run_id = $1 AND state <> 'done'`, runID); err != nil {
			return fmt.Errorf("drop the slices of the other method: %w", err)
		}
		_, err := tx.Exec(ctx, `
			WITH last AS (SELECT coalesce(max(position), -1) AS position FROM sync_slices WHERE run_id = $1)
			INSERT INTO sync_slices (run_id, position, method, from_id, to_id)
			SELECT $1, last.position + 1 + n, 'ids', 1 + n * $3, CASE WHEN (n + 1) * $3 >= $2 THEN NULL ELSE (n + 1) * $3 END
			FROM last, generate_series(0, greatest($2::bigint - 1, 0) / $3::bigint) AS n`, runID, top, idSlice)
		if err != nil {
			return fmt.Errorf("plan slices of ids: %w", err)
		}
		return nil
	})
}

// firstCreated returns a time before the first person was created. Ids grow with
// time, so the lowest ids tell; a month of margin covers those that do not. When
// the lowest ids are all gone, it is Marketo's own first year.
func (s *Sync) firstCreated(ctx context.Context, ses session) (time.Time, error) {
	for from := int64(1); from <= 10*marketo.MaxBatch; from += marketo.MaxBatch {
		leads, err := s.readIDs(ctx, ses, idRange(from, from+marketo.MaxBatch-1), []string{fieldID, fieldCreated})
		if err != nil {
			return time.Time{}, fmt.Errorf("look for the first person: %w", err)
		}
		var first time.Time
		for _, lead := range leads {
			created := getTime(text(lead, fieldCreated))
			if created != nil && (first.IsZero() || created.Before(first)) {
				first = *created
			}
		}
		if !first.IsZero() {
			return first.Add(-maxRange), nil
		}
	}
	return marketoFounded, nil
}

// typeNewLead is the activity of a person's creation (Marketo REST: activities).
const typeNewLead = 12

// topID returns the highest id that is known to be used, by the newest people of
// the activity log, else by looking ever further up.
func (s *Sync) topID(ctx context.Context, ses session) (int64, error) {
	top := int64(0)
	var token string
	err := s.retry(ctx, func(ctx context.Context) (err error) {
		token, err = ses.client.PagingToken(ctx, s.now().Add(-7*24*time.Hour))
		return err
	})
	for pages := 0; err == nil && pages < 20; pages++ {
		var page marketo.Page[marketo.Activity]
		err = s.retry(ctx, func(ctx context.Context) (err error) {
			page, err = ses.client.Activities(ctx, token, []int{typeNewLead}, nil)
			return err
		})
		for _, activity := range page.Items {
			top = max(top, activity.LeadID)
		}
		if token = page.Next; !page.More {
			break
		}
	}
	if err != nil {
		return 0, fmt.Errorf("look for the newest person: %w", err)
	}
	return s.gallop(ctx, ses, max(top, 1))
}

// gallop returns the highest id in use, as far as it can be told: it looks above an
// id by doubling steps until nobody is there, then halves its way back. Gaps of
// deleted people may hide some above it; the scan of the last slice finds those.
func (s *Sync) gallop(ctx context.Context, ses session, top int64) (int64, error) {
	step, misses, ceiling := int64(marketo.MaxBatch), 0, int64(0)
	for misses < 4 {
		found, err := s.highest(ctx, ses, top+step)
		switch {
		case err != nil:
			return 0, err
		case found > 0:
			top, misses, ceiling = found, 0, 0
		default:
			if misses == 0 {
				ceiling = top + step
			}
			misses++
		}
		step *= 2
	}
	for ceiling-top > marketo.MaxBatch {
		middle := top + (ceiling-top)/2
		found, err := s.highest(ctx, ses, middle)
		if err != nil {
			return 0, err
		}
		if found > 0 {
			top = found
		} else {
			ceiling = middle
		}
	}
	found, err := s.highest(ctx, ses, top+1)
	return max(top, found), err
}

// highest returns the highest id in use of one batch that starts at an id, or 0.
func (s *Sync) highest(ctx context.Context, ses session, from int64) (int64, error) {
	leads, err := s.readIDs(ctx, ses, idRange(from, from+marketo.MaxBatch-1), []string{fieldID})
	if err != nil {
		return 0, fmt.Errorf("look for the newest person: %w", err)
	}
	top := int64(0)
	for _, lead := range leads {
		top = max(top, lead.ID())
	}
	return top, nil
}

func (s *Sync) readIDs(ctx context.Context, ses session, ids []int64, fields []string) ([]marketo.Lead, error) {
	var leads []marketo.Lead
	err := s.retry(ctx, func(ctx context.Context) (err error) {
		leads, err = ses.client.LeadsByID(ctx, ids, fields)
		return err
	})
	return leads, err
}

func idRange(from, to int64) []int64 {
	ids := make([]int64, 0, to-from+1)
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}

func text(lead marketo.Lead, name string) *string {
	if v, ok := lead[name]; ok {
		return &v
	}
	return nil
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
