package outbox

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
)

// Reset says what a delivery that is queued again forgets.
type Reset string

const (
	// Fresh is for a new reason to send: the content changed, or what had kept the
	// delivery from being sent. Nothing of earlier attempts counts any more.
	Fresh Reset = "fresh"
	// Again is for another try of what failed. Counters begin anew; attempts and the
	// last error stay, since people look at them until the try is over.
	Again Reset = "again"
)

// resets are the columns that each reset sets. Neither forgets that a record may be in
// the destination (doubted_at, scheme, who_id, proof_field): only proof ends that.
var resets = map[Reset]string{
	Again: `looks = 0, doubts = 0, doubts_left = NULL, error_times = 0`,
	Fresh: `looks = 0, doubts = 0, doubts_left = NULL, error_times = 0, attempts = 0,
		error_code = NULL, error_class = NULL, error_text = NULL, error_remedy = NULL`,
}

// Requeue makes deliveries due now, or lets them wait for something first. It leaves
// alone what is being sent.
func (o *Outbox) Requeue(which Which, reset Reset, hold models.Hold) Statement {
	return o.change(which, `'pending', 'delivered', 'failed', 'skipped'`,
		`state = 'pending', reason = NULL, hold = nullif(@hold, ''), due_at = @now, `+resets[reset], pgx.NamedArgs{"hold": string(hold)})
}

// Hold makes pending deliveries wait for something other than their turn.
func (o *Outbox) Hold(which Which, hold models.Hold) Statement {
	return o.change(which, `'pending'`, `hold = @hold`, pgx.NamedArgs{"hold": string(hold)})
}

// Release makes held deliveries due: what they waited for is there.
func (o *Outbox) Release(which Which) Statement {
	which.Where = `(` + which.Where + `) AND d.hold IS NOT NULL`
	return o.change(which, `'pending'`, `hold = NULL, due_at = @now`, nil)
}

// GiveUp ends held deliveries that wait for something which will not come. They keep
// the error that made them wait.
func (o *Outbox) GiveUp(which Which) Statement {
	which.Where = `(` + which.Where + `) AND d.hold IS NOT NULL`
	return o.change(which, `'pending'`, `state = 'failed', hold = NULL`, nil)
}

// Skip ends deliveries that are not to be made any more. What is being sent goes on: it
// may be there.
func (o *Outbox) Skip(which Which, reason models.SkipReason) Statement {
	return o.change(which, `'pending', 'failed'`, `state = 'skipped', hold = NULL, reason = @reason`, pgx.NamedArgs{"reason": string(reason)})
}

// Settle ends deliveries of which the destination was seen to have everything.
func (o *Outbox) Settle(which Which) Statement {
	return o.change(which, `'pending', 'failed'`, `state = 'delivered', hold = NULL, due_at = @now,
		error_code = NULL, error_class = NULL, error_text = NULL, error_remedy = NULL, error_times = 0`, nil)
}

// Link says which record of the destination a delivery is about, or with an empty id
// that there is none any more.
func (o *Outbox) Link(id int64, remoteID string) Statement {
	return Statement{SQL: `UPDATE deliveries SET remote_id = nullif(@remote, '') WHERE id = @id`, Args: pgx.NamedArgs{"id": id, "remote": remoteID}}
}

// Failed says which failed deliveries to try again; the zero value means all.
type Failed struct {
	ID          int64              // one delivery, else
	Destination models.Destination // of one destination, and
	Code        *string            // with one error code
}

// Retry tries failed deliveries again at once, and those that wait for their next try,
// and returns how many.
func (o *Outbox) Retry(ctx context.Context, f Failed) (int64, error) {
	n, err := o.Requeue(Which{
		Where: `(d.state = 'failed' OR d.state = 'pending' AND d.hold IS NULL AND d.error_code IS NOT NULL)
			AND (@id::bigint = 0 OR d.id = @id) AND (@to::text = '' OR d.destination = @to) AND (@code::text IS NULL OR coalesce(d.error_code, '') = @code)`,
		Args: pgx.NamedArgs{"id": f.ID, "to": string(f.Destination), "code": f.Code},
	}, Again, "").Exec(ctx, o.pool)
	if err != nil {
		return 0, fmt.Errorf("retry failed deliveries: %w", err)
	}
	if _, err := o.pool.Exec(ctx, models.Tell(models.TopicActivity)); err != nil {
		return n, fmt.Errorf("announce a retry: %w", err)
	}
	return n, nil
}
