package people

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"salesactions/models"
)

// What only one process at a time does.
const (
	leaseExtract = "people_extract" // the copy and the reconciliation
	leaseCount   = "people_count"
	leaseFollow  = "people_follow"
	leaseReread  = "people_reread"
)

// pauseWatch is how soon work notices that an admin paused the sync.
const pauseWatch = time.Second

var errPaused = errors.New("the people sync was paused")

// holding runs work while this process holds a lease, and reports false when another
// process holds it. Work that ends because an admin paused the sync, or because the
// lease was lost, stopped at a checkpoint, which is not an error.
func (s *Sync) holding(ctx context.Context, lease string, work func(ctx context.Context) error) (bool, error) {
	held, err := models.WhileLeased(ctx, s.pool, s.cfg.Clock, models.Lease{Name: lease, Lasting: s.cfg.Lease}, func(ctx context.Context) error {
		return s.untilPaused(ctx, work)
	})
	if errors.Is(err, models.ErrLeaseLost) {
		return held, nil
	}
	return held, err
}

// untilPaused ends the context of work when an admin pauses the sync.
func (s *Sync) untilPaused(ctx context.Context, work func(ctx context.Context) error) error {
	working, stop := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { s.watchPause(working, stop) })
	err := work(working)
	paused := errors.Is(context.Cause(working), errPaused)
	stop(nil)
	watch.Wait()
	if paused {
		return nil
	}
	return err
}

func (s *Sync) watchPause(ctx context.Context, stop context.CancelCauseFunc) {
	ticker := s.cfg.Clock.NewTicker(pauseWatch)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.Chan():
		}
		if paused, err := s.paused(ctx); err == nil && paused {
			stop(errPaused)
			return
		}
	}
}

func (s *Sync) paused(ctx context.Context) (bool, error) {
	var paused bool
	err := s.pool.QueryRow(ctx, `SELECT paused_at IS NOT NULL FROM people_sync`).Scan(&paused)
	if err != nil {
		return false, fmt.Errorf("look whether the sync is paused: %w", err)
	}
	return paused, nil
}
