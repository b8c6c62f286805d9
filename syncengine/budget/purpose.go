package budget

import (
	"context"
	"sync/atomic"
)

// Purpose says what calls are for.
type Purpose struct {
	Name        string        // as usage is counted and shown: "initial sync"
	Interactive bool          // a person waits: goes before all other calls, and may use the whole day's budget
	Calls       *atomic.Int64 // counts the calls of one run; nil counts nothing
}

type purposeKey struct{}

// WithPurpose returns a context whose calls are for p.
func WithPurpose(ctx context.Context, p Purpose) context.Context {
	return context.WithValue(ctx, purposeKey{}, p)
}

func purposeOf(ctx context.Context) Purpose {
	if p, ok := ctx.Value(purposeKey{}).(Purpose); ok {
		return p
	}
	return Purpose{Name: "other"}
}

// For returns a context whose calls are counted under a name. Nobody waits for them;
// the name says how much of the day's budget they may use (see Limits).
func For(ctx context.Context, name string) context.Context {
	return WithPurpose(ctx, Purpose{Name: name})
}

// isLogging says that calls deliver what people and programs were promised: they go on
// when extracts and the reading of changes have used their part of the day's budget.
func (p Purpose) isLogging() bool {
	switch p.Name {
	case "activities", "proof of activities", "activity types", // to Marketo
		"proof of Tasks", "opportunities", "records", "reps", "setup", // to Salesforce
		"tasks", "opt-outs":
		return true
	default:
		return false
	}
}
