package postgrestest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
)

// FollowClock makes the database's shared_clock() tell the time of a fake clock, and
// returns what advances both. The database is ahead for a moment: what the clock wakes
// finds leases and pauses as they are at its own time.
//
// Only shared_clock() follows, and only in the test's own database; now() and the
// defaults of columns stay real. Times are whole microseconds, as PostgreSQL keeps them,
// so begin the clock at one.
func FollowClock(t testing.TB, pool *pgxpool.Pool, clock *clockwork.FakeClock) (advance func(d time.Duration)) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // cleanups of the test advance too
	run := func(sql string, values ...any) {
		t.Helper()
		if _, err := pool.Exec(ctx, sql, values...); err != nil {
			t.Fatalf("set the shared clock of the test database: %v", err)
		}
	}
	run(`CREATE TABLE test_clock (at timestamptz NOT NULL)`)
	run(`INSERT INTO test_clock (at) VALUES ($1)`, clock.Now())
	// As a function that is VOLATILE it sees what was committed since its statement began,
	// so that a statement that waited for a row has the time after its wait.
	run(`CREATE OR REPLACE FUNCTION shared_clock() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT at FROM test_clock'`)
	return func(d time.Duration) {
		t.Helper()
		run(`UPDATE test_clock SET at = $1`, clock.Now().Add(d))
		clock.Advance(d)
	}
}
