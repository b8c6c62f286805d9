package outbox

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
)

// Queue is the deliveries of one operation to one destination.
type Queue struct {
	To        models.Destination
	Operation models.Operation
}

// Claimed is a delivery that a run is sending, or whose outcome it looks for. The stage
// reads what the delivery is about by one of the three ids.
type Claimed struct {
	ID          int64
	Activity    uuid.UUID
	Task        uuid.UUID
	Unsubscribe int64

	Attempts   int       // this one included
	SentAt     time.Time // when the attempt was claimed; zero: never
	Looks      int       // how often its outcome was looked for
	Scheme     string    // how the record that was sent can be found again, as Note kept it
	ProofField string    // the field by which, where one does it
	WhoID      string    // the lead or contact that it was sent for
	RemoteID   string    // the record that it is about, where there is one
	ErrorCode  string    // of the attempt before
	ErrorTimes int       // attempts in a row that ended with it
	Doubts     int       // how much its attempts without an answer speak against it
	LastDoubt  bool      // it was alone in calls without an answer as often as makes sense
}

// Deliveries implements Row.
func (c Claimed) Deliveries() []Claimed { return []Claimed{c} }

// Times is how many attempts in a row have ended with a code, this one included.
func (c Claimed) Times(code string) int {
	if c.ErrorCode == code {
		return c.ErrorTimes + 1
	}
	return 1
}

// claimedColumns are read from deliveries "d".
const claimedColumns = `d.id, coalesce(d.activity_id, @none), coalesce(d.task_id, @none), coalesce(d.unsubscribe_id, 0), d.attempts,
	coalesce(d.sent_at, '0001-01-01 00:00:00+00'), d.looks, coalesce(d.scheme, CASE WHEN d.doubted_at IS NOT NULL THEN 'key' END, ''),
	coalesce(d.proof_field, ''), coalesce(d.who_id, ''), coalesce(d.remote_id, ''), coalesce(d.error_code, ''), d.error_times, d.doubts,
	coalesce(d.doubts_left = 0, false)`

func scanClaimed(row pgx.CollectableRow) (Claimed, error) {
	var c Claimed
	err := row.Scan(&c.ID, &c.Activity, &c.Task, &c.Unsubscribe, &c.Attempts, &c.SentAt, &c.Looks, &c.Scheme,
		&c.ProofField, &c.WhoID, &c.RemoteID, &c.ErrorCode, &c.ErrorTimes, &c.Doubts, &c.LastDoubt)
	return c, err
}

// Narrow takes only a part of what is due: a condition about deliveries "d", with the
// tables that it needs joined before it.
type Narrow struct {
	Joins, Where string
	Args         pgx.NamedArgs
}

// claimSQL forgets how an earlier attempt could be found again, unless nobody knows what
// that attempt did.
const claimSQL = `
	WITH due AS (
		SELECT d.id FROM deliveries d %s
		WHERE d.destination = @to AND d.operation = @operation AND d.state = 'pending' AND d.hold IS NULL AND d.due_at <= @now AND %s
		ORDER BY d.due_at, d.id LIMIT @limit FOR UPDATE OF d SKIP LOCKED
	)
	UPDATE deliveries d SET state = 'sending', sender = @run, sent_at = @now, attempts = attempts + 1, looks = 0,
		scheme = CASE WHEN doubted_at IS NOT NULL THEN scheme END, who_id = CASE WHEN doubted_at IS NOT NULL THEN who_id END, updated_at = @now
	FROM due WHERE d.id = due.id RETURNING ` + claimedColumns

// Claim takes due deliveries for a run, those that are due first first. The claim is
// committed on return: from here on a crash leaves no doubt that they may have been sent.
func (o *Outbox) Claim(ctx context.Context, run uuid.UUID, q Queue, limit int, only Narrow) ([]Claimed, error) {
	where := only.Where
	if where == "" {
		where = "true"
	}
	args := pgx.NamedArgs{"to": string(q.To), "operation": string(q.Operation), "now": o.clock.Now(), "limit": limit, "run": run, "none": uuid.Nil}
	maps.Copy(args, only.Args)
	claimed, err := o.collect(ctx, fmt.Sprintf(claimSQL, only.Joins, where), args)
	if err != nil {
		return nil, fmt.Errorf("claim deliveries to %s: %w", q.To.Name(), err)
	}
	return claimed, nil
}

// Unknown returns deliveries whose outcome is to be looked for now, those that happened
// at about the same time together.
func (o *Outbox) Unknown(ctx context.Context, q Queue, limit int) ([]Claimed, error) {
	unknown, err := o.collect(ctx, `SELECT `+claimedColumns+` FROM deliveries d
		WHERE d.destination = @to AND d.operation = @operation AND d.state = 'sending' AND d.sender IS NULL AND d.due_at <= @now
		ORDER BY d.occurred_at, d.id LIMIT @limit`,
		pgx.NamedArgs{"to": string(q.To), "operation": string(q.Operation), "now": o.clock.Now(), "limit": limit, "none": uuid.Nil})
	if err != nil {
		return nil, fmt.Errorf("read deliveries of unknown outcome to %s: %w", q.To.Name(), err)
	}
	return unknown, nil
}

func (o *Outbox) collect(ctx context.Context, sql string, args pgx.NamedArgs) ([]Claimed, error) {
	rows, err := o.pool.Query(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanClaimed)
}

// reclaimSQL decides what becomes of the deliveries that a run left which is over.
//
// Updates and opt-outs say how something is to be: made twice they are as good as made
// once. A change of a task is read again before it is made. A record that was never
// noted as sent (Note) was not sent. All these are simply queued again. What is left may
// or may not be in the destination: its lane looks for it.
const reclaimSQL = `
	UPDATE deliveries d SET sender = NULL, due_at = least(due_at, @now), updated_at = @now,
		state = CASE WHEN operation IN ('update', 'opt_out') OR operation = 'sync' AND (remote_id IS NOT NULL OR scheme IS NULL)
			THEN 'pending' ELSE 'sending' END
	WHERE destination = @to AND state = 'sending' AND sender IS DISTINCT FROM @run
		AND (sender IS NOT NULL OR operation IN ('update', 'opt_out') OR operation = 'sync' AND (remote_id IS NOT NULL OR scheme IS NULL))`

// Reclaim takes over what other runs left: they are over once this one has the lease.
func (o *Outbox) Reclaim(ctx context.Context, run uuid.UUID, to models.Destination) error {
	_, err := o.pool.Exec(ctx, reclaimSQL, pgx.NamedArgs{"to": string(to), "run": run, "now": o.clock.Now()})
	if err != nil {
		return fmt.Errorf("take over what another run left: %w", err)
	}
	return nil
}
