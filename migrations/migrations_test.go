package migrations_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"salesactions/migrations"
	"salesactions/postgres/postgrestest"
)

const snapshot = "testdata/schema.sql"

var update = flag.Bool("update", false, "rewrite "+snapshot)

func TestMain(m *testing.M) { postgrestest.Main(m) }

func TestUp(t *testing.T) {
	t.Parallel()

	t.Run("makes the schema of the snapshot", func(t *testing.T) {
		t.Parallel()
		pool, url := empty(t)
		up(t, pool)
		got := dump(t, url)
		if *update {
			require.NoError(t, os.WriteFile(snapshot, []byte(got), 0o644))
		}
		want, err := os.ReadFile(snapshot)
		require.NoError(t, err)
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("the migrated schema differs from %s (run the test with -update to rewrite it):\n%s", snapshot, diff)
		}
	})

	t.Run("goes down and up again to the same", func(t *testing.T) {
		t.Parallel()
		pool, url := empty(t)
		// Down keeps the extension, which others may use by then.
		_, err := pool.Exec(t.Context(), "CREATE EXTENSION pg_trgm")
		require.NoError(t, err)
		before := dump(t, url)
		up(t, pool)
		there := dump(t, url)
		require.NotEqual(t, before, there)
		require.NoError(t, migrations.Down(t.Context(), pool, nil, 0))
		require.Empty(t, cmp.Diff(before, dump(t, url)), "down leaves nothing of ours")
		up(t, pool)
		require.Empty(t, cmp.Diff(there, dump(t, url)))
	})

	t.Run("many at once apply each migration once", func(t *testing.T) {
		t.Parallel()
		pool, url := empty(t)
		status, err := migrations.Read(t.Context(), pool)
		require.NoError(t, err)
		var all sync.WaitGroup
		applied := make([]int, 4)
		errs := make([]error, len(applied))
		for i := range applied {
			all.Go(func() {
				// Each has a pool of its own, like a program of its own.
				own, err := pgxpool.New(t.Context(), url)
				if err != nil {
					errs[i] = err
					return
				}
				defer own.Close()
				applied[i], errs[i] = migrations.Up(t.Context(), own, nil)
			})
		}
		all.Wait()
		total := 0
		for i := range applied {
			require.NoError(t, errs[i])
			total += applied[i]
		}
		require.Equal(t, status.Pending, total)
		require.NoError(t, migrations.Check(t.Context(), pool))
	})

	t.Run("gives the lock back when it is canceled", func(t *testing.T) {
		t.Parallel()
		pool, _ := empty(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := migrations.Up(ended, pool, nil)
		require.ErrorIs(t, err, context.Canceled)
		up(t, pool)
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()

	t.Run("an empty database is older, and reading it changes nothing", func(t *testing.T) {
		t.Parallel()
		pool, url := empty(t)
		before := dump(t, url)
		require.ErrorIs(t, migrations.Check(t.Context(), pool), migrations.ErrOlder)
		require.Equal(t, before, dump(t, url))
	})

	for name, table := range map[string]string{
		"ours":        "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)",
		"the queue's": "INSERT INTO river_migration (line, version) VALUES ('main', 999)",
	} {
		t.Run("a migration unknown here makes it newer and is left alone: "+name, func(t *testing.T) {
			t.Parallel()
			pool, _ := empty(t)
			up(t, pool)
			_, err := pool.Exec(t.Context(), table)
			require.NoError(t, err)
			require.ErrorIs(t, migrations.Check(t.Context(), pool), migrations.ErrNewer)
			_, err = migrations.Up(t.Context(), pool, nil)
			require.ErrorIs(t, err, migrations.ErrNewer)
		})
	}

	for name, table := range map[string]string{
		"ours":        "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)",
		"the queue's": "DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration)",
	} {
		t.Run("a missing migration makes it older: "+name, func(t *testing.T) {
			t.Parallel()
			pool, _ := empty(t)
			up(t, pool)
			_, err := pool.Exec(t.Context(), table)
			require.NoError(t, err)
			err = migrations.Check(t.Context(), pool)
			require.ErrorIs(t, err, migrations.ErrOlder)
			require.ErrorContains(t, err, "run 'salesactions migrate'")
		})
	}
}

// TestFingerprint: a template of the tests must not be taken for another schema's.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	one, err := migrations.Fingerprint()
	require.NoError(t, err)
	two, err := migrations.Fingerprint()
	require.NoError(t, err)
	require.Equal(t, one, two)
	require.Regexp(t, "^[0-9a-f]{16}$", one)
}

func empty(t *testing.T) (*pgxpool.Pool, string) {
	t.Helper()
	url := postgrestest.EmptyURL(t)
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool, url
}

func up(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	_, err := migrations.Up(t.Context(), pool, nil)
	require.NoError(t, err)
}

// dump is the schema in words that are the same for every PostgreSQL: without the
// tables that goose and River keep, settings, and comments.
func dump(t *testing.T, url string) string {
	t.Helper()
	var complaint strings.Builder
	command := exec.Command("pg_dump", "--schema-only", "--no-owner", "--no-privileges",
		"--exclude-table=goose_*", "--exclude-table=river_*", url)
	command.Stderr = &complaint
	out, err := command.Output()
	require.NoError(t, err, complaint.String())

	noise := regexp.MustCompile(`(?m)^(--.*|SET .*;|SELECT pg_catalog\.set_config.*;|\\(un)?restrict .*|COMMENT ON EXTENSION .*)$`)
	text := noise.ReplaceAllString(string(out), "")
	text = regexp.MustCompile(`(?s)CREATE (TYPE|FUNCTION) public\.river_.*?(\);|\$\$;|;\n)\n`).ReplaceAllString(text, "")
	return strings.TrimSpace(regexp.MustCompile(`\n{3,}`).ReplaceAllString(text, "\n\n")) + "\n"
}
