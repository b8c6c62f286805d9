package postgrestest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/postgres/postgrestest"
)

// sharedClock asks the database, on a connection of a pool or in a transaction.
func sharedClock(t *testing.T, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) time.Time {
	t.Helper()
	var at time.Time
	require.NoError(t, db.QueryRow(t.Context(), `SELECT shared_clock()`).Scan(&at))
	return at
}

func TestFollowClock(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

	t.Run("the database and the clock advance together", func(t *testing.T) {
		t.Parallel()
		db, clock := postgrestest.New(t), clockwork.NewFakeClockAt(noon)
		advance := postgrestest.FollowClock(t, db.Pool, clock)
		require.Equal(t, noon, sharedClock(t, db.Pool))
		timer := clock.NewTimer(24 * time.Hour)
		for range 24 {
			advance(time.Hour)
			require.Equal(t, clock.Now(), sharedClock(t, db.Pool))
		}
		require.Equal(t, noon.Add(24*time.Hour), <-timer.Chan())
	})

	t.Run("a transaction that is open sees the new time", func(t *testing.T) {
		t.Parallel()
		db, clock := postgrestest.New(t), clockwork.NewFakeClockAt(noon)
		advance := postgrestest.FollowClock(t, db.Pool, clock)
		tx, err := db.Pool.Begin(t.Context())
		require.NoError(t, err)
		require.Equal(t, noon, sharedClock(t, tx))
		advance(time.Minute)
		require.Equal(t, noon.Add(time.Minute), sharedClock(t, tx))
		require.NoError(t, tx.Rollback(t.Context()))
	})

	t.Run("a statement that waited for a row has the time after its wait", func(t *testing.T) {
		t.Parallel()
		db, clock := postgrestest.New(t), clockwork.NewFakeClockAt(noon)
		advance := postgrestest.FollowClock(t, db.Pool, clock)
		_, err := db.Pool.Exec(t.Context(), `CREATE TABLE places (id int, at timestamptz); INSERT INTO places VALUES (1, NULL)`)
		require.NoError(t, err)
		holder, err := db.Pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = holder.Exec(t.Context(), `SELECT FROM places FOR UPDATE`)
		require.NoError(t, err)
		waiting := make(chan error, 1)
		go func() {
			_, err := db.Pool.Exec(t.Context(), `WITH place AS MATERIALIZED (SELECT id FROM places FOR UPDATE)
				UPDATE places SET at = shared_clock() FROM place WHERE places.id = place.id`)
			waiting <- err
		}()
		require.Eventually(t, func() bool {
			var blocked bool
			err := db.Pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&blocked)
			return err == nil && blocked
		}, 30*time.Second, 10*time.Millisecond)
		advance(time.Hour)
		require.NoError(t, holder.Rollback(t.Context()))
		require.NoError(t, <-waiting)
		var at time.Time
		require.NoError(t, db.Pool.QueryRow(t.Context(), `SELECT at FROM places`).Scan(&at))
		require.Equal(t, clock.Now(), at)
	})

	t.Run("other databases keep the real time", func(t *testing.T) {
		t.Parallel()
		followed, other := postgrestest.New(t), postgrestest.New(t)
		postgrestest.FollowClock(t, followed.Pool, clockwork.NewFakeClockAt(noon))
		var real bool
		require.NoError(t, other.Pool.QueryRow(t.Context(), `SELECT shared_clock() BETWEEN now() AND clock_timestamp()`).Scan(&real))
		require.True(t, real)
	})
}
