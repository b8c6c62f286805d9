package syncengine

import (
	"context"
	"errors"

	"salesactions/models"
	"salesactions/syncengine/activities"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

// MarketoTypes is what is known of our activity types in Marketo.
type MarketoTypes = activities.MarketoSetup

// How the kinds of activities are told apart in Marketo.
const (
	LayoutEight   = activities.LayoutEight
	LayoutGrouped = activities.LayoutGrouped
)

// errMarketoNotConnected is why nothing is delivered to Marketo.
var errMarketoNotConnected = failure.OwnMarketo("not_connected")

// MarketoTypes returns what was last found, nil when nobody has looked.
func (e *Engine) MarketoTypes(ctx context.Context) (*MarketoTypes, error) {
	return activities.LoadMarketoSetup(ctx, e.pool)
}

// SetUpMarketoTypes creates and approves what is missing, and lets deliveries begin.
// What is wrong is kept with what was found.
func (e *Engine) SetUpMarketoTypes(ctx context.Context, actor string) error {
	client, endpoint, err := e.marketoFor(ctx)
	if err != nil {
		return err
	}
	setup, err := activities.SetUpMarketo(budget.ForUser(ctx, budget.ActivityTypes), e.pool, e.outbox, client, endpoint)
	if auditErr := e.auditJSON(ctx, actor, "marketo.activity_types", string(setup.Layout), map[string]any{"slots_used": setup.SlotsUsed, "ready": err == nil}); auditErr != nil {
		return auditErr
	}
	if err != nil {
		return err
	}
	if err := e.outbox.Unpause(ctx, models.ToMarketo); err != nil {
		return err
	}
	return e.nudgeDeliveries(ctx)
}

// marketoFor gives deliveries the client of the connection in force and its address.
func (e *Engine) marketoFor(ctx context.Context) (*marketo.Client, string, error) {
	credentials, err := e.credentials(ctx)
	if err == nil {
		client, err := e.Marketo(ctx)
		return client, hostOf(credentials.Endpoint), err
	}
	if errors.Is(err, ErrNotConnected) {
		return nil, "", errMarketoNotConnected
	}
	return nil, "", err
}
