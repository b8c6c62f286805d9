package budget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
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
	Zone        *time.Location // whose midnight starts the day; default UTC
	Lease       time.Duration  // how long a call of a killed process may still run; default 30 s
}

// slack spaces calls a little wider than the window divided by the rate, so that
// calls which travel at different speeds still arrive within the limit.
const slack = 1.02

// maxAhead is how long before its time a background call is admitted at the most. What
// was admitted cannot be overtaken any more, and the way to the database takes no longer.
const maxAhead = 50 * time.Millisecond

// Budget admits calls. It is safe for concurrent use.
type Budget struct {
	pool       *pgxpool.Pool
	limits     Limits
	holder     string // this process
	all        *semaphore.Weighted
	background *semaphore.Weighted
	turn       *semaphore.Weighted // of the background call that waits for the clock
	trouble    trouble
}

// New returns a budget for one system, and makes its rows where they are missing.
// holder names this process among the replicas.
func New(ctx context.Context, pool *pgxpool.Pool, holder string, limits Limits) (*Budget, error) {
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
		pool: pool, limits: limits, holder: holder,
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

// admission is a place among the calls in flight.
type admission struct {
	slot int
	wait time.Duration // before the call may be sent; before the next try, if it is early
}

// acquire waits for a place in flight and for the clock. An interactive call takes the
// next tick; a background call takes one only when it is about to come, so that those
// that wait make way. Calls that were admitted count as made.
func (b *Budget) acquire(ctx context.Context, p Purpose) (admission, error) {
	for {
		a, state, err := b.tryAcquire(ctx, p)
		if err != nil || state == admitted {
			return a, err
		}
		pause := 25 * time.Millisecond // another process holds the places
		switch state {
		case blocked:
			pause = 250 * time.Millisecond
		case early:
			pause = a.wait
		}
		if err := sleep(ctx, pause); err != nil {
			return admission{}, err
		}
	}
}

type acquireState int

const (
	admitted acquireState = iota
	noSlot
	blocked
	early
)

// lockSQL makes callers queue; acquireSQL then sees what those before it did,
// because each statement of a transaction reads anew.
const lockSQL = `SELECT FROM api_pace WHERE system = @system FOR UPDATE`

// acquireSQL changes a place, the clock and the count together or not at all.
const acquireSQL = `
WITH pace AS MATERIALIZED (
	SELECT blocked_until > clock_timestamp() IS TRUE AS blocked, spent_until,
		CASE WHEN NOT @interactive AND next_call_at > clock_timestamp() + @ahead::interval
			THEN extract(epoch FROM next_call_at - clock_timestamp() - @ahead::interval) ELSE 0 END::float8 AS early
	FROM api_pace WHERE system = @system
), used AS MATERIALIZED (
	SELECT coalesce(sum(calls), 0) AS calls FROM api_usage WHERE system = @system AND day = @day::date
), free AS MATERIALIZED (
	SELECT slot FROM api_slots, pace, used
	WHERE system = @system AND slot >= @first AND slot < @slots AND leased_until < clock_timestamp()
		AND NOT pace.blocked AND pace.early <= 0 AND (pace.spent_until > clock_timestamp()) IS NOT TRUE AND used.calls < @allowance
	ORDER BY slot DESC LIMIT 1
), clock AS (
	UPDATE api_pace SET next_call_at = greatest(next_call_at, clock_timestamp()) + @interval::interval
	WHERE system = @system AND EXISTS (SELECT 1 FROM free)
	RETURNING next_call_at - @interval::interval - clock_timestamp() AS wait
), taken AS (
	UPDATE api_slots SET holder = @holder, leased_until = clock_timestamp() + greatest(wait, interval '0') + @lease::interval
	FROM free, clock WHERE api_slots.system = @system AND api_slots.slot = free.slot
	RETURNING api_slots.slot
), counted AS (
	INSERT INTO api_usage (system, day, purpose, calls) SELECT @system, @day::date, @purpose, 1 FROM taken
	ON CONFLICT (system, day, purpose) DO UPDATE SET calls = api_usage.calls + 1
)
SELECT pace.blocked, CASE WHEN pace.spent_until > clock_timestamp() THEN pace.spent_until END, used.calls >= @allowance,
	(SELECT slot FROM taken), coalesce((SELECT extract(epoch FROM wait) FROM clock), 0)::float8, pace.early
FROM pace, used`

func (b *Budget) tryAcquire(ctx context.Context, p Purpose) (admission, acquireState, error) {
	l := b.limits
	first, allowance := 1, l.Daily-l.Reserve-l.Logging // the first place is kept for people who wait
	switch {
	case p.Interactive:
		first, allowance = 0, l.Daily
	case p.isLogging():
		allowance = l.Daily - l.Reserve
	}
	interval := time.Duration(float64(l.Window) * slack / float64(l.Rate))
	now := time.Now()
	var (
		isBlocked, ourBudget bool
		spentUntil           *time.Time
		slot                 *int
		wait, tooEarly       float64
	)
	batch := &pgx.Batch{} // one round trip, and one transaction
	batch.Queue(lockSQL, pgx.NamedArgs{"system": l.System})
	batch.Queue(acquireSQL, pgx.NamedArgs{
		"system": l.System, "day": b.day(now), "purpose": p.Name, "holder": b.holder,
		"first": first, "slots": l.Concurrency, "allowance": allowance,
		"interactive": p.Interactive, "ahead": maxAhead, "interval": interval, "lease": l.Lease,
	}).QueryRow(func(row pgx.Row) error {
		return row.Scan(&isBlocked, &spentUntil, &ourBudget, &slot, &wait, &tooEarly)
	})
	err := b.pool.SendBatch(ctx, batch).Close()
	switch {
	case err != nil:
		return admission{}, noSlot, fmt.Errorf("ask the budget of %s: %w", l.System, err)
	case slot != nil:
		return admission{slot: *slot, wait: seconds(wait)}, admitted, nil
	case spentUntil != nil:
		return admission{}, blocked, &SpentError{System: l.System, Until: *spentUntil}
	case ourBudget:
		return admission{}, blocked, &SpentError{System: l.System, Ours: true, Until: b.nextDay(now)}
	case isBlocked:
		return admission{}, blocked, nil
	case tooEarly > 0:
		return admission{wait: seconds(tooEarly)}, early, nil
	default:
		return admission{}, noSlot, nil
	}
}

// release gives a place back.
func (b *Budget) release(ctx context.Context, slot int) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := b.pool.Exec(ctx, `UPDATE api_slots SET leased_until = '-infinity', holder = NULL
		WHERE system = $1 AND slot = $2 AND holder = $3`, b.limits.System, slot, b.holder)
	if err != nil {
		return fmt.Errorf("give a place of %s back: %w", b.limits.System, err)
	}
	return nil
}

// renew keeps a place while its call goes on.
func (b *Budget) renew(ctx context.Context, slot int) error {
	_, err := b.pool.Exec(ctx, `UPDATE api_slots SET leased_until = clock_timestamp() + $4
		WHERE system = $1 AND slot = $2 AND holder = $3`, b.limits.System, slot, b.holder, b.limits.Lease)
	if err != nil {
		return fmt.Errorf("keep a place of %s: %w", b.limits.System, err)
	}
	return nil
}

func (b *Budget) day(now time.Time) string { return now.In(b.limits.Zone).Format(time.DateOnly) }

// nextDay is the next midnight of the zone, with the hour of slack that an
// unclear time zone asks for.
func (b *Budget) nextDay(now time.Time) time.Time {
	y, m, d := now.In(b.limits.Zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, b.limits.Zone)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
