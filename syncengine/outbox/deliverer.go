package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"salesactions/clock"
	"salesactions/models"
)

// Config says how runs go; zero values mean the defaults.
type Config struct {
	Lease  time.Duration // after which another replica takes over; default 12 s
	Linger time.Duration // how long a run waits for more before it ends; default 5 s
	Log    *slog.Logger  // default slog.Default()
}

// WithDefaults returns the configuration in force.
func (c Config) WithDefaults() Config {
	c.Lease = cmp.Or(c.Lease, 12*time.Second)
	c.Linger = cmp.Or(c.Linger, 5*time.Second)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Lane is one kind of work at a destination; lanes of a destination work side by side.
type Lane interface {
	// Round looks once for work, does it, and returns how many rows it moved. run is
	// who claims them.
	Round(ctx context.Context, run uuid.UUID) (int, error)
}

// Deliverer delivers to one destination, one run at a time across all replicas. It
// is safe for concurrent use.
type Deliverer struct {
	cfg     Config
	outbox  *Outbox
	to      models.Destination
	prepare func(ctx context.Context) error
	lanes   []Lane
	running atomic.Bool
}

// NewDeliverer returns a deliverer to a destination. prepare is called before each run;
// its error pauses the destination.
func (o *Outbox) NewDeliverer(to models.Destination, cfg Config, prepare func(context.Context) error, lanes ...Lane) *Deliverer {
	return &Deliverer{cfg: cfg.WithDefaults(), outbox: o, to: to, prepare: prepare, lanes: lanes}
}

// InTurn makes one lane of several whose calls must not run side by side.
func InTurn(lanes ...Lane) Lane { return inTurn(lanes) }

type inTurn []Lane

// Round implements Lane.
func (l inTurn) Round(ctx context.Context, run uuid.UUID) (int, error) {
	moved := 0
	for _, lane := range l {
		n, err := lane.Round(ctx, run)
		if moved += n; err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// poll is how often a run looks for work that arrived.
const poll = 50 * time.Millisecond

// Run delivers until nothing is due and nothing came for a while, or until its time is
// over (see Until). It returns at once when another run is delivering, or when the
// destination is paused. An error that keeps everything from being delivered pauses
// the destination, is kept for people to see, and is returned only when that failed.
func (d *Deliverer) Run(ctx context.Context) error {
	for !closing(ctx) { // again, because something may become due between a run's last look and its end
		due, err := d.due(ctx)
		if err != nil || !due {
			return err
		}
		worked, err := d.once(ctx)
		if err != nil || !worked {
			return err
		}
	}
	return nil
}

// once is one run under the lease; false means that it could not begin, or that the
// next one is not to begin at once.
func (d *Deliverer) once(ctx context.Context) (bool, error) {
	paused, err := d.outbox.Paused(ctx, d.to)
	if err != nil || paused {
		return false, err
	}
	run, worked := uuid.New(), false
	lease := models.Lease{Name: "deliver:" + string(d.to), Holder: run.String(), Lasting: d.cfg.Lease}
	_, err = models.WhileLeased(ctx, d.outbox.pool, d.outbox.clock, lease, func(working context.Context) error {
		d.running.Store(true)
		defer d.running.Store(false)
		err := d.work(working, run)
		if working.Err() != nil { // stopping, or another run may deliver: it looks for what was on its way
			return err
		}
		worked = err == nil
		return d.settle(ctx, err)
	})
	switch {
	case errors.Is(err, models.ErrLeaseLost):
		d.cfg.Log.WarnContext(ctx, "Another run may deliver now", "destination", d.to)
		return false, nil
	case ctx.Err() != nil:
		return false, nil
	}
	return worked, err
}

// settle notes how a run ended: a pause with its reason, or the end of one.
func (d *Deliverer) settle(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err == nil {
		return d.outbox.Unpause(ctx, d.to)
	}
	d.cfg.Log.WarnContext(ctx, "Deliveries wait", "destination", d.to, "error", err)
	return d.outbox.Pause(ctx, d.to, err)
}

// work runs the lanes until nothing is left for a while.
func (d *Deliverer) work(ctx context.Context, run uuid.UUID) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := d.outbox.Reclaim(ctx, run, d.to); err != nil {
		return err
	}
	group, working := errgroup.WithContext(ctx)
	ending := &ending{clock: d.outbox.clock, linger: d.cfg.Linger, moved: d.outbox.clock.Now()}
	for _, l := range d.lanes {
		group.Go(func() error { return d.drive(working, l, run, ending) })
	}
	return group.Wait()
}

// drive has a lane look for work until all lanes end.
func (d *Deliverer) drive(ctx context.Context, l Lane, run uuid.UUID, ending *ending) error {
	for !closing(ctx) && !ending.now() {
		ending.begin()
		moved, err := l.Round(ctx, run)
		ending.end(moved > 0)
		if err != nil {
			return err
		}
		if moved > 0 {
			continue
		}
		if err := clock.Sleep(ctx, d.outbox.clock, poll); err != nil {
			return err
		}
	}
	return nil
}

// Running says that this process delivers now, so that work is seen without a nudge.
func (d *Deliverer) Running() bool { return d.running.Load() }

// due says that there is something to deliver, or a pause whose cause is to be looked at
// again: what reads the destination pauses it too.
func (d *Deliverer) due(ctx context.Context) (bool, error) {
	var due bool
	err := d.outbox.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM deliveries WHERE destination = $1 AND due_at <= $2
			AND (state = 'pending' AND hold IS NULL OR state = 'sending'))
		OR EXISTS (SELECT FROM destinations WHERE name = $1 AND paused_class IS NOT NULL AND retry_at <= $2)`, d.to, d.outbox.clock.Now()).Scan(&due)
	if err != nil {
		return false, fmt.Errorf("look for due deliveries: %w", err)
	}
	return due, nil
}
