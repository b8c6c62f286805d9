package outbox

import (
	"context"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
	"gorm.io/gorm"
)

// Outbox is the table of deliveries, and the only writer of it. It is safe for
// concurrent use.
type Outbox struct {
	pool  *pgxpool.Pool
	clock clockwork.Clock
}

// New returns the outbox of a database. The clock says what is due.
func New(pool *pgxpool.Pool, clock clockwork.Clock) *Outbox {
	return &Outbox{pool: pool, clock: clock}
}

// Clock is the clock that says what is due; stages that share the outbox share it.
func (o *Outbox) Clock() clockwork.Clock { return o.clock }

// Statement changes deliveries. Callers choose the transaction in which it runs: that of
// the row which the delivery is about.
type Statement struct {
	SQL  string // with arguments named @like_this
	Args pgx.NamedArgs
}

// Queue adds the statement to a batch.
func (s Statement) Queue(batch *pgx.Batch) *pgx.QueuedQuery { return batch.Queue(s.SQL, s.Args) }

// Execer runs statements: a pool or a transaction.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Exec runs the statement and returns how many deliveries it changed.
func (s Statement) Exec(ctx context.Context, on Execer) (int64, error) {
	tag, err := on.Exec(ctx, s.SQL, s.Args)
	if err != nil {
		return 0, fmt.Errorf("change deliveries: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Which names deliveries "d" by a condition in SQL, with arguments named @like_this. The
// name @now is taken.
type Which struct {
	Where string
	Args  pgx.NamedArgs
}

// These names deliveries by their ids.
func These(ids ...int64) Which {
	return Which{Where: `d.id = ANY(@ids::bigint[])`, Args: pgx.NamedArgs{"ids": ids}}
}

// change is a statement that sets columns of deliveries which are in one of some states.
// What a run is sending is the run's: no caller changes it from outside.
func (o *Outbox) change(which Which, from, set string, args pgx.NamedArgs) Statement {
	all := pgx.NamedArgs{"now": o.clock.Now()}
	maps.Copy(all, which.Args)
	maps.Copy(all, args)
	return Statement{
		SQL:  `UPDATE deliveries d SET ` + set + `, updated_at = @now::timestamptz WHERE (` + which.Where + `) AND d.state IN (` + from + `)`,
		Args: all,
	}
}

// ExecIn runs the statement in a transaction of GORM's.
func (s Statement) ExecIn(ctx context.Context, tx *gorm.DB) error {
	if _, err := tx.Statement.ConnPool.ExecContext(ctx, s.SQL, s.Args); err != nil {
		return fmt.Errorf("change deliveries: %w", err)
	}
	return nil
}
