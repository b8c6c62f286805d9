package budget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/semaphore"
)

// Limits are what we allow ourselves of another system's limits.
type Limits struct {
	System      string         // "marketo"
	Rate        int            // calls per Window
	Window      time.Duration  // Marketo: 20 s
	Concurrency int            // calls in flight; one of them is kept for interactive calls
	Daily       int64          // calls per day
	Reserve     int64          // of Daily, for interactive calls only; default a tenth
	Logging     int64          // of Daily, besides, for deliveries and opt-outs but not for extracts; default a tenth
	Zone        *time.Location // of the tz database, whose midnight starts the day; default UTC
	Lease       time.Duration  // how long a call of a killed process may still run; default 30 s
}

// Budget admits calls. It is safe for concurrent use.
type Budget struct {
	pool       *pgxpool.Pool
	clock      clockwork.Clock // for waits only: decisions take the database's time
	limits     Limits
	holder     string // this process
	all        *semaphore.Weighted
	background *semaphore.Weighted
	turn       *semaphore.Weighted // of the background call that waits for the clock
	trouble    trouble
}

// New returns a budget for one system, and makes its rows where they are missing.
// holder names this process among the replicas. Waits ask the clock.
func New(ctx context.Context, pool *pgxpool.Pool, clock clockwork.Clock, holder string, limits Limits) (*Budget, error) {
	if limits.Rate <= 0 || limits.Concurrency < 2 || limits.Daily <= 0 || limits.Window <= 0 {
		return nil, errors.New("the budget needs a rate, a window, at least two calls in flight and a daily number of calls")
	}
	limits.Reserve = cmp.Or(limits.Reserve, limits.Daily/10)
	limits.Logging = cmp.Or(limits.Logging, limits.Daily/10)
	limits.Lease = cmp.Or(limits.Lease, 30*time.Second)
	if limits.Zone == nil {
		limits.Zone = time.UTC
	}
	b := &Budget{
		pool: pool, clock: clock, limits: limits, holder: holder,
		all:        semaphore.NewWeighted(int64(limits.Concurrency)),
		background: semaphore.NewWeighted(int64(limits.Concurrency - 1)),
		turn:       semaphore.NewWeighted(1),
	}
	_, err := pool.Exec(ctx, `
		WITH pace AS (INSERT INTO api_pace (system) VALUES ($1) ON CONFLICT DO NOTHING)
		INSERT INTO api_slots (system, slot) SELECT $1, generate_series(0, $2::int - 1) ON CONFLICT DO NOTHING`,
		limits.System, limits.Concurrency)
	if err != nil {
		return nil, fmt.Errorf("make the budget's rows: %w", err)
	}
	return b, nil
}

// SpentError says that no calls are left today. Wait until Until.
type SpentError struct {
	System string
	Ours   bool // our own ceiling; false: the system said that its quota is used up
	Until  time.Time
}

func (e *SpentError) Error() string {
	system := strings.ToUpper(e.System[:1]) + e.System[1:]
	whose := "the subscription's daily quota of " + system + " calls"
	if e.Ours {
		whose = "our daily budget of " + system + " calls"
	}
	return fmt.Sprintf("%s is used up until %s", whose, e.Until.UTC().Format(time.RFC3339))
}
