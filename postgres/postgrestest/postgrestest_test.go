package postgrestest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/migrations"
	"salesactions/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("the schema is current", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		require.NoError(t, migrations.Check(t.Context(), db.Pool))
	})

	t.Run("tests do not see each other", func(t *testing.T) {
		t.Parallel()
		one, two := postgrestest.New(t), postgrestest.New(t)
		_, err := one.Pool.Exec(t.Context(), "CREATE TABLE only_here ()")
		require.NoError(t, err)
		var seen bool
		require.NoError(t, two.Pool.QueryRow(t.Context(), "SELECT to_regclass('only_here') IS NOT NULL").Scan(&seen))
		require.False(t, seen)
	})

	t.Run("the database is dropped at the end", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		var name string
		t.Run("inner", func(t *testing.T) {
			inner := postgrestest.New(t)
			require.NoError(t, inner.Pool.QueryRow(t.Context(), "SELECT current_database()").Scan(&name))
		})
		var exists bool
		require.NoError(t, db.Pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists))
		require.NotEmpty(t, name)
		require.False(t, exists)
	})
}

// BenchmarkURL is the time for a database after the first: less than 100 ms.
func BenchmarkURL(b *testing.B) {
	postgrestest.URL(b)
	for b.Loop() {
		postgrestest.URL(b)
	}
}
