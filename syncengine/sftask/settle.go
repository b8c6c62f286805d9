package sftask

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
)

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
func (w *Writer) SettleUnknown(ctx context.Context, unknown []Sent, before map[uuid.UUID][]string, how Creating) ([]outbox.Outcome, error) {
	byField := map[string][]Sent{} // so that one field that is gone keeps no others waiting
	for _, u := range unknown {
		byField[u.ProofField] = append(byField[u.ProofField], u)
	}
	var outcomes []outbox.Outcome
	for _, some := range byField {
		settled, err := w.settle(ctx, some, before, how)
		if outcomes = append(outcomes, settled...); err != nil {
			return outcomes, err
		}
	}
	return outcomes, nil
}

func (w *Writer) settle(ctx context.Context, unknown []Sent, before map[uuid.UUID][]string, how Creating) ([]outbox.Outcome, error) {
	there, err := w.findTasks(budget.For(ctx, budget.ProofOfTasks), unknown)
	var paused *failure.PausedError
	switch {
	case err == nil:
	case errors.As(err, &paused) && paused.Code == errFieldGone.Code:
		return outbox.ForAll(unknown, func(c outbox.Claimed) outbox.Outcome {
			kept := outbox.Parked(c, failure.Classify(err))
			kept.InDoubt = true
			return kept
		}), nil
	case ctx.Err() != nil || !failure.Classify(err).Passing():
		return nil, err
	default:
		wait := outbox.Backoff(3)
		return outbox.ForAll(unknown, func(c outbox.Claimed) outbox.Outcome { return outbox.Unknown(c, wait) }), nil
	}
	outcomes := make([]outbox.Outcome, len(unknown))
	for n, u := range unknown {
		outcomes[n] = w.settled(u, there[u.Key], before[u.Key], how)
	}
	return outcomes, nil
}

// settled decides about one Task by the ids under which it was found.
func (w *Writer) settled(u Sent, found, before []string, how Creating) outbox.Outcome {
	for _, id := range found {
		if !slices.Contains(before, id) {
			there := outbox.Delivered(u.Claimed, id)
			there.Looked = true
			return there
		}
	}
	setup, _ := w.org.Known()
	guarded := org.Scheme(u.Scheme) == org.SchemeKey && setup.Scheme == org.SchemeKey && u.ProofField == setup.KeyField && !u.LastDoubt
	return how.absent(u.Claimed, guarded, w.outbox.Clock().Now())
}

// absent believes only a look that is made after the server can no longer be working
// on the request. Where Salesforce refuses a second with the same key, there is no need
// to wait before it is sent again, though the first may be there yet.
func (how Creating) absent(c outbox.Claimed, guarded bool, now time.Time) outbox.Outcome {
	switch {
	case c.Scheme == "" || c.SentAt.IsZero() || now.Sub(c.SentAt) >= how.Settle:
		return outbox.ProvenAbsent(c)
	case guarded:
		return outbox.Outcome{ID: c.ID, State: models.Pending}
	}
	o := outbox.Unknown(c, how.lookWait(c.Looks+1))
	o.Looked = true
	return o
}
