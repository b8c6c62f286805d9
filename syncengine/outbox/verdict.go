package outbox

import (
	"context"
	"errors"
	"time"

	"salesactions/models"
	"salesactions/syncengine/failure"
)

// Row is what a lane sends as one record: a delivery, or several that one record covers.
type Row interface {
	Deliveries() []Claimed
}

// Rules are what a lane says of its calls. The zero value is a call that may be made
// twice without harm.
type Rules struct {
	// Unanswered decides about a record that may be there now, in a call for so many. nil
	// says that the call may simply be made again: it says how something is to be, or is
	// read again before it is made.
	Unanswered func(c Claimed, what failure.Failure, records int) Outcome
	// Refresh reads again which fields the destination has. nil: it has no such thing.
	Refresh func(context.Context) error
	// TooMany shrinks where a call had more records than the destination bears.
	TooMany *Gauge
}

// HealAttempts is how often a record is tried that was mended without anyone's doing.
const HealAttempts = 4

// verdict is what a call that failed as a whole means for its records.
type verdict string

const (
	isUnanswered  verdict = "unanswered"   // they may be there
	isNotAdmitted verdict = "not admitted" // the call was not made: its turn came too late
	isStopping    verdict = "stopping"     // the call was not made: the program stops
	isPauses      verdict = "pauses"       // no other call would fare better
	isPasses      verdict = "passes"       // they are tried again later
	isRefreshes   verdict = "refreshes"    // the destination has other fields than we know
	isSpoilt      verdict = "spoilt"       // one of them spoils the call: it is made in halves
	isRefused     verdict = "refused"      // the one that stood alone is the reason
)

// judge is the one table that decides what a failed call means. The first line that fits
// counts; the order is part of the rule. A call that may have been carried out is never
// taken for another kind of failure, and a record is blamed only when it stood alone.
func judge(ctx context.Context, err error, rows []Row, rules Rules) verdict {
	what := failure.Classify(err)
	spent := what.Tries > 0 && timesOf(rows, what.Code) >= what.Tries
	for _, line := range []struct {
		fits bool
		then verdict
	}{
		{failure.Unanswered(err), isUnanswered},
		{errors.Is(err, ErrNotAdmitted), isNotAdmitted},
		{ctx.Err() != nil, isStopping},
		{what.Pauses(), isPauses},
		{what.Retry == failure.Soon && !spent, isPasses},
		{what.RefreshesSetup() && rules.Refresh != nil && timesOf(rows, what.Code) < HealAttempts, isRefreshes},
		{!failure.SpoiltByOne(err), isPauses},
		{len(rows) == 1, isRefused},
	} {
		if line.fits {
			return line.then
		}
	}
	return isSpoilt
}

// timesOf is how many attempts in a row have ended with a code, of the record of a call
// that has been tried most often.
func timesOf(rows []Row, code string) int {
	most := 0
	for _, row := range rows {
		for _, c := range row.Deliveries() {
			most = max(most, c.Times(code))
		}
	}
	return most
}

// FailedCall decides what a call that failed as a whole means for its rows, and makes it
// again in halves where one of them may be the reason. An error besides the outcomes
// means that nothing more can be sent now.
func FailedCall[T Row](ctx context.Context, err error, rows []T, rules Rules, send func([]T) ([]Outcome, error)) ([]Outcome, error) {
	what := failure.Classify(err)
	if what.Heal == failure.HealSmallerBatch && rules.TooMany != nil {
		rules.TooMany.Shrink(len(rows), 4, 1)
	}
	of := make([]Row, len(rows))
	for n, row := range rows {
		of[n] = row
	}
	switch judge(ctx, err, of, rules) {
	case isUnanswered:
		return ForAll(rows, func(c Claimed) Outcome { return rules.unanswered(c, what, len(rows)) }), nil
	case isNotAdmitted:
		return ForAll(rows, func(c Claimed) Outcome { return Unsent(c, TurnPause) }), nil
	case isStopping:
		return NotSent(rows), nil
	case isPasses:
		return ForAll(rows, func(c Claimed) Outcome { return afterRefusal(c, what) }), nil
	case isRefreshes:
		return ForAll(rows, func(c Claimed) Outcome { return Later(c, what, time.Second) }), rules.Refresh(ctx)
	case isRefused:
		return ForAll(rows, func(c Claimed) Outcome { return Parked(c, what) }), nil
	case isSpoilt:
		half := len(rows) / 2
		return Each([][]T{rows[:half], rows[half:]}, send)
	}
	return NotSent(rows), err
}

// unanswered decides about a record of a call that had no answer. Where the call may be
// made twice, it is made again, unless the record was alone in so many such calls that it
// is itself the reason.
func (r Rules) unanswered(c Claimed, what failure.Failure, records int) Outcome {
	if r.Unanswered != nil {
		return r.Unanswered(c, what, records)
	}
	if records == 1 && what.Tries > 0 && c.Times(what.Code) >= what.Tries+AloneAfter {
		return Parked(c, what)
	}
	o := Unanswered(c, what, 0, max(Backoff(c.Times(what.Code)), what.After))
	o.State = models.Pending
	return o
}

// Refused decides about one record that the destination refused, of a call for so many
// that it carried out. healed says that the lane mends the record before it is sent again.
func Refused(c Claimed, what failure.Failure, records int, healed bool) Outcome {
	switch {
	case what.Heal == failure.HealSmallerBatch && what.Retry == failure.Never && records > 1:
		return Later(c, what, 0)
	case healed && c.Times(what.Code) < HealAttempts:
		return Later(c, what, 0)
	}
	return afterRefusal(c, what)
}
