package outbox

import (
	"context"
	"fmt"
	"time"
)

// Pace decides when a batch that is not full may go: at once when nothing more comes,
// after a moment while more is coming, and seldom when single activities trickle in
// all day, since each batch costs a call of the day's quota.
type Pace struct {
	outbox *Outbox
	queue  Queue
	full   int

	allowance float64   // batches that may go though not full
	refilled  time.Time // when the allowance was last counted up
	waiting   int       // rows that waited at the last look
	since     time.Time // when they began to wait
}

const (
	fillStep     = 100 * time.Millisecond  // between looks whether more comes
	fillMost     = 1200 * time.Millisecond // a stream is waited for that long
	tricklePause = 6 * time.Second         // between batches once the allowance is used up: 14,400 a day
	trickleBurst = 60
)

// NewPace returns the pace of batches of at most full rows.
func (o *Outbox) NewPace(q Queue, full int) *Pace {
	return &Pace{outbox: o, queue: q, full: full}
}

// Ready returns how many rows may be claimed now: 0 when it is better to wait, and
// when the run is to end.
func (p *Pace) Ready(ctx context.Context) (int, error) {
	if closing(ctx) {
		return 0, nil
	}
	now := p.outbox.clock.Now()
	if p.refilled.IsZero() {
		p.allowance, p.refilled = trickleBurst, now
	}
	p.allowance = min(trickleBurst, p.allowance+now.Sub(p.refilled).Seconds()/tricklePause.Seconds())
	p.refilled = now
	if !p.since.IsZero() && now.Sub(p.since) < fillStep {
		return 0, nil
	}
	due, err := p.count(ctx)
	if err != nil {
		return 0, err
	}
	switch {
	case due == 0:
		p.waiting, p.since = 0, time.Time{}
		return 0, nil
	case due >= p.full:
		p.waiting, p.since = 0, time.Time{}
		return p.full, nil
	case p.since.IsZero():
		p.waiting, p.since = due, now
		return 0, nil
	case due > p.waiting && now.Sub(p.since) < fillMost:
		p.waiting = due
		return 0, nil
	case p.allowance < 1 && now.Sub(p.since) < tricklePause:
		return 0, nil
	}
	p.allowance = max(p.allowance-1, 0)
	p.waiting, p.since = 0, time.Time{}
	return due, nil
}

func (p *Pace) count(ctx context.Context) (int, error) {
	var due int
	err := p.outbox.pool.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM deliveries WHERE destination = $1 AND operation = $2
			AND state = 'pending' AND hold IS NULL AND due_at <= $3 LIMIT $4) due`, p.queue.To, p.queue.Operation, p.outbox.clock.Now(), p.full).Scan(&due)
	if err != nil {
		return 0, fmt.Errorf("count what is due for %s: %w", p.queue.To.Name(), err)
	}
	return due, nil
}
