package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"salesactions/models"
)

// Config says how deliveries are made; zero values mean the defaults.
type Config struct {
	// MarketoSettle is the time between the two read-backs that must both miss an
	// activity before it is sent again; default 5 min, since Marketo's log shows rows
	// up to minutes late (Marketo REST: activities).
	MarketoSettle time.Duration
	// SalesforceSettle is how long a Task of unknown outcome must stay absent before it
	// is sent again, where no key field guards it; default 11 min, since a request may
	// run for 10 (Salesforce REST: limits, timeout of a call).
	SalesforceSettle time.Duration
	Calls            int           // calls in flight to each destination; default 4
	Lease            time.Duration // after which another replica takes over; default 12 s
	Linger           time.Duration // how long a run waits for more before it ends; default 5 s
	Log              *slog.Logger  // default slog.Default()
}

func (c Config) withDefaults() Config {
	c.MarketoSettle = cmp.Or(c.MarketoSettle, 5*time.Minute)
	c.SalesforceSettle = cmp.Or(c.SalesforceSettle, 11*time.Minute)
	c.Calls = cmp.Or(c.Calls, 4)
	c.Lease = cmp.Or(c.Lease, 12*time.Second)
	c.Linger = cmp.Or(c.Linger, 5*time.Second)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// lane is one kind of work at a destination; lanes of a destination work side by side.
type lane interface {
	// round looks once for work, does it, and returns how many rows it moved.
	round(ctx context.Context, run uuid.UUID) (int, error)
}

// Deliverer delivers to one destination, one run at a time across all replicas. It
// is safe for concurrent use.
type Deliverer struct {
	cfg     Config
	pool    *pgxpool.Pool
	to      models.Destination
	prepare func(ctx context.Context) error // before each run; an error pauses the destination
	lanes   []lane
	running atomic.Bool
}

// poll is how often a run looks for work that arrived.
const poll = 50 * time.Millisecond

// Run delivers until nothing is due and nothing came for a while. It returns at once
// when another run is delivering, or when the destination is paused. An error that
// keeps everything from being delivered pauses the destination, is kept for people to
// see, and is returned only when that failed.
func (d *Deliverer) Run(ctx context.Context) error {
	for { // again, because something may become due between a run's last look and its end
		due, err := d.due(ctx)
		if err != nil || !due {
			return err
		}
		worked, err := d.once(ctx)
		if err != nil || !worked {
			return err
		}
	}
}

// once is one run under the lease; false means that it could not begin.
func (d *Deliverer) once(ctx context.Context) (bool, error) {
	paused, err := paused(ctx, d.pool, d.to)
	if err != nil || paused {
		return false, err
	}
	run := uuid.New()
	lease, holder := "deliver:"+string(d.to), run.String()
	if got, err := models.AcquireLease(ctx, d.pool, lease, holder, d.cfg.Lease); err != nil || !got {
		return false, err
	}
	d.running.Store(true)
	working, cancel := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		d.keep(working, cancel, lease, holder)
	}()
	err = d.work(working, run)
	lost := errors.Is(context.Cause(working), errLeaseLost)
	cancel(nil)
	<-kept
	d.running.Store(false)
	release, stop := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer stop()
	switch {
	case lost:
		d.cfg.Log.WarnContext(ctx, "Another run may deliver now", "destination", d.to)
		return false, nil
	case err != nil && ctx.Err() == nil:
		d.cfg.Log.WarnContext(ctx, "Deliveries wait", "destination", d.to, "error", err)
		err = pause(release, d.pool, d.to, err)
		return false, errors.Join(err, models.ReleaseLease(release, d.pool, lease, holder))
	default: // done, or stopping: then the next run looks for what was on its way
		return ctx.Err() == nil, models.ReleaseLease(release, d.pool, lease, holder)
	}
}

// errLeaseLost ends a run whose lease another may have taken.
var errLeaseLost = errors.New("the lease of the deliveries was lost")

// keep renews the lease, and ends the run when that did not work in time.
func (d *Deliverer) keep(ctx context.Context, cancel context.CancelCauseFunc, lease, holder string) {
	ticker := time.NewTicker(d.cfg.Lease / 4)
	defer ticker.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		try, stop := context.WithTimeout(ctx, d.cfg.Lease/4)
		got, err := models.AcquireLease(try, d.pool, lease, holder, d.cfg.Lease)
		stop()
		switch {
		case err == nil && got:
			renewed = time.Now()
		case err == nil || time.Since(renewed) > d.cfg.Lease/2:
			cancel(errLeaseLost)
			return
		}
	}
}

// work runs the lanes until nothing is left for a while.
func (d *Deliverer) work(ctx context.Context, run uuid.UUID) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := orphans(ctx, d.pool, d.to, run); err != nil {
		return err
	}
	group, working := errgroup.WithContext(ctx)
	for _, l := range d.lanes {
		group.Go(func() error { return d.drive(working, l, run) })
	}
	return group.Wait()
}

func (d *Deliverer) drive(ctx context.Context, l lane, run uuid.UUID) error {
	last := time.Now()
	for {
		moved, err := l.round(ctx, run)
		if err != nil {
			return err
		}
		if moved > 0 {
			last = time.Now()
			continue
		}
		if time.Since(last) > d.cfg.Linger {
			return nil
		}
		if err := sleep(ctx, poll); err != nil {
			return err
		}
	}
}

// Running says that this process delivers now, so that work is seen without a nudge.
func (d *Deliverer) Running() bool { return d.running.Load() }

func (d *Deliverer) due(ctx context.Context) (bool, error) {
	var due bool
	err := d.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM deliveries WHERE destination = $1 AND due_at <= clock_timestamp()
			AND (state = 'pending' AND hold IS NULL OR state = 'sending'))`, d.to).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("look for due deliveries: %w", err)
	}
	return due, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
