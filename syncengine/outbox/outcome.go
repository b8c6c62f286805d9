package outbox

import (
	"math/rand/v2"
	"time"

	"salesactions/models"
	"salesactions/syncengine/failure"
)

// Outcome is what became of an attempt at a delivery.
type Outcome struct {
	ID       int64
	State    models.DeliveryState
	RemoteID string
	Reason   models.SkipReason // of skipped
	Hold     models.Hold       // of pending: what it waits for, apart from its turn
	Failure  failure.Failure   // of failed, and of pending and sending after an attempt
	Wait     time.Duration     // pending: before the next attempt; sending: before the outcome is looked for
	NotSent  bool              // the attempt does not count: nothing left this program
	Looked   bool              // the outcome was looked for
	InDoubt  bool              // the attempt had no answer: the record may be there
	Alone    bool              // of InDoubt: no other record was in the call
	Absent   bool              // it is proven that no attempt has put the record there
}

// Delivered says that it is there.
func Delivered(c Claimed, remoteID string) Outcome {
	return Outcome{ID: c.ID, State: models.Delivered, RemoteID: remoteID}
}

// Skipped says that it is not to be there.
func Skipped(c Claimed, reason models.SkipReason) Outcome {
	return Outcome{ID: c.ID, State: models.Skipped, Reason: reason}
}

// Parked is a failure that waiting does not mend: a person must act and press Retry.
func Parked(c Claimed, f failure.Failure) Outcome {
	return Outcome{ID: c.ID, State: models.Failed, Failure: f}
}

// Later is a failure that passes.
func Later(c Claimed, f failure.Failure, wait time.Duration) Outcome {
	return Outcome{ID: c.ID, State: models.Pending, Failure: f, Wait: wait}
}

// afterRefusal decides when a record that was refused is sent again, if ever.
func afterRefusal(c Claimed, what failure.Failure) Outcome {
	attempts := c.Times(what.Code)
	switch {
	case what.Retry == failure.Soon && (what.Tries == 0 || attempts < what.Tries):
		return Later(c, what, max(Backoff(attempts), what.After))
	case what.Retry == failure.Slow:
		return Later(c, what, max(slowRetry, what.After))
	}
	return Parked(c, what)
}

// Unsent puts a delivery back as if it had not been claimed.
func Unsent(c Claimed, wait time.Duration) Outcome {
	return Outcome{ID: c.ID, State: models.Pending, Wait: wait, NotSent: true}
}

// Unknown says that nobody knows; it is looked for after a while.
func Unknown(c Claimed, wait time.Duration) Outcome {
	return Outcome{ID: c.ID, State: models.Sending, Wait: wait}
}

// Unanswered is an attempt without an answer that could be believed, in a call for so
// many records. What is known of why is kept, for people to see.
func Unanswered(c Claimed, f failure.Failure, records int, wait time.Duration) Outcome {
	return Outcome{ID: c.ID, State: models.Sending, Failure: f, Wait: wait, InDoubt: true, Alone: records == 1}
}

// ProvenAbsent says that it is proven not to be there. It is sent again, unless it has
// been alone in so many calls without an answer that it is itself the reason.
func ProvenAbsent(c Claimed) Outcome {
	return Outcome{ID: c.ID, State: models.Pending, Absent: true}
}

const (
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
	slowRetry    = time.Hour
)

// Backoff is the pause before the attempt after the given one: exponential, with
// full jitter.
func Backoff(attempts int) time.Duration {
	longest := min(firstBackoff<<min(max(attempts-1, 0), 9), lastBackoff)
	return longest/10 + rand.N(longest)
}
