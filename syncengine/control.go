package syncengine

import (
	"context"
	"errors"
)

// StartSync begins the initial sync. Errors: ErrNotConnected, ErrAlreadyRunning.
func (e *Engine) StartSync(ctx context.Context, actor string) error {
	if _, err := e.credentials(ctx); err != nil {
		return err
	}
	if err := e.people.BeginCopy(ctx, actor); err != nil {
		return err
	}
	if err := e.forgetTrouble(ctx); err != nil {
		return err
	}
	return e.began(ctx, actor, "sync.start")
}

// StartReconcile begins a reconciliation.
// Errors: ErrNotConnected, ErrAlreadyRunning, ErrNeverCopied.
func (e *Engine) StartReconcile(ctx context.Context, actor string) error {
	if _, err := e.credentials(ctx); err != nil {
		return err
	}
	if err := e.people.BeginReconcile(ctx, actor); err != nil {
		return err
	}
	return e.began(ctx, actor, "sync.reconcile")
}

func (e *Engine) began(ctx context.Context, actor, action string) error {
	if err := e.audit(ctx, actor, action, "", nil); err != nil {
		return err
	}
	return e.nudge(ctx, jobExtract)
}

// PauseSync stops the copy at its next checkpoint, or the following of changes.
// Errors: ErrNotRunning.
func (e *Engine) PauseSync(ctx context.Context, actor string) error {
	if err := e.people.Pause(ctx, actor); err != nil {
		return err
	}
	return e.audit(ctx, actor, "sync.pause", "", nil)
}

// ResumeSync lets a paused sync go on, or one in trouble try again at once.
// Errors: ErrNotPaused.
func (e *Engine) ResumeSync(ctx context.Context, actor string) error {
	if err := e.people.Resume(ctx); err != nil {
		return err
	}
	if err := e.forgetTrouble(ctx); err != nil {
		return err
	}
	if err := e.began(ctx, actor, "sync.resume"); err != nil {
		return err
	}
	return e.nudge(ctx, jobFollow)
}

// StartPreview counts who qualifies, in the background; Status has the result.
// Errors: ErrNotConnected.
func (e *Engine) StartPreview(ctx context.Context, _ string) error {
	if _, err := e.credentials(ctx); err != nil {
		return err
	}
	if err := e.people.BeginCount(ctx); err != nil {
		return err
	}
	return e.nudge(ctx, jobCount)
}

func (e *Engine) startNightlyReconcile(ctx context.Context) error {
	err := e.StartReconcile(ctx, "system")
	if errors.Is(err, ErrNeverCopied) || errors.Is(err, ErrAlreadyRunning) {
		return nil
	}
	return err
}
