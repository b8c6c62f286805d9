package budget

import (
	"context"
	"sync/atomic"
)

// Purpose says what calls are for.
type Purpose struct {
	Name        string        // as usage is counted and shown: "initial sync"
	Interactive bool          // a person waits: goes before background work, and may use the reserve
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

// For returns a context whose calls are counted under a name, in the background.
func For(ctx context.Context, name string) context.Context {
	return WithPurpose(ctx, Purpose{Name: name})
}
