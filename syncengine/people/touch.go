package people

import "github.com/jackc/pgx/v5"

// TouchAll queues people to be read again at once, in the caller's batch.
func (s *Sync) TouchAll(batch *pgx.Batch, people []int64) {
	batch.Queue(`INSERT INTO touched_people AS t (person_id, urgent, touched_at, due_at) SELECT DISTINCT id, true, $2::timestamptz, $2::timestamptz FROM unnest($1::bigint[]) id ORDER BY 1
		ON CONFLICT (person_id) DO UPDATE SET urgent = true, touched_at = $2, due_at = least(t.due_at, $2)`, people, s.cfg.Now())
}
