package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"salesactions/models"
)

// What only one process at a time does.
const (
	leaseExtract = "people_extract" // the copy and the reconciliation
	leaseCount   = "people_count"
	leaseFollow  = "people_follow"
	leaseReread  = "people_reread"
)

var (
	errPaused    = errors.New("the people sync was paused")
	errLeaseLost = errors.New("another process took this work over")
)

// holding runs work while this process holds a lease, and reports false when
// another process holds it. The work's context ends, with errPaused or
// errLeaseLost as its cause, when an admin pauses the sync or the lease is lost.
func (s *Sync) holding(ctx context.Context, lease string, work func(ctx context.Context) error) (bool, error) {
	l := models.Lease{Name: lease, Holder: uuid.NewString(), Lasting: s.cfg.Lease}
	held, err := models.AcquireLease(ctx, s.pool, l)
	if err != nil || !held {
		return false, err
	}
	working, stop := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		s.keepLease(working, l, stop)
	}()
	err = work(working)
	cause := context.Cause(working)
	stop(nil)
	<-kept
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if releaseErr := models.ReleaseLease(release, s.pool, l); releaseErr != nil {
		err = errors.Join(err, releaseErr)
	}
	if err != nil && (errors.Is(cause, errPaused) || errors.Is(cause, errLeaseLost)) {
		return true, nil // stopped on purpose, at a checkpoint
	}
	return true, err
}

// keepLease renews the lease and watches for a pause, until the context ends.
func (s *Sync) keepLease(ctx context.Context, lease models.Lease, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(min(s.cfg.Lease/4, time.Second))
	defer ticker.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		held, err := models.AcquireLease(ctx, s.pool, lease)
		switch {
		case err == nil && held:
			renewed = time.Now()
		case err == nil, time.Since(renewed) > s.cfg.Lease:
			stop(errLeaseLost)
			return
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
