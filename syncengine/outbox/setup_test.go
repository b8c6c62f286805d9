package outbox_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/outbox"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// table is an outbox with something to say to Salesforce.
type table struct {
	t      *testing.T
	db     *postgres.DB
	outbox *outbox.Outbox
}

// queue is what the table's deliveries are in: calls that may be made again.
var queue = outbox.Queue{To: models.ToSalesforce, Operation: models.OptOut}

func newTable(t *testing.T) *table {
	t.Helper()
	db := postgrestest.New(t)
	return &table{t, db, outbox.New(db.Pool, clockwork.NewRealClock())}
}

// add puts a delivery into it.
func (o *table) add() int64 { return o.addTo(queue) }

// addTo puts a delivery into a queue.
func (o *table) addTo(q outbox.Queue) int64 {
	o.t.Helper()
	var unsubscribe, id int64
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `INSERT INTO unsubscribes (person_email_key, source) VALUES ('x', 'rep') RETURNING id`).Scan(&unsubscribe))
	_, err := o.outbox.Enqueue(outbox.Entry{Unsubscribe: unsubscribe, To: q.To, Operation: q.Operation, OccurredAt: time.Now()}).Exec(o.t.Context(), o.db.Pool)
	require.NoError(o.t, err)
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `SELECT id FROM deliveries WHERE unsubscribe_id = $1`, unsubscribe).Scan(&id))
	return id
}

// take claims everything that is due.
func (o *table) take(ctx context.Context, run uuid.UUID) ([]outbox.Claimed, error) {
	return o.outbox.Claim(ctx, run, queue, 100, outbox.Narrow{})
}

// claim claims the only delivery that is due.
func (o *table) claim(run uuid.UUID) outbox.Claimed {
	o.t.Helper()
	claimed, err := o.take(o.t.Context(), run)
	require.NoError(o.t, err)
	require.Len(o.t, claimed, 1)
	return claimed[0]
}

// record stores outcomes of a run.
func (o *table) record(run uuid.UUID, outcomes ...outbox.Outcome) {
	o.t.Helper()
	require.NoError(o.t, o.outbox.Record(o.t.Context(), run, outcomes))
}

// deliverer delivers what the lanes find.
func (o *table) deliverer(cfg outbox.Config, prepare func(context.Context) error, lanes ...outbox.Lane) *outbox.Deliverer {
	return o.outbox.NewDeliverer(models.ToSalesforce, cfg, prepare, lanes...)
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
		claimed, err := o.take(ctx, run)
		if err != nil {
			return 0, err
		}
		return len(claimed), o.outbox.Record(ctx, run, outbox.ForAll(claimed, func(c outbox.Claimed) outbox.Outcome {
			return outbox.Delivered(c, "003000000000001AAA")
		}))
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
