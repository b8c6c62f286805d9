package budget

import (
	"context"
	"sync/atomic"
)

// Purpose is what calls are for, in the words in which they are counted and shown.
type Purpose string

// The purposes. The table below says how urgent each is.
const (
	InitialSync     Purpose = "initial sync"
	IncrementalSync Purpose = "incremental sync"
	Reconciliation  Purpose = "reconciliation"
	CountPreview    Purpose = "count preview"
	Other           Purpose = "other" // of calls whose context names no purpose

	Activities        Purpose = "activities" // to Marketo or Salesforce
	ProofOfActivities Purpose = "proof of activities"
	ActivityTypes     Purpose = "activity types"
	ProofOfTasks      Purpose = "proof of Tasks"
	Opportunities     Purpose = "opportunities"
	Records           Purpose = "records"
	Reps              Purpose = "reps"
	Setup             Purpose = "setup"
	Tasks             Purpose = "tasks"
	OptOuts           Purpose = "opt-outs"

	SmartGrid        Purpose = "smart grid"
	ConnectionTest   Purpose = "connection test"
	UnsubscribeCheck Purpose = "unsubscribe check"
)

// Class says how urgent calls are, and so how much of the day's budget they may use
// (see Limits).
type Class string

// The classes, the least urgent first.
const (
	Extract     Class = "extract"     // reads people and changes: leaves two parts to the others
	Logging     Class = "logging"     // delivers what people and programs were promised: leaves the reserve
	Interactive Class = "interactive" // a person waits: goes before all other calls, and may use everything
)

// classes is the table of purposes.
var classes = map[Purpose]Class{
	InitialSync:     Extract,
	IncrementalSync: Extract,
	Reconciliation:  Extract,
	CountPreview:    Extract,
	Other:           Extract,

	Activities:        Logging,
	ProofOfActivities: Logging,
	ActivityTypes:     Logging,
	ProofOfTasks:      Logging,
	Opportunities:     Logging,
	Records:           Logging,
	Reps:              Logging,
	Setup:             Logging,
	Tasks:             Logging,
	OptOuts:           Logging,

	SmartGrid:        Interactive,
	ConnectionTest:   Interactive,
	UnsubscribeCheck: Interactive,
}

// intent is what the calls of a context are for.
type intent struct {
	purpose Purpose
	class   Class
	calls   *atomic.Int64 // counts them; nil counts nothing
}

type intentKey struct{}

func intentOf(ctx context.Context) intent {
	if i, ok := ctx.Value(intentKey{}).(intent); ok {
		return i
	}
	return intent{purpose: Other, class: classes[Other]}
}

// For returns a context whose calls are for p.
func For(ctx context.Context, p Purpose) context.Context {
	return context.WithValue(ctx, intentKey{}, intent{purpose: p, class: classes[p]})
}

// ForRun is like For, and adds the number of the calls to calls.
func ForRun(ctx context.Context, p Purpose, calls *atomic.Int64) context.Context {
	return context.WithValue(ctx, intentKey{}, intent{purpose: p, class: classes[p], calls: calls})
}

// ForUser is like For, of calls that a person waits for now, whatever the class of p.
func ForUser(ctx context.Context, p Purpose) context.Context {
	return context.WithValue(ctx, intentKey{}, intent{purpose: p, class: Interactive})
}
