package org

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/outbox"
)

// Unknown is a delivery whose Task may have been created.
type Unknown struct {
	Sent
	DeliveryID int64
	Looks      int // for it, so far
}

// lookShares are when a Task of unknown outcome is looked for after it was sent, as
// shares of the time after which it may be sent again.
var lookShares = []float64{0.05, 0.2, 0.5, 1}

func (how Creating) lookWait(looks int) time.Duration {
	before := 0.0
	if looks > 0 {
		before = lookShares[min(looks, len(lookShares))-1]
	}
	share := lookShares[min(looks, len(lookShares)-1)] - before
	return max(time.Duration(share*float64(how.Settle)), 100*time.Millisecond)
}

// SettleUnknown looks for Tasks of unknown outcome. One that is found is delivered,
// with Looked set, unless it is among those that were there before. A look that failed
// is repeated after a while, or is an error where no other would fare better.
func (o *Org) SettleUnknown(ctx context.Context, unknown []Unknown, before map[uuid.UUID][]string, how Creating) ([]outbox.Outcome, error) {
	proofs, err := o.proofs(ctx, unknown)
	if err != nil {
		return nil, err
	}
	byField := map[string][]Unknown{} // so that one field that is gone keeps no others waiting
	for _, u := range unknown {
		p := proofs[u.DeliveryID]
		u.Scheme, u.Field = p.scheme, p.field
		byField[u.Field] = append(byField[u.Field], u)
	}
	var outcomes []outbox.Outcome
	for _, some := range byField {
		settled, err := o.settle(ctx, some, proofs, before, how)
		if outcomes = append(outcomes, settled...); err != nil {
			return outcomes, err
		}
	}
	return outcomes, nil
}

// proof is how a Task can be found again.
type proof struct {
	scheme Scheme
	field  string
	spent  bool // it has been alone in calls without an answer as often as makes sense
}

func (o *Org) proofs(ctx context.Context, unknown []Unknown) (map[int64]proof, error) {
	ids := make([]int64, len(unknown))
	for n, u := range unknown {
		ids[n] = u.DeliveryID
	}
	rows, err := o.pool.Query(ctx, `SELECT id, coalesce(scheme, CASE WHEN doubted_at IS NOT NULL THEN 'key' END, ''), coalesce(proof_field, ''),
		coalesce(doubts_left = 0, false) FROM deliveries WHERE id = ANY($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read how Tasks can be found again: %w", err)
	}
	proofs := make(map[int64]proof, len(unknown))
	var (
		id int64
		p  proof
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &p.scheme, &p.field, &p.spent}, func() error {
		proofs[id] = p
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read how Tasks can be found again: %w", err)
	}
	return proofs, nil
}

func (o *Org) settle(ctx context.Context, unknown []Unknown, proofs map[int64]proof, before map[uuid.UUID][]string, how Creating) ([]outbox.Outcome, error) {
	sent := make([]Sent, len(unknown))
	for n, u := range unknown {
		sent[n] = u.Sent
	}
	there, err := o.FindTasks(budget.For(ctx, budget.ProofOfTasks), sent)
	var paused *outbox.PausedError
	switch {
	case err == nil:
	case errors.As(err, &paused) && paused.Code == errFieldGone.Code:
		return outbox.ForAll(unknown, func(u Unknown) outbox.Outcome {
			kept := outbox.Parked(u.DeliveryID, outbox.Meaning(err))
			kept.InDoubt = true
			return kept
		}), nil
	case ctx.Err() != nil || !outbox.Meaning(err).Passing():
		return nil, err
	default:
		wait := outbox.Backoff(3)
		return outbox.ForAll(unknown, func(u Unknown) outbox.Outcome { return outbox.Unknown(u.DeliveryID, wait) }), nil
	}
	setup, _ := o.Now()
	return outbox.ForAll(unknown, func(u Unknown) outbox.Outcome {
		for _, id := range there[u.ID] {
			if !slices.Contains(before[u.ID], id) {
				found := outbox.Delivered(u.DeliveryID, id)
				found.Looked = true
				return found
			}
		}
		guarded := u.Scheme == SchemeKey && setup.Scheme == SchemeKey && u.Field == setup.KeyField && !proofs[u.DeliveryID].spent
		return how.absent(u, guarded)
	}), nil
}

// absent believes only a look that is made after the server can no longer be working
// on the request. Where Salesforce refuses a second with the same key, there is no need
// to wait before it is sent again, though the first may be there yet.
func (how Creating) absent(u Unknown, guarded bool) outbox.Outcome {
	switch {
	case u.Scheme == "" || u.At.IsZero() || time.Since(u.At) >= how.Settle:
		return outbox.Absent(u.DeliveryID)
	case guarded:
		return outbox.Outcome{ID: u.DeliveryID, State: models.Pending}
	}
	o := outbox.Unknown(u.DeliveryID, how.lookWait(u.Looks+1))
	o.Looked = true
	return o
}
