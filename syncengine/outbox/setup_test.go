package outbox_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/outbox"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// table is an outbox with something to say to Salesforce.
type table struct {
	t  *testing.T
	db *postgres.DB
}

func newTable(t *testing.T) *table {
	t.Helper()
	return &table{t, postgrestest.New(t)}
}

// add puts a delivery into it.
func (o *table) add() int64 {
	o.t.Helper()
	var id int64
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `WITH u AS (INSERT INTO unsubscribes (person_email_key, source) VALUES ('x', 'rep') RETURNING id)
		INSERT INTO deliveries (unsubscribe_id, destination, operation, occurred_at, state) SELECT id, 'salesforce', 'opt_out', now(), 'pending' FROM u RETURNING id`).Scan(&id))
	return id
}

// take claims everything that is due.
func (o *table) take(ctx context.Context, run uuid.UUID) ([]int64, error) {
	rows, err := o.db.Pool.Query(ctx, `UPDATE deliveries SET state = 'sending', sender = $1, sent_at = clock_timestamp(), attempts = attempts + 1
		WHERE state = 'pending' AND hold IS NULL AND due_at <= clock_timestamp() RETURNING id`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// row is what stands there.
type row struct {
	State    models.DeliveryState
	Attempts int
	Remote   string
	Code     string
	Class    string
	Sender   *uuid.UUID
	Wait     time.Duration
	Looks    int
}

func (o *table) row(id int64) row {
	o.t.Helper()
	var r row
	var wait float64
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `SELECT state, attempts, coalesce(remote_id, ''), coalesce(error_code, ''), coalesce(error_class, ''), sender,
		extract(epoch FROM due_at - clock_timestamp()), looks FROM deliveries WHERE id = $1`, id).Scan(&r.State, &r.Attempts, &r.Remote, &r.Code, &r.Class, &r.Sender, &wait, &r.Looks))
	r.Wait = time.Duration(wait * float64(time.Second))
	return r
}

// laneFunc is a lane.
type laneFunc func(ctx context.Context, run uuid.UUID) (int, error)

// Round implements outbox.Lane.
func (f laneFunc) Round(ctx context.Context, run uuid.UUID) (int, error) { return f(ctx, run) }

// quick is a configuration that waits for nothing and says nothing.
func quick() outbox.Config {
	return outbox.Config{Linger: time.Millisecond, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func ready(context.Context) error { return nil }

// delivering is a lane that delivers what is due.
func (o *table) delivering() laneFunc {
	return func(ctx context.Context, run uuid.UUID) (int, error) {
		ids, err := o.take(ctx, run)
		if err != nil {
			return 0, err
		}
		var outcomes []outbox.Outcome
		for _, id := range ids {
			outcomes = append(outcomes, outbox.Delivered(id, "003000000000001AAA"))
		}
		return len(ids), outbox.Record(ctx, o.db.Pool, run, outcomes)
	}
}

// pause is why the destination is paused, and for how long, if it is.
func (o *table) pause() (code string, wait, lasts time.Duration) {
	o.t.Helper()
	var w, l float64
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `SELECT coalesce(paused_code, ''), coalesce(extract(epoch FROM retry_at - clock_timestamp()), 0),
		coalesce(extract(epoch FROM clock_timestamp() - paused_since), 0) FROM destinations WHERE name = 'salesforce'`).Scan(&code, &w, &l))
	return code, time.Duration(w * float64(time.Second)), time.Duration(l * float64(time.Second))
}
