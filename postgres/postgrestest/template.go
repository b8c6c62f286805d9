package postgrestest

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/migrations"
)

// templateLock is the advisory lock of whoever makes a template, on a server that
// several test programs use.
const templateLock int64 = 0x7e57da7a

func templateName() (string, error) {
	fingerprint, err := migrations.Fingerprint()
	return "schema_" + fingerprint, err
}

// template returns the name of the database to clone, made when it is missing.
func (s *server) template(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared != "" {
		return s.prepared, nil
	}
	name, err := templateName()
	if err != nil {
		return "", err
	}
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return "", fmt.Errorf("connect to make a template: %w", err)
	}
	// The lock goes with the connection, so that no error leaves it behind.
	held := conn.Hijack()
	defer held.Close(ctx)
	if _, err := held.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", fmt.Errorf("wait for the template: %w", err)
	}
	var exists bool
	if err := held.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return "", fmt.Errorf("look for the template: %w", err)
	}
	if !exists {
		if err := s.makeTemplate(ctx, name); err != nil {
			return "", err
		}
	}
	s.prepared = name
	return name, nil
}

// makeTemplate gives the database its name last: one that has it is complete.
func (s *server) makeTemplate(ctx context.Context, name string) error {
	unfinished, err := s.clone(ctx, "template0")
	if err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	if err := s.migrate(ctx, unfinished); err != nil {
		return err
	}
	for _, change := range []string{
		// Nobody can connect, so nobody stands in the way of a clone.
		"ALTER DATABASE " + quote(unfinished) + " WITH ALLOW_CONNECTIONS false",
		"ALTER DATABASE " + quote(unfinished) + " RENAME TO " + quote(name),
	} {
		if _, err := s.admin.Exec(ctx, change); err != nil {
			return fmt.Errorf("finish the template: %w", err)
		}
	}
	return nil
}

func (s *server) migrate(ctx context.Context, database string) error {
	pool, err := pgxpool.New(ctx, s.url(database))
	if err != nil {
		return fmt.Errorf("open the template: %w", err)
	}
	defer pool.Close()
	_, err = migrations.Up(ctx, pool, nil)
	return err
}
