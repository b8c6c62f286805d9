package postgres_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

func TestPrivate(t *testing.T) {
	t.Parallel()

	t.Run("any program can use its URL, whatever the folder is called", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(postgrestest.EmptyDir(t), "Ada's data + more & 100% übrig")
		private := start(t, postgres.Config{Dir: dir})
		require.False(t, private.Shared())
		require.Equal(t, 1, query(t, private.URL(), "SELECT 1"))
		out, err := exec.Command("psql", private.URL(), "-Atc", "SELECT current_database()").CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, "salesactions\n", string(out))
	})

	t.Run("a folder too deep for a socket gets one elsewhere, and clears it up", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(postgrestest.EmptyDir(t), strings.Repeat("deep", 30))
		private, err := postgres.Start(t.Context(), postgres.Config{Dir: dir})
		require.NoError(t, err)
		require.Equal(t, 1, query(t, private.URL(), "SELECT 1"))
		_, socket, _ := strings.Cut(private.URL(), "host=")
		require.DirExists(t, socket)
		require.NotContains(t, socket, "deep")
		stop(t, private)
		require.NoDirExists(t, socket)
	})

	t.Run("data is there at the next start", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		first := start(t, postgres.Config{Dir: dir})
		execute(t, first.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
		stop(t, first)
		second := start(t, postgres.Config{Dir: dir})
		require.Equal(t, first.URL(), second.URL())
		require.Equal(t, 42, query(t, second.URL(), "SELECT answer FROM kept"))
	})

	t.Run("folders do not get in each other's way", func(t *testing.T) {
		t.Parallel()
		one, two := start(t, postgres.Config{Dir: postgrestest.DataDir(t)}), start(t, postgres.Config{Dir: postgrestest.DataDir(t)})
		execute(t, one.URL(), "CREATE TABLE here ()")
		require.Equal(t, 0, query(t, two.URL(), "SELECT count(*) FROM pg_tables WHERE tablename = 'here'"))
	})

	t.Run("nothing that keeps data safe is off", func(t *testing.T) {
		t.Parallel()
		private := start(t, postgres.Config{Dir: postgrestest.EmptyDir(t)})
		require.Equal(t, 4, query(t, private.URL(), `SELECT count(*) FROM pg_settings WHERE setting = 'on'
			AND name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums')`))
	})

	t.Run("only this account gets in", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.EmptyDir(t)
		private := start(t, postgres.Config{Dir: dir})
		for _, name := range []string{"postgres", "run"} {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), name)
		}
		require.Equal(t, 0, query(t, private.URL(), "SELECT length(current_setting('listen_addresses'))"))
	})

	t.Run("a server that is killed comes back", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		private := start(t, postgres.Config{Dir: dir})
		execute(t, private.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
		require.NoError(t, syscall.Kill(serverPID(t, dir), syscall.SIGKILL))
		require.Eventually(t, func() bool {
			answer, err := tryQuery(t.Context(), private.URL(), "SELECT answer FROM kept")
			return err == nil && answer == 42
		}, patience, poll)
	})
}

func TestPrivateStop(t *testing.T) {
	t.Parallel()

	t.Run("twice is once", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		private := start(t, postgres.Config{Dir: dir})
		stop(t, private)
		stop(t, private)
		require.Zero(t, serverPID(t, dir))
	})

	t.Run("without time it stops at once and loses nothing", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		private := start(t, postgres.Config{Dir: dir})
		execute(t, private.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		// The server may be gone before anyone looks at the context.
		if err := private.Stop(ended); err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		again := start(t, postgres.Config{Dir: dir})
		require.Equal(t, 42, query(t, again.URL(), "SELECT answer FROM kept"))
	})

	t.Run("a start that is given up leaves nothing", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.EmptyDir(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := postgres.Start(ended, postgres.Config{Dir: dir})
		require.ErrorIs(t, err, context.Canceled)
		private := start(t, postgres.Config{Dir: dir})
		require.Equal(t, 1, query(t, private.URL(), "SELECT 1"))
	})
}
