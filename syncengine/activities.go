package syncengine

import (
	"context"
	"encoding/json"
	"fmt"

	"salesactions/models"
	"salesactions/syncengine/activities"
	"salesactions/syncengine/outbox"
)

// What programs send and are told; package activities has the rules.
type (
	ActivityInput   = activities.Input
	ActivityResult  = activities.Result
	ActivityInvalid = activities.InvalidError
)

// What became of an activity that was sent.
const (
	ActivityCreated   = activities.Created
	ActivityDuplicate = activities.Duplicate
	ActivityIsInvalid = activities.Invalid
)

// MaxActivities is how many activities one batch may have.
const MaxActivities = 1000

// RecordActivities records a batch of one API token, each once, with the deliveries
// that the settings ask for, and has them delivered.
func (e *Engine) RecordActivities(ctx context.Context, tokenID int64, inputs []ActivityInput) ([]ActivityResult, error) {
	logging, _, err := models.LoadLogging(ctx, e.db)
	if err != nil {
		return nil, err
	}
	results, err := e.recorder.Record(ctx, tokenID, inputs, logging)
	if err != nil {
		return nil, err
	}
	return results, e.nudgeDeliveries(ctx)
}

// RetryDelivery tries one failed delivery again. Errors: models.ErrNotFound where it
// is none that failed.
func (e *Engine) RetryDelivery(ctx context.Context, id int64, actor string) error {
	n, err := e.retry(ctx, outbox.Failed{ID: id}, actor, fmt.Sprintf("delivery %d", id))
	if err == nil && n == 0 {
		return fmt.Errorf("retry a delivery: %w", models.ErrNotFound)
	}
	return err
}

// RetryGroup tries all deliveries to a destination that failed with a code again,
// and returns how many.
func (e *Engine) RetryGroup(ctx context.Context, to models.Destination, code, actor string) (int64, error) {
	return e.retry(ctx, outbox.Failed{Destination: to, Code: &code}, actor, to.Name()+" "+code)
}

// RetryAll tries everything that failed again, and returns how many.
func (e *Engine) RetryAll(ctx context.Context, actor string) (int64, error) {
	return e.retry(ctx, outbox.Failed{}, actor, "all")
}

func (e *Engine) retry(ctx context.Context, which outbox.Failed, actor, subject string) (int64, error) {
	n, err := e.outbox.Retry(ctx, which)
	if err != nil || n == 0 {
		return n, err
	}
	details, err := json.Marshal(map[string]int64{"deliveries": n})
	if err != nil {
		return n, fmt.Errorf("write what was retried: %w", err)
	}
	if err := e.audit(ctx, actor, "deliveries.retry", subject, details); err != nil {
		return n, err
	}
	return n, e.nudgeDeliveries(ctx)
}
