package people

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
)

// Extract works on the copy or the reconciliation that is in progress, until it is
// done, paused, or ctx ends; it does nothing when none is in progress or another
// process works on it. What it did stays done: called again, it goes on.
func (s *Sync) Extract(ctx context.Context) error {
	_, err := s.holding(ctx, leaseExtract, func(ctx context.Context) error {
		run, err := s.runInProgress(ctx)
		if err != nil || run == nil {
			return err
		}
		if paused, err := s.paused(ctx); err != nil || paused {
			return err
		}
		return s.work(ctx, *run)
	})
	return err
}

func (s *Sync) runInProgress(ctx context.Context) (*models.SyncRun, error) {
	var run models.SyncRun
	err := s.pool.QueryRow(ctx, `SELECT id, kind, started_at FROM sync_runs
		WHERE finished_at IS NULL AND kind <> 'follow' ORDER BY id LIMIT 1`).Scan(&run.ID, &run.Kind, &run.StartedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a run in progress: %w", err)
	}
	return &run, nil
}

// work is the story of a run: mark, plan, read the slices, finish.
func (s *Sync) work(ctx context.Context, run models.SyncRun) error {
	calls := &atomic.Int64{}
	ctx = budget.ForRun(ctx, runPurpose(run.Kind), calls)
	stop := s.reportCalls(ctx, run.ID, calls)
	defer stop()
	ses, err := s.session(ctx)
	if err != nil {
		return err
	}
	if err := s.mark(ctx, ses); err != nil {
		return err
	}
	if err := s.plan(ctx, ses, run); err != nil {
		return err
	}
	err = s.slices(ctx, ses, run)
	if failure.Classify(err).NoBulk && !ses.rule.Listed() {
		// Bulk extract is not to be had, now or at all: go on by ids.
		if err := s.planPaged(ctx, ses, run.ID); err != nil {
			return err
		}
		err = s.slices(ctx, ses, run)
	}
	if err != nil {
		return err
	}
	if run.Kind == models.RunReconcile {
		if err := s.compare(ctx, ses, run.ID); err != nil {
			return err
		}
	}
	return s.finish(ctx, run)
}

// slices works on all unfinished slices, several at a time: most of the time of a
// bulk job is waiting for Marketo.
func (s *Sync) slices(ctx context.Context, ses session, run models.SyncRun) error {
	rows, err := s.pool.Query(ctx, `SELECT position FROM sync_slices WHERE run_id = $1 AND state <> 'done'
		ORDER BY state = 'planned', position`, run.ID)
	if err != nil {
		return fmt.Errorf("read the unfinished slices: %w", err)
	}
	positions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return fmt.Errorf("read the unfinished slices: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.Exports)
	for _, position := range positions {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			w := &worker{Sync: s, ses: ses, run: run, position: position}
			if err := w.work(ctx); err != nil {
				return fmt.Errorf("slice %d: %w", position, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (s *Sync) finish(ctx context.Context, run models.SyncRun) error {
	return s.tx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE sync_runs SET finished_at = $2, outcome = 'done', total = processed WHERE id = $1`, run.ID, s.now())
		if err != nil {
			return fmt.Errorf("finish the run: %w", err)
		}
		for _, table := range []string{"sync_slices", "sync_samples", "reconcile_rows"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE run_id = $1`, run.ID); err != nil {
				return fmt.Errorf("clear %s of the run: %w", table, err)
			}
		}
		if run.Kind != models.RunCopy {
			return nil
		}
		_, err = tx.Exec(ctx, `UPDATE people_sync SET state = 'following', copied_at = $1`, s.now())
		if err != nil {
			return fmt.Errorf("begin to follow: %w", err)
		}
		return nil
	})
}

// reportCalls adds a run's calls to its row every second, and at the end.
func (s *Sync) reportCalls(ctx context.Context, runID int64, calls *atomic.Int64) (stop func()) {
	report := func(ctx context.Context) {
		made := calls.Swap(0)
		if made == 0 {
			return
		}
		if _, err := s.pool.Exec(ctx, `UPDATE sync_runs SET api_calls = api_calls + $2 WHERE id = $1`, runID, made); err != nil {
			calls.Add(made) // for the next report
		}
	}
	ticking, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := s.cfg.Clock.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticking.Done():
				return
			case <-ticker.Chan():
				report(ctx)
			}
		}
	}()
	return func() {
		cancel()
		<-done
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		report(last)
	}
}
