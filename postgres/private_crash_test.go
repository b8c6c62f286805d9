package postgres_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

func TestPrivateCrash(t *testing.T) {
	t.Parallel()

	t.Run("the server of a killed program ends in order", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		program := launch(t, dir, false)
		require.NotZero(t, serverPID(t, dir))
		program.kill()
		require.Eventually(t, func() bool { return serverPID(t, dir) == 0 }, patience, poll)
	})

	t.Run("what was committed is there right after a kill", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		program := launch(t, dir, false)
		url := urlOf(t, dir)
		execute(t, url, "CREATE TABLE kept (n int)")
		for n := range 5 {
			execute(t, url, fmt.Sprintf("INSERT INTO kept VALUES (%d)", n))
			program.kill()
			program = launch(t, dir, false)
			require.True(t, program.owner)
			require.Equal(t, n+1, query(t, url, "SELECT count(*) FROM kept"))
		}
	})

	t.Run("program and server killed at once recover", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		program := launch(t, dir, false)
		url := urlOf(t, dir)
		execute(t, url, "CREATE TABLE kept AS SELECT n FROM generate_series(1, 100000) n")
		require.NoError(t, syscall.Kill(serverPID(t, dir), syscall.SIGKILL))
		program.kill()
		require.FileExists(t, note(dir))
		launch(t, dir, false)
		require.Equal(t, 100000, query(t, url, "SELECT count(*) FROM kept"))
	})

	t.Run("a stale note that names another program's process is no obstacle", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		first := start(t, postgres.Config{Dir: dir})
		text, err := os.ReadFile(note(dir))
		require.NoError(t, err)
		stop(t, first)
		stale := fmt.Appendf(nil, "%d\n%s", os.Getpid(), text[len(fmt.Sprint(os.Getpid()))+1:])
		require.NoError(t, os.WriteFile(note(dir), stale, 0o600))
		second := start(t, postgres.Config{Dir: dir})
		require.Equal(t, 1, query(t, second.URL(), "SELECT 1"))
	})

	t.Run("a program killed while it makes the database is no obstacle", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.EmptyDir(t)
		command := exec.Command(self(t))
		command.Env = append(os.Environ(), envDir+"="+dir)
		require.NoError(t, command.Start())
		require.Eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(dir, "postgres.new", "PG_VERSION"))
			return err == nil
		}, patience, poll)
		require.NoError(t, command.Process.Kill())
		require.Error(t, command.Wait())
		launch(t, dir, false)
		require.Equal(t, 1, query(t, urlOf(t, dir), "SELECT 1"))
	})

	t.Run("a database half made is made again", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.EmptyDir(t)
		half := filepath.Join(dir, "postgres.new")
		require.NoError(t, os.Mkdir(half, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600))
		private := start(t, postgres.Config{Dir: dir})
		require.Equal(t, 1, query(t, private.URL(), "SELECT 1"))
		require.NoDirExists(t, half)
	})
}

// urlOf is what every program of the folder gets from Private.URL.
func urlOf(t *testing.T, dir string) string {
	t.Helper()
	url, err := postgres.PrivateURL(dir)
	require.NoError(t, err)
	return url
}
