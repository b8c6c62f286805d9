// Package pauses decides when work that another system refuses is tried again. The
// people sync and the deliveries pause by these rules; each stores its pause in a row
// of its own.
package pauses

import (
	"time"

	"salesactions/syncengine/failure"
)

const (
	// first and last are the shortest and the longest wait: the longer a pause lasts,
	// the later it is tried again.
	first = 5 * time.Second
	last  = 5 * time.Minute
	// slow is the wait after what passes slowly, such as a full data storage.
	slow = time.Hour
	// quotaProbe is how long a spent quota is believed before it is asked again: an
	// admin may have raised it.
	quotaProbe = 15 * time.Minute
)

// Pause says why work waits, since when, and when it is tried again.
type Pause struct {
	Class   failure.Class
	Code    string
	Text    string
	Remedy  string
	Since   time.Time
	RetryAt time.Time
}

// Waits says that the next try is not due yet. It is false for nil, which is no pause.
func (p *Pause) Waits(now time.Time) bool { return p != nil && p.RetryAt.After(now) }

// Next returns the pause that a failure begins, or continues where before is the pause
// so far; nil is none. The same cause keeps its beginning. Another code of the same
// class begins again, but waits as long as the pause before it had grown.
func Next(what failure.Failure, before *Pause, now time.Time) Pause {
	p := Pause{Class: what.Class, Code: what.Code, Text: what.Text, Remedy: what.Remedy, Since: now}
	if before != nil && before.Class == what.Class && before.Code == what.Code {
		p.Since = before.Since
	}
	if !what.Until.IsZero() {
		p.RetryAt = earlier(what.Until, now.Add(quotaProbe))
		return p
	}
	shortest, longest := limits(what)
	var grown time.Duration
	if before != nil && before.Class == what.Class {
		grown = now.Sub(before.Since) / 2
	}
	p.RetryAt = now.Add(min(max(grown, shortest), longest))
	return p
}

// limits are the shortest and the longest wait after a failure.
func limits(what failure.Failure) (shortest, longest time.Duration) {
	switch {
	case what.Retry != failure.Slow:
		return first, last
	case what.Class == failure.Limit || what.Code == "REQUEST_LIMIT_EXCEEDED": // Salesforce's calls of a day
		return quotaProbe, quotaProbe
	}
	return slow, slow
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
