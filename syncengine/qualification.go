package syncengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"salesactions/models"
	"salesactions/syncengine/people"
)

// settingQualification is the settings group with the rule that selects people.
const settingQualification = "qualification"

// Qualification is the rule that selects people, as Settings edits it.
type Qualification struct {
	people.Rule
	Version int64 // of the group; guards against lost edits
}

// Qualification returns the rule in force.
func (e *Engine) Qualification(ctx context.Context) (Qualification, error) {
	q := Qualification{Rule: people.Rule{Mode: people.ModeOwnerField}}
	var err error
	q.Version, err = models.LoadSetting(ctx, e.db, settingQualification, &q.Rule)
	return q, err
}

// Rule returns the rule in force for the people sync.
func (e *Engine) Rule(ctx context.Context) (people.Rule, error) {
	q, err := e.Qualification(ctx)
	return q.Rule, err
}

// SaveQualification saves the rule, and reconciles with it if the sync follows.
// Errors: *InvalidError, models.ErrConflict.
func (e *Engine) SaveQualification(ctx context.Context, q Qualification, actor string) error {
	if err := q.Validate(); err != nil {
		return &InvalidError{"mode", err.Error()}
	}
	if err := models.SaveSetting(ctx, e.db, settingQualification, q.Rule, q.Version, actor); err != nil {
		return err
	}
	details, err := json.Marshal(q.Rule)
	if err != nil {
		return fmt.Errorf("write the rule: %w", err)
	}
	if err := e.audit(ctx, actor, "qualification.save", string(q.Mode), details); err != nil {
		return err
	}
	err = e.StartReconcile(ctx, actor)
	if errors.Is(err, ErrNeverCopied) || errors.Is(err, ErrAlreadyRunning) || errors.Is(err, ErrNotConnected) {
		return nil
	}
	return err
}
