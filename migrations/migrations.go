// Package migrations holds the schema as numbered SQL files and applies them,
// together with those of the job queue. A file is never edited once it is on main,
// and works with the program of one version before.
package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed *.sql
var files embed.FS

const (
	// lockID is the advisory lock of everybody who migrates; the number only has
	// to be the same in every release.
	lockID int64 = 0x5a1e5ac7
	// lockRetry is how often a second migrator asks whether the first is done.
	lockRetry = 100 * time.Millisecond
	// unlockLimit bounds giving the lock back after the context has ended.
	unlockLimit = 5 * time.Second
)

// Fingerprint names the schema: it changes with any migration, the job queue's too.
func Fingerprint() (string, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	sum := sha256.New()
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("read the migration %s: %w", name, err)
		}
		fmt.Fprintf(sum, "%s\n%s\n", name, text)
	}
	migrator, err := queueMigrator(nil, nil)
	if err != nil {
		return "", err
	}
	for _, migration := range migrator.AllVersions() {
		fmt.Fprintf(sum, "%d\n%s\n", migration.Version, migration.SQLUp)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// Up applies what is missing and returns how many migrations that was. Several
// callers, on one machine or many, take turns; all but the first find nothing to
// do. It refuses a newer schema with ErrNewer. The pool needs room for three
// connections.
func Up(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (int, error) {
	unlock, err := lock(ctx, pool)
	if err != nil {
		return 0, err
	}
	defer unlock()

	status, err := Read(ctx, pool)
	if err != nil {
		return 0, err
	}
	if err := status.Err(); errors.Is(err, ErrNewer) {
		return 0, err
	}
	ours, err := upOurs(ctx, pool, log)
	if err != nil {
		return 0, err
	}
	queue, err := upQueue(ctx, pool, log)
	if err != nil {
		return 0, err
	}
	return ours + queue, nil
}

// Down takes back our migrations above the version, the newest first, for tests and
// for a developer's own database. The queue's stay.
func Down(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, version int64) error {
	unlock, err := lock(ctx, pool)
	if err != nil {
		return err
	}
	defer unlock()

	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, options(log)...)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.DownTo(ctx, version); err != nil {
		return fmt.Errorf("take back the database schema: %w", err)
	}
	return nil
}

// lock takes the migrators' lock on a connection of its own. It asks again and again
// rather than waiting inside one statement, because a waiting statement holds a
// snapshot that CREATE INDEX CONCURRENTLY in a migration would wait for.
func lock(ctx context.Context, pool *pgxpool.Pool) (func(), error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to migrate: %w", err)
	}
	tick := time.NewTicker(lockRetry)
	defer tick.Stop()
	for {
		var locked bool
		err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", lockID).Scan(&locked)
		if err != nil {
			conn.Release()
			return nil, fmt.Errorf("lock the schema: %w", err)
		}
		if locked {
			break
		}
		select {
		case <-ctx.Done():
			conn.Release()
			return nil, fmt.Errorf("wait for another migration: %w", ctx.Err())
		case <-tick.C:
		}
	}
	return func() { unlock(ctx, conn) }, nil
}

// unlock also runs when the context is over. A connection that cannot give the lock
// back is closed, which gives it back.
func unlock(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockLimit)
	defer cancel()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", lockID); err != nil {
		_ = conn.Hijack().Close(ctx)
		return
	}
	conn.Release()
}

func upOurs(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (int, error) {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, options(log)...)
	if err != nil {
		return 0, fmt.Errorf("read the migrations: %w", err)
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrate the database: %w", err)
	}
	return len(done), nil
}

func upQueue(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (int, error) {
	migrator, err := queueMigrator(pool, log)
	if err != nil {
		return 0, err
	}
	done, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return 0, fmt.Errorf("migrate the job queue: %w", err)
	}
	return len(done.Versions), nil
}

// options leave out migrations that any imported package may have registered
// globally.
func options(log *slog.Logger) []goose.ProviderOption {
	return []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(quiet(log)),
	}
}

// queueMigrator makes River's migrator. A nil pool suffices to ask for its versions.
func queueMigrator(pool *pgxpool.Pool, log *slog.Logger) (*rivermigrate.Migrator[pgx.Tx], error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet(log)})
	if err != nil {
		return nil, fmt.Errorf("read the job queue's migrations: %w", err)
	}
	return migrator, nil
}

func quiet(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
