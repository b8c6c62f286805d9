package migrations

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
)

// Why a program and a database do not fit; both are whole sentences for people.
var (
	ErrOlder = errors.New("the database schema is older than this program: run 'salesactions migrate'")
	ErrNewer = errors.New("the database schema is newer than this program: update salesactions to the version that migrated it")
)

// Status is how a database's schema compares with the one in this program.
type Status struct {
	Version int64 // of the database; 0 when it is empty
	Wanted  int64 // the newest that this program knows
	Pending int   // known here and not applied, the job queue's included
	Unknown int   // applied and not known here, the job queue's included
}

// Err says in one sentence why the schema does not fit, or nil when it is current.
// A schema that is both behind and ahead counts as newer, since migrating by this
// program could not help it.
func (s Status) Err() error {
	switch {
	case s.Unknown > 0:
		return ErrNewer
	case s.Pending > 0:
		return ErrOlder
	}
	return nil
}

// Check returns ErrOlder, ErrNewer or nil, or why the database could not be asked.
func Check(ctx context.Context, pool *pgxpool.Pool) error {
	status, err := Read(ctx, pool)
	if err != nil {
		return err
	}
	return status.Err()
}

// Read compares without changing anything, unlike goose's own status, which makes
// its table first.
func Read(ctx context.Context, pool *pgxpool.Pool) (Status, error) {
	var status Status
	if err := status.compareOurs(ctx, pool); err != nil {
		return Status{}, err
	}
	if err := status.compareQueue(ctx, pool); err != nil {
		return Status{}, err
	}
	return status, nil
}

func (s *Status) compareOurs(ctx context.Context, pool *pgxpool.Pool) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	var wanted []int64
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return fmt.Errorf("read the number of migration %s: %w", name, err)
		}
		wanted = append(wanted, version)
	}
	applied, err := versions(ctx, pool, "goose_db_version",
		"SELECT version_id FROM goose_db_version WHERE is_applied AND version_id > 0 ORDER BY 1")
	if err != nil {
		return err
	}
	s.compare(applied, wanted)
	if len(applied) > 0 {
		s.Version = applied[len(applied)-1]
	}
	if len(wanted) > 0 {
		s.Wanted = slices.Max(wanted)
	}
	return nil
}

func (s *Status) compareQueue(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := queueMigrator(nil, nil)
	if err != nil {
		return err
	}
	var wanted []int64
	for _, migration := range migrator.AllVersions() {
		wanted = append(wanted, int64(migration.Version))
	}
	applied, err := versions(ctx, pool, "river_migration", "SELECT version FROM river_migration ORDER BY 1")
	if err != nil {
		return err
	}
	s.compare(applied, wanted)
	return nil
}

func (s *Status) compare(applied, wanted []int64) {
	for _, version := range wanted {
		if !slices.Contains(applied, version) {
			s.Pending++
		}
	}
	for _, version := range applied {
		if !slices.Contains(wanted, version) {
			s.Unknown++
		}
	}
}

// versions returns what a table of migrations lists, nothing when there is no table.
func versions(ctx context.Context, pool *pgxpool.Pool, table, query string) ([]int64, error) {
	var exists bool
	if err := pool.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", table).Scan(&exists); err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	if !exists {
		return nil, nil
	}
	rows, err := pool.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	applied, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	return applied, nil
}
