package postgrestest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"salesactions/postgres"
)

// lookEvery is how often a server that ends is looked at.
const lookEvery = 10 * time.Millisecond

// made is the data folder that DataDir copies, one for each test program.
var made template

type template struct {
	once sync.Once
	dir  string
	err  error
}

// DataDir returns a data folder for a private server of the program's own, with its
// database made: making one takes longer than most tests. It is the program's own work
// once, without anything left out, and a copy from then on. The folder goes with the
// test, once the server in it has ended.
func DataDir(t testing.TB) string {
	t.Helper()
	made.once.Do(func() { made.dir, made.err = makeDataDir(t.Context()) })
	if made.err != nil {
		t.Fatalf("make a data folder to copy: %v", made.err)
	}
	dir := EmptyDir(t)
	if out, err := exec.Command("cp", "-a", filepath.Join(made.dir, "postgres"), dir).CombinedOutput(); err != nil {
		t.Fatalf("copy a data folder: %v: %s", err, out)
	}
	return dir
}

// EmptyDir returns an empty folder that the account which runs PostgreSQL for root can
// reach, as t.TempDir is not. It goes with the test.
func EmptyDir(t testing.TB) string {
	t.Helper()
	dir, err := emptyDir()
	if err != nil {
		t.Fatalf("make a data folder: %v", err)
	}
	t.Cleanup(func() {
		// The server of a program that was killed is still on its way out.
		ended := func() bool {
			_, err := os.Stat(filepath.Join(dir, "postgres", "postmaster.pid"))
			return err != nil
		}
		assert.Eventually(t, ended, setupLimit, lookEvery, "the server in %s does not end", dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove a data folder: %v", err)
		}
	})
	return dir
}

func emptyDir() (string, error) {
	dir, err := os.MkdirTemp(Folder(), "salesactions-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

func makeDataDir(ctx context.Context) (string, error) {
	dir, err := emptyDir()
	if err != nil {
		return dir, err
	}
	private, err := postgres.Start(ctx, postgres.Config{Dir: dir})
	if err != nil {
		return dir, fmt.Errorf("start a server in it: %w", err)
	}
	return dir, private.Stop(context.WithoutCancel(ctx))
}

// remove is for the end of the test program.
func (m *template) remove() {
	if m.dir != "" {
		_ = os.RemoveAll(m.dir) // a folder of the temporary ones may stay
	}
}
