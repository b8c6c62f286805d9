package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesactions/models"
)

// What callers decide on.
var (
	ErrAlreadyRunning = errors.New("this is running already")
	ErrNotRunning     = errors.New("the sync is not running")
	ErrNotPaused      = errors.New("the sync is not paused")
	ErrNeverCopied    = errors.New("the initial sync has not been completed yet")
)

// BeginCopy begins the initial sync, once in the life of a workspace. Errors:
// ErrAlreadyRunning.
func (s *Sync) BeginCopy(ctx context.Context, actor string) error {
	return s.tx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE people_sync SET state = 'copying', paused_at = NULL, paused_by = NULL WHERE state = 'idle'`)
		if err != nil {
			return fmt.Errorf("begin to copy: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrAlreadyRunning
		}
		return s.beginRun(ctx, tx, models.RunCopy, actor)
	})
}

// BeginReconcile begins a reconciliation. Errors: ErrNeverCopied, ErrAlreadyRunning.
func (s *Sync) BeginReconcile(ctx context.Context, actor string) error {
	return s.tx(ctx, func(tx pgx.Tx) error {
		var state models.SyncPhase
		if err := tx.QueryRow(ctx, `SELECT state FROM people_sync`).Scan(&state); err != nil {
			return fmt.Errorf("read the state of the people sync: %w", err)
		}
		if state != models.PhaseFollowing {
			return ErrNeverCopied
		}
		return s.beginRun(ctx, tx, models.RunReconcile, actor)
	})
}

// beginRun makes a run, of which only one of a kind may be in progress.
func (s *Sync) beginRun(ctx context.Context, tx pgx.Tx, kind models.RunKind, actor string) error {
	_, err := tx.Exec(ctx, `INSERT INTO sync_runs (kind, started_by, started_at) VALUES ($1, $2, $3)`, kind, actor, s.now())
	var constraint *pgconn.PgError
	if errors.As(err, &constraint) && constraint.ConstraintName == "sync_runs_one_in_progress" {
		return ErrAlreadyRunning
	}
	if err != nil {
		return fmt.Errorf("begin a run: %w", err)
	}
	return nil
}

// Pause stops the copy at its next checkpoint, or the following of changes.
// Errors: ErrNotRunning.
func (s *Sync) Pause(ctx context.Context, actor string) error {
	return s.tx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE people_sync SET paused_at = $2, paused_by = $1 WHERE state <> 'idle' AND paused_at IS NULL`, actor, s.now())
		if err != nil {
			return fmt.Errorf("pause the sync: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrNotRunning
		}
		return nil
	})
}

// Resume lets a paused sync go on. One in trouble is resumed by ForgetTrouble, which
// goes with it.
// Errors: ErrNotPaused.
func (s *Sync) Resume(ctx context.Context) error {
	return s.tx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE people_sync SET paused_at = NULL, paused_by = NULL
			WHERE state <> 'idle' AND (paused_at IS NOT NULL OR trouble_class IS NOT NULL)`)
		if err != nil {
			return fmt.Errorf("resume the sync: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrNotPaused
		}
		return nil
	})
}

// BeginCount notes that a count is coming, for Settings to show; Count counts.
func (s *Sync) BeginCount(ctx context.Context) error {
	return s.savePreview(ctx, Preview{State: "counting"})
}

// LatestCount returns the last count, or the one in progress; nil where there was none.
func (s *Sync) LatestCount(ctx context.Context) (*Preview, error) {
	var text []byte
	if err := s.pool.QueryRow(ctx, `SELECT preview FROM people_sync`).Scan(&text); err != nil {
		return nil, fmt.Errorf("read the count: %w", err)
	}
	if text == nil {
		return nil, nil
	}
	preview := &Preview{}
	if err := json.Unmarshal(text, preview); err != nil {
		return nil, fmt.Errorf("read the count: %w", err)
	}
	return preview, nil
}
