package people

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// touchAgain is how a new hint about a person changes the one that is there. Its time
// always moves, even where the clock stood still or another process's is behind: a read
// that began before must not take the hint for the one that it dealt with.
const touchAgain = `touched_at = greatest(EXCLUDED.touched_at, t.touched_at + interval '1 microsecond'), due_at = least(t.due_at, EXCLUDED.due_at)`

const touchUrgentlySQL = `
	INSERT INTO touched_people AS t (person_id, urgent, touched_at, due_at)
	SELECT DISTINCT id, true, $2::timestamptz, $2::timestamptz FROM unnest($1::bigint[]) AS id ORDER BY 1
	ON CONFLICT (person_id) DO UPDATE SET urgent = true, ` + touchAgain

// Touch asks for a person to be read again soon, as a webhook does.
func (s *Sync) Touch(ctx context.Context, id int64) error {
	_, err := s.pool.Exec(ctx, touchUrgentlySQL, []int64{id}, s.now())
	if err != nil {
		return fmt.Errorf("put a person into the inbox: %w", err)
	}
	return nil
}

// TouchAll queues people to be read again at once, in the caller's batch.
func (s *Sync) TouchAll(batch *pgx.Batch, people []int64) {
	batch.Queue(touchUrgentlySQL, people, s.now())
}
