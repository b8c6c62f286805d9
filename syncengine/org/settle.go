package org

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
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
	sent := make([]Sent, len(unknown))
	for n, u := range unknown {
		sent[n] = u.Sent
	}
	there, err := o.FindTasks(budget.For(ctx, "proof of Tasks"), sent)
	if err != nil {
		if ctx.Err() != nil || !failure.Classify(err).Passing() {
			return nil, err
		}
		wait := outbox.Backoff(3)
		return outbox.ForAll(unknown, func(u Unknown) outbox.Outcome { return outbox.Unknown(u.DeliveryID, wait) }), nil
	}
	return outbox.ForAll(unknown, func(u Unknown) outbox.Outcome {
		for _, id := range there[u.ID] {
			if !slices.Contains(before[u.ID], id) {
				found := outbox.Delivered(u.DeliveryID, id)
				found.Looked = true
				return found
			}
		}
		return how.absent(u)
	}), nil
}

// absent believes only a look that is made after the server can no longer be working
// on the request; with a key field there is no need to wait.
func (how Creating) absent(u Unknown) outbox.Outcome {
	if u.Scheme == SchemeKey || u.Scheme == "" || u.At.IsZero() || time.Since(u.At) >= how.Settle {
		return outbox.Outcome{ID: u.DeliveryID, State: models.Pending}
	}
	o := outbox.Unknown(u.DeliveryID, how.lookWait(u.Looks+1))
	o.Looked = true
	return o
}
