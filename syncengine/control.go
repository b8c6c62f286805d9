package syncengine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesactions/models"
	"salesactions/syncengine/people"
)

// StartSync begins the initial sync. Errors: ErrNotConnected, ErrAlreadyRunning.
func (e *Engine) StartSync(ctx context.Context, actor string) error {
	if _, err := e.credentials(ctx); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE people_sync SET state = 'copying', paused_at = NULL, paused_by = NULL WHERE state = 'idle'`)
		if err != nil {
			return fmt.Errorf("begin to copy: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrAlreadyRunning
		}
		return e.startRun(ctx, tx, models.RunCopy, actor)
	})
	if err != nil {
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
	state, err := models.FindPeopleSync(ctx, e.db)
	if err != nil {
		return err
	}
	if state.State != models.PhaseFollowing {
		return ErrNeverCopied
	}
	err = pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		return e.startRun(ctx, tx, models.RunReconcile, actor)
	})
	if err != nil {
		return err
	}
	return e.began(ctx, actor, "sync.reconcile")
}

// startRun makes a run, of which only one of a kind may be in progress.
func (e *Engine) startRun(ctx context.Context, tx pgx.Tx, kind models.RunKind, actor string) error {
	_, err := tx.Exec(ctx, `INSERT INTO sync_runs (kind, started_by) VALUES ($1, $2)`, kind, actor)
	var constraint *pgconn.PgError
	if errors.As(err, &constraint) && constraint.ConstraintName == "sync_runs_one_in_progress" {
		return ErrAlreadyRunning
	}
	if err != nil {
		return fmt.Errorf("begin a run: %w", err)
	}
	return nil
}

func (e *Engine) began(ctx context.Context, actor, action string) error {
	if err := e.audit(ctx, actor, action, "", nil); err != nil {
		return err
	}
	e.tell(ctx)
	return e.nudge(ctx, jobExtract)
}

// PauseSync stops the copy at its next checkpoint, or the following of changes.
// Errors: ErrNotRunning.
func (e *Engine) PauseSync(ctx context.Context, actor string) error {
	tag, err := e.pool.Exec(ctx, `UPDATE people_sync SET paused_at = now(), paused_by = $1 WHERE state <> 'idle' AND paused_at IS NULL`, actor)
	if err != nil {
		return fmt.Errorf("pause the sync: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNotRunning
	}
	e.tell(ctx)
	return e.audit(ctx, actor, "sync.pause", "", nil)
}

// ResumeSync lets a paused sync go on, or one in trouble try again at once.
// Errors: ErrNotPaused.
func (e *Engine) ResumeSync(ctx context.Context, actor string) error {
	tag, err := e.pool.Exec(ctx, `UPDATE people_sync SET paused_at = NULL, paused_by = NULL
		WHERE state <> 'idle' AND (paused_at IS NOT NULL OR trouble_class IS NOT NULL)`)
	if err != nil {
		return fmt.Errorf("resume the sync: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNotPaused
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
	text, err := json.Marshal(people.Preview{State: "counting"})
	if err != nil {
		return fmt.Errorf("write that the count began: %w", err)
	}
	if _, err := e.pool.Exec(ctx, `UPDATE people_sync SET preview = $1, preview_at = now()`, text); err != nil {
		return fmt.Errorf("note that the count began: %w", err)
	}
	e.tell(ctx)
	return e.nudge(ctx, jobCount)
}

func (e *Engine) startNightlyReconcile(ctx context.Context) error {
	err := e.StartReconcile(ctx, "system")
	if errors.Is(err, ErrNeverCopied) || errors.Is(err, ErrAlreadyRunning) {
		return nil
	}
	return err
}

// tell lets live pages look again. That they do not is no error: they also look
// by themselves now and then.
func (e *Engine) tell(ctx context.Context) {
	if _, err := e.pool.Exec(ctx, `SELECT pg_notify('salesactions_live', 'sync')`); err != nil {
		e.log.WarnContext(ctx, "Live pages were not told", "error", err)
	}
}
