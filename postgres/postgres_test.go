package postgres_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

func TestOpen(t *testing.T) {
	t.Parallel()

	t.Run("both pools and GORM reach the same database", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		var app, queue, models string
		const name = "SELECT current_database()"
		require.NoError(t, db.Pool.QueryRow(t.Context(), name).Scan(&app))
		require.NoError(t, db.Queue.QueryRow(t.Context(), name).Scan(&queue))
		require.NoError(t, db.Gorm.WithContext(t.Context()).Raw(name).Scan(&models).Error)
		require.Equal(t, []string{app, app}, []string{queue, models})
	})

	t.Run("times are read in UTC", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		var direct, models time.Time
		const at = "SELECT timestamptz '2026-03-01 12:00:00+05'"
		require.NoError(t, db.Pool.QueryRow(t.Context(), at).Scan(&direct))
		require.NoError(t, db.Gorm.WithContext(t.Context()).Raw(at).Row().Scan(&models))
		want := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
		require.Equal(t, []time.Time{want, want}, []time.Time{direct, models})
	})

	t.Run("a busy app leaves the queue its connections", func(t *testing.T) {
		t.Parallel()
		db, err := postgres.Open(t.Context(), postgrestest.URL(t), postgres.Options{MaxConns: 1})
		require.NoError(t, err)
		t.Cleanup(db.Close)
		busy, err := db.Pool.Acquire(t.Context())
		require.NoError(t, err)
		defer busy.Release()
		var one int
		require.NoError(t, db.Queue.QueryRow(t.Context(), "SELECT 1").Scan(&one))
	})

	t.Run("constraint errors are translated", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		handle := db.Gorm.WithContext(t.Context())
		require.NoError(t, handle.Exec("CREATE TABLE things (id int PRIMARY KEY)").Error)
		type thing struct{ ID int }
		require.NoError(t, handle.Create(&thing{1}).Error)
		require.ErrorIs(t, handle.Create(&thing{1}).Error, gorm.ErrDuplicatedKey)
	})
}

func TestOpenLog(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, slow time.Duration) (*gorm.DB, *bytes.Buffer) {
		t.Helper()
		var log bytes.Buffer
		db, err := postgres.Open(t.Context(), postgrestest.URL(t), postgres.Options{
			Log: slog.New(slog.NewTextHandler(&log, nil)), SlowQuery: slow,
		})
		require.NoError(t, err)
		t.Cleanup(db.Close)
		return db.Gorm.WithContext(t.Context()), &log
	}

	t.Run("a slow query is told without its values", func(t *testing.T) {
		t.Parallel()
		db, log := open(t, time.Nanosecond)
		var found string
		require.NoError(t, db.Raw("SELECT ?::text", "ada@acme.example").Scan(&found).Error)
		require.Contains(t, log.String(), "level=WARN")
		require.Contains(t, log.String(), "SELECT $1::text")
		require.NotContains(t, log.String(), "ada@")
	})

	t.Run("an error is returned and not logged", func(t *testing.T) {
		t.Parallel()
		db, log := open(t, time.Hour)
		require.Error(t, db.Exec("SELECT ?::int", "ada@acme.example").Error)
		require.Empty(t, log.String())
	})
}

func TestOpenFailure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ url, says string }{
		"no server":      {"postgres://ada:secret@127.0.0.1:1/acme?sslmode=disable", "connect to the database postgres://ada@127.0.0.1:1/acme"},
		"no URL":         {"postgres://ada:secret@:::", "the database URL cannot be read"},
		"unknown option": {"postgres://ada:secret@127.0.0.1:1/acme?sslmode=secret", "the database URL cannot be read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := postgres.Open(ctx, test.url, postgres.Options{})
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "secret")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestVersionError(t *testing.T) {
	t.Parallel()
	require.NoError(t, postgres.VersionError("140000"))
	require.NoError(t, postgres.VersionError("180001"))
	require.EqualError(t, postgres.VersionError("130014"), "the database runs PostgreSQL 13, and 14 or newer is needed")
	require.Error(t, postgres.VersionError("new"))
}

func TestSafeURL(t *testing.T) {
	t.Parallel()
	for url, safe := range map[string]string{
		"postgres://ada:secret@db.example:6432/acme?sslmode=require": "postgres://ada@db.example:6432/acme",
		"postgres://ada@db.example/acme?password=secret":             "postgres://ada@db.example:5432/acme",
		"host=db.example user=ada password=secret dbname=acme":       "postgres://ada@db.example:5432/acme",
		"postgres://ada@/acme?host=/run/pg":                          "postgres:///acme?host=/run/pg",
		"postgres://ada:secret@:::":                                  "(unreadable database URL)",
	} {
		require.Equal(t, safe, postgres.SafeURL(url))
	}
}
