package budget

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/clock"
)

// slack spaces calls a little wider than the window divided by the rate, so that
// calls which travel at different speeds still arrive within the limit.
const slack = 1.02

// maxAhead is how long before its time a background call is admitted at the most. What
// was admitted cannot be overtaken any more, and the way to the database takes no longer.
const maxAhead = 50 * time.Millisecond

// admission is a place among the calls in flight.
type admission struct {
	slot int
	wait time.Duration // before the call may be sent; before the next try, if it is early
}

// acquire waits for a place in flight and for the clock. An interactive call takes the
// next tick; a background call takes one only when it is about to come, so that those
// that wait make way. Calls that were admitted count as made.
func (b *Budget) acquire(ctx context.Context, i intent) (admission, error) {
	for {
		a, state, err := b.tryAcquire(ctx, i)
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
		if err := clock.Sleep(ctx, b.clock, pause); err != nil {
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
// because each statement of a transaction reads again.
const lockSQL = `SELECT FROM api_pace WHERE system = @system FOR UPDATE`

// acquireSQL changes a place, the next tick and the count together or not at all. It
// reads the shared clock once, after the lock: replicas whose own clocks differ agree on
// the tick and on the day. A call counts for the day of its tick, so that a call which is
// admitted just before midnight and sent just after it counts for the new day.
const acquireSQL = `
WITH clock AS MATERIALIZED (
	SELECT shared_clock() AS now
), pace AS MATERIALIZED (
	SELECT now, greatest(next_call_at, now) AS tick, blocked_until > now IS TRUE AS blocked,
		CASE WHEN spent_until > now THEN spent_until END AS spent_until,
		NOT @interactive AND next_call_at > now + @ahead::interval AS early
	FROM api_pace, clock WHERE system = @system
), today AS MATERIALIZED (
	SELECT (tick AT TIME ZONE @zone::text)::date AS day FROM pace
), used AS MATERIALIZED (
	SELECT coalesce(sum(calls), 0) AS calls FROM api_usage WHERE system = @system AND day = (SELECT day FROM today)
), free AS MATERIALIZED (
	SELECT slot FROM api_slots, pace, used
	WHERE system = @system AND slot >= @first AND slot < @slots AND leased_until < pace.now
		AND NOT pace.blocked AND NOT pace.early AND pace.spent_until IS NULL AND used.calls < @allowance
	ORDER BY slot DESC LIMIT 1
), paced AS (
	UPDATE api_pace SET next_call_at = pace.tick + @interval::interval FROM pace, free WHERE api_pace.system = @system
), taken AS (
	UPDATE api_slots SET holder = @holder, leased_until = pace.tick + @lease::interval
	FROM free, pace WHERE api_slots.system = @system AND api_slots.slot = free.slot
	RETURNING api_slots.slot
), counted AS (
	INSERT INTO api_usage (system, day, purpose, calls) SELECT @system, today.day, @purpose, 1 FROM taken, today
	ON CONFLICT (system, day, purpose) DO UPDATE SET calls = api_usage.calls + 1
)
SELECT pace.blocked, pace.spent_until, used.calls >= @allowance, (today.day + 1)::timestamp AT TIME ZONE @zone::text,
	(SELECT slot FROM taken), extract(epoch FROM pace.tick - pace.now)::float8, pace.early
FROM pace, used, today`

func (b *Budget) tryAcquire(ctx context.Context, i intent) (admission, acquireState, error) {
	l := b.limits
	first, allowance := 1, l.Daily-l.Reserve-l.Logging // the first place is kept for people who wait
	switch i.class {
	case Interactive:
		first, allowance = 0, l.Daily
	case Logging:
		allowance = l.Daily - l.Reserve
	}
	interval := time.Duration(float64(l.Window) * slack / float64(l.Rate))
	var (
		isBlocked, ourBudget, tooEarly bool
		spentUntil                     *time.Time
		midnight                       time.Time
		slot                           *int
		untilTick                      float64
	)
	batch := &pgx.Batch{} // one round trip, and one transaction
	batch.Queue(lockSQL, pgx.NamedArgs{"system": l.System})
	batch.Queue(acquireSQL, pgx.NamedArgs{
		"system": l.System, "zone": l.Zone.String(), "purpose": i.purpose, "holder": b.holder,
		"first": first, "slots": l.Concurrency, "allowance": allowance,
		"interactive": i.class == Interactive, "ahead": maxAhead, "interval": interval, "lease": l.Lease,
	}).QueryRow(func(row pgx.Row) error {
		return row.Scan(&isBlocked, &spentUntil, &ourBudget, &midnight, &slot, &untilTick, &tooEarly)
	})
	err := b.pool.SendBatch(ctx, batch).Close()
	wait := time.Duration(untilTick * float64(time.Second))
	switch {
	case err != nil:
		return admission{}, noSlot, fmt.Errorf("ask the budget of %s: %w", l.System, err)
	case slot != nil:
		return admission{slot: *slot, wait: wait}, admitted, nil
	case spentUntil != nil:
		return admission{}, blocked, &SpentError{System: l.System, Until: *spentUntil}
	case ourBudget:
		return admission{}, blocked, &SpentError{System: l.System, Ours: true, Until: midnight}
	case isBlocked:
		return admission{}, blocked, nil
	case tooEarly:
		return admission{wait: wait - maxAhead}, early, nil
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
	_, err := b.pool.Exec(ctx, `UPDATE api_slots SET leased_until = shared_clock() + $4
		WHERE system = $1 AND slot = $2 AND holder = $3`, b.limits.System, slot, b.holder, b.limits.Lease)
	if err != nil {
		return fmt.Errorf("keep a place of %s: %w", b.limits.System, err)
	}
	return nil
}
