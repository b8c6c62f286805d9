package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// patience is how long the server of a program that was killed may take to shut
	// down before it is told to stop at once, and patienceMost before we give up.
	patience     = 30 * time.Second
	patienceMost = 60 * time.Second
)

// settle waits until nothing works in the folders any more. The lock is ours, so a
// server that still runs belongs to a program that was killed, and is on its way out.
// Afterwards no note that it left, in the database or beside its socket, misleads
// anybody.
func (p place) settle(ctx context.Context, log *slog.Logger) error {
	note := filepath.Join(p.data, "postmaster.pid")
	started := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT}
	for {
		busy := append(holders(p.data), holders(p.fresh)...)
		if len(busy) == 0 {
			return errors.Join(dropStale(note), dropStale(filepath.Join(p.socket, ".s.PGSQL."+socketPort+".lock")))
		}
		waited := time.Since(started)
		if waited > patienceMost {
			return fmt.Errorf("an earlier database server in %s does not end: end process %d and start again", p.dir, busy[0])
		}
		if len(signals) == 2 || len(signals) == 1 && waited > patience {
			log.InfoContext(ctx, "waiting for an earlier private database to end", "pid", busy[0])
			if pid := notedPID(note); slices.Contains(busy, pid) {
				_ = syscall.Kill(pid, signals[0]) // it may have ended just now
			}
			signals = signals[1:]
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for an earlier database in %s to end: %w", p.dir, ctx.Err())
		case <-tick.C:
		}
	}
}

// dropStale removes the note of a server that was killed when its process number
// belongs to another program by now, or to the dead server until somebody collects it;
// PostgreSQL would take that for the server and refuse to start. A note whose process
// is gone it clears up itself.
func dropStale(note string) error {
	pid := notedPID(note)
	if pid == 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil
	}
	if err := os.Remove(note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return folderError(filepath.Dir(note), err)
	}
	return nil
}

// notedPID is the first line of postmaster.pid; 0 when there is none.
func notedPID(note string) int {
	text, err := os.ReadFile(note)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
