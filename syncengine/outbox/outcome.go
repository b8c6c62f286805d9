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
	Unsent   bool              // the attempt does not count: nothing left this program
	Looked   bool              // the outcome was looked for
	InDoubt  bool              // the attempt had no answer: the record may be there
	Alone    bool              // of InDoubt: no other record was in the call
	Absent   bool              // it is proven that no attempt has put the record there
}

// Delivered says that it is there.
func Delivered(id int64, remoteID string) Outcome {
	return Outcome{ID: id, State: models.Delivered, RemoteID: remoteID}
}

// Skipped says that it is not to be there.
func Skipped(id int64, reason models.SkipReason) Outcome {
	return Outcome{ID: id, State: models.Skipped, Reason: reason}
}

// Parked is a failure that waiting does not mend: somebody must act and press Retry.
func Parked(id int64, f failure.Failure) Outcome {
	return Outcome{ID: id, State: models.Failed, Failure: f}
}

// Later is a failure that passes.
func Later(id int64, f failure.Failure, wait time.Duration) Outcome {
	return Outcome{ID: id, State: models.Pending, Failure: f, Wait: wait}
}

// Again decides when a record that was refused is sent again, if ever. attempts are
// those that ended with this failure, the last one among them.
func Again(id int64, attempts int, what failure.Failure) Outcome {
	switch {
	case what.Retry == failure.Soon && (what.Tries == 0 || attempts < what.Tries):
		return Later(id, what, max(Backoff(attempts), what.After))
	case what.Retry == failure.Slow:
		return Later(id, what, slowRetry)
	}
	return Parked(id, what)
}

// Unsent puts a delivery back as if it had not been claimed.
func Unsent(id int64, wait time.Duration) Outcome {
	return Outcome{ID: id, State: models.Pending, Wait: wait, Unsent: true}
}

// Unknown says that nobody knows; it is looked for after a while.
func Unknown(id int64, wait time.Duration) Outcome {
	return Outcome{ID: id, State: models.Sending, Wait: wait}
}

// Unanswered is an attempt without an answer that could be believed, in a call for so
// many records. What is known of why is kept, for people to see.
func Unanswered(id int64, f failure.Failure, records int, wait time.Duration) Outcome {
	return Outcome{ID: id, State: models.Sending, Failure: f, Wait: wait, InDoubt: true, Alone: records == 1}
}

// Absent says that it is proven not to be there. It is sent again, unless it has been
// alone in so many calls without an answer that it is itself the reason.
func Absent(id int64) Outcome {
	return Outcome{ID: id, State: models.Pending, Absent: true}
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
