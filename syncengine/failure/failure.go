// Package failure decides, in one place, what an error of another system means:
// its class, a sentence in plain words, and what to do about it.
package failure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/salesforce"
)

// Class is the kind of an error, as diagnostics group them.
type Class string

// The classes.
const (
	Authentication Class = "authentication" // the connection is refused; nothing goes on until it is mended
	Access         Class = "access"         // a permission or a value; trying again does not help
	Setup          Class = "setup"          // a feature of the subscription is missing
	Limit          Class = "limit"          // rate, concurrency or quota; waiting helps
	Intermittent   Class = "intermittent"   // passes by itself
	Other          Class = "other"
)

// Failure is what an error means.
type Failure struct {
	Class  Class
	Code   string    // of the other system, or a word of ours
	Text   string    // what happened, one sentence
	Remedy string    // what to do, one sentence
	Until  time.Time // when it is over, where that is known

	Retry Retry         // when it is tried again by itself
	Heal  Heal          // what to do before, if anything
	Tries int           // most tries in all that make sense; 0 is no limit
	After time.Duration // pause at least so long, where the other system said so

	NoBulk        bool // bulk extract is not to be had, but single reads are
	QueueFull     bool // the queue of bulk jobs is full
	AlreadyQueued bool // the bulk job stands in the queue already
	Gone          bool // what was asked for is not there
	BadToken      bool // a place in a stream is not accepted
}

// Passing says that trying again after a while helps.
func (f Failure) Passing() bool {
	return f.Class == Intermittent || f.Class == Limit && f.Until.IsZero() && !f.QueueFull
}

// Halts says that nothing of that system will work until somebody acts.
func (f Failure) Halts() bool {
	return f.Class == Authentication || f.Class == Access || f.Class == Setup || f.Class == Other
}

// Classify says what an error means. nil is the zero Failure.
func Classify(err error) Failure {
	var (
		spent   *budget.SpentError
		call    *marketo.Error
		refusal *salesforce.Error
		paused  *PausedError
	)
	switch {
	case err == nil:
		return Failure{}
	case errors.As(err, &paused):
		return Failure{Class: paused.Class, Code: paused.Code, Text: paused.Text, Remedy: paused.Remedy}
	case errors.As(err, &spent):
		return ofSpent(spent)
	case errors.As(err, &call):
		return ofMarketo(call)
	case errors.As(err, &refusal):
		return ofSalesforce(refusal)
	case errors.Is(err, salesforce.ErrTooLong):
		return ofSalesforceStatus(http.StatusRequestURITooLong)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Failure{Class: Intermittent, Retry: Soon, Code: "interrupted", Text: "The work was interrupted.", Remedy: "It goes on by itself."}
	case isNetwork(err):
		return Failure{Class: Intermittent, Retry: Soon, Code: "network", Text: "The connection broke off.", Remedy: "It is tried again by itself."}
	default:
		return Failure{Class: Other, Retry: Soon, Code: "internal", Text: "Something went wrong here: " + err.Error() + ".",
			Remedy: "It is tried again by itself; the log has more."}
	}
}

// ofSpent says whose calls are used up. When those of the other system are, it is
// asked again now and then, since nobody tells how many are left.
func ofSpent(spent *budget.SpentError) Failure {
	f := Failure{Class: Limit, Retry: Slow, Code: "budget", Until: spent.Until, Text: upperFirst(spent.Error()) + ".",
		Remedy: "Work goes on by itself then. To go on sooner, raise the daily budget, if the subscription has calls to spare."}
	next := spent.Until.UTC().Format("15:04 UTC")
	switch {
	case spent.Ours:
	case spent.System == "marketo":
		f.Code, f.Text = "quota", "The Marketo subscription's daily quota of calls is used up."
		f.Remedy = "It is reset at midnight, US Central time, and work goes on by itself; Marketo is asked again at " + next + "."
	default:
		f.Code, f.Text = "quota", "The Salesforce org's calls of the last 24 hours are used up."
		f.Remedy = "They come free hour by hour, and work goes on by itself; Salesforce is asked again at " + next + "."
	}
	return f
}

func isSpent(err error) bool {
	var spent *budget.SpentError
	return errors.As(err, &spent) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network)
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// named makes a failure of a code's line in a table.
func named(system, code, detail string, l line) Failure {
	text := l.text
	if detail != "" {
		text = fmt.Sprintf("%s (%s says: %q.)", text, system, strings.TrimSuffix(detail, "."))
	}
	return Failure{Class: l.class, Code: code, Text: text, Remedy: l.remedy}
}

// line is what one code means.
type line struct {
	class  Class
	text   string
	remedy string
}
