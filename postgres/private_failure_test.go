package postgres_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

// TestPrivateFailure: every failure is one sentence that says what to do.
func TestPrivateFailure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config func(t *testing.T) postgres.Config
		says   []string
	}{
		"no PostgreSQL": {
			func(t *testing.T) postgres.Config {
				return postgres.Config{Dir: postgrestest.EmptyDir(t), BinDir: postgrestest.EmptyDir(t)}
			},
			[]string{"no PostgreSQL is installed", "apt install postgresql", "DATABASE_URL"},
		},
		"a PostgreSQL too old": {
			func(t *testing.T) postgres.Config {
				return postgres.Config{Dir: postgrestest.EmptyDir(t), BinDir: programs(t, "13.1", "exit 1")}
			},
			[]string{"only PostgreSQL 13", "14 or newer"},
		},
		"a database of another major version": {
			func(t *testing.T) postgres.Config {
				dir := postgrestest.EmptyDir(t)
				database := filepath.Join(dir, "postgres")
				require.NoError(t, os.Mkdir(database, 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(database, "PG_VERSION"), []byte("14\n"), 0o600))
				return postgres.Config{Dir: dir, BinDir: programs(t, "17.2", "exit 1")}
			},
			[]string{"made by PostgreSQL 14", "only 17", "install PostgreSQL 14"},
		},
		"a full disk": {
			func(t *testing.T) postgres.Config {
				return postgres.Config{Dir: postgrestest.EmptyDir(t), BinDir: programs(t, "15.1", "echo 'initdb: error: could not write: No space left on device'; exit 1")}
			},
			[]string{"the disk that holds", "is full"},
		},
		"initdb fails": {
			func(t *testing.T) postgres.Config {
				return postgres.Config{Dir: postgrestest.EmptyDir(t), BinDir: programs(t, "15.1", "echo 'initdb: error: the moon is full'; exit 1")}
			},
			[]string{"could not be made: the moon is full"},
		},
		"a server that does not start": {
			func(t *testing.T) postgres.Config {
				return postgres.Config{Dir: postgrestest.EmptyDir(t), Settings: map[string]string{"max_connections": "many"}}
			},
			[]string{"does not start", "max_connections"},
		},
		"a folder that cannot be written to": {
			func(*testing.T) postgres.Config { return postgres.Config{Dir: "/sys/salesactions"} },
			[]string{"/sys/salesactions cannot be written to", "--data-dir"},
		},
		"a file where the folder should be": {
			func(t *testing.T) postgres.Config {
				file := filepath.Join(postgrestest.EmptyDir(t), "file")
				require.NoError(t, os.WriteFile(file, nil, 0o600))
				return postgres.Config{Dir: file}
			},
			[]string{"cannot be used", "--data-dir"},
		},
		"something else where the database should be": {
			func(t *testing.T) postgres.Config {
				dir := postgrestest.EmptyDir(t)
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "postgres", "photos"), 0o700))
				return postgres.Config{Dir: dir}
			},
			[]string{"something other than a database", "--data-dir"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Start(t.Context(), test.config(t))
			require.Error(t, err)
			require.NotContains(t, err.Error(), "\n")
			for _, words := range test.says {
				require.ErrorContains(t, err, words)
			}
		})
	}
}

// programs is a folder with an initdb and a postgres that say what they are told to.
func programs(t *testing.T, version, initdb string) string {
	t.Helper()
	dir := programDir(t)
	for name, script := range map[string]string{"initdb": initdb, "postgres": "echo 'postgres (PostgreSQL) " + version + "'"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	return dir
}

// TestPrivateAsRoot is what only root runs into; TestPrivateAsUser runs it as an
// ordinary user, for whom there is nothing in it.
func TestPrivateAsRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return
	}

	t.Run("another account runs the server", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.EmptyDir(t)
		start(t, postgres.Config{Dir: dir})
		info, err := os.Stat(note(dir))
		require.NoError(t, err)
		stat, ok := info.Sys().(*syscall.Stat_t)
		require.True(t, ok)
		require.NotZero(t, stat.Uid)
	})

	t.Run("a closed parent folder is named", func(t *testing.T) {
		t.Parallel()
		closed := filepath.Join(postgrestest.EmptyDir(t), "closed")
		require.NoError(t, os.Mkdir(closed, 0o700))
		_, err := postgres.Start(t.Context(), postgres.Config{Dir: filepath.Join(closed, "data")})
		require.ErrorContains(t, err, "the folder "+closed+" is closed to the account")
		require.ErrorContains(t, err, "--data-dir")
	})

	t.Run("a closed data folder is opened just enough", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		require.NoError(t, os.Chmod(dir, 0o700))
		start(t, postgres.Config{Dir: dir})
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o711), info.Mode().Perm())
	})

	t.Run("an ordinary user is told that the database is another's", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.EmptyDir(t)
		require.NoError(t, os.Chown(dir, ordinary.uid, ordinary.gid))
		require.NoError(t, os.Mkdir(filepath.Join(dir, "postgres"), 0o700))
		user := asUser(t)
		out, err := user.command(t, envDir+"="+dir).Output()
		require.Error(t, err)
		require.Contains(t, string(out), "belongs to another account")
	})
}

// TestPrivateAsUser runs the tests of this package's server as an ordinary user.
func TestPrivateAsUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return
	}
	user := asUser(t)
	out, err := user.command(t, "-test.run=^TestPrivate").CombinedOutput()
	require.NoError(t, err, string(out))
	require.True(t, strings.HasSuffix(strings.TrimSpace(string(out)), "PASS"), string(out))
}
