package postgres_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// ordinary is "nobody" everywhere, by convention.
var ordinary = struct{ uid, gid int }{65534, 65534}

// userPrograms is a copy of the test binary that an ordinary user can run, since the
// go command puts it where only its caller can go.
type userPrograms struct{ path string }

func asUser(t *testing.T) userPrograms {
	t.Helper()
	dir := programDir(t)
	path := filepath.Join(dir, "postgres.test")
	// Copied by another process: while this one had the copy open for writing, any
	// program that it started meanwhile would keep it open, and nobody could run it.
	out, err := exec.Command("cp", self(t), path).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.Chmod(path, 0o755))
	return userPrograms{path}
}

// command takes variables (NAME=value) and arguments (-flag).
func (u userPrograms) command(t *testing.T, words ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(u.path)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}
	for _, word := range words {
		if strings.HasPrefix(word, "-") {
			command.Args = append(command.Args, word)
		} else {
			command.Env = append(command.Env, word)
		}
	}
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(ordinary.uid), Gid: uint32(ordinary.gid)}}
	return command
}
