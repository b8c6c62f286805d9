package delivery

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/syncengine/failure"
)

// halve sends the halves of a call that was refused because of one of its rows, which
// stands alone in the end.
func halve[T any](items []item, batch []T, send func([]item, []T) ([]outcome, error)) ([]outcome, error) {
	half := len(items) / 2
	first, err := send(items[:half], batch[:half])
	if err != nil {
		return append(first, forAll(items[half:], func(i item) outcome { return unsent(i.ID, 0) })...), err
	}
	second, err := send(items[half:], batch[half:])
	return append(first, second...), err
}

// settle stores what a look for rows of unknown outcome found. A look that failed is
// repeated after a while, or ends the run where no other would fare better.
func settle(ctx context.Context, pool *pgxpool.Pool, run uuid.UUID, items []item, there map[uuid.UUID]string, err error, absent func(item) outcome) (int, error) {
	if err != nil {
		if ctx.Err() != nil || !failure.Classify(err).Passing() {
			return 0, err
		}
		wait := backoff(3)
		return len(items), record(ctx, pool, run, forAll(items, func(i item) outcome { return unknown(i.ID, wait) }))
	}
	return len(items), record(ctx, pool, run, forAll(items, func(i item) outcome {
		if id, found := there[i.ActivityID]; found {
			return delivered(i.ID, id)
		}
		return absent(i)
	}))
}

func forAll(items []item, what func(item) outcome) []outcome {
	outcomes := make([]outcome, len(items))
	for n, i := range items {
		outcomes[n] = what(i)
	}
	return outcomes
}
