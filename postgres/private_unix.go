//go:build unix && !linux

package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// dieWithUs has nothing to do before the start; watch does it after.
func dieWithUs(*exec.Cmd) {}

// watch starts a shell that waits for the end of a pipe whose other end is ours, which
// comes when this program ends, however it ends, and then stops the process in order.
// The function that it returns ends the shell.
func watch(pid int) (func(), error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	defer reader.Close()
	shell := exec.Command("/bin/sh", "-c", `trap "" INT HUP; read -r line; [ "$line" = done ] || kill -INT "$0"`, strconv.Itoa(pid))
	shell.Stdin = reader
	if err := shell.Start(); err != nil {
		_ = writer.Close()
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	return func() {
		_, _ = writer.WriteString("done\n") // the shell may have been killed
		_ = writer.Close()
		_ = shell.Wait()
	}, nil
}

// holders is the server that the folder's own note names, if that is a PostgreSQL.
func holders(data string) []int {
	pid := notedPID(filepath.Join(data, "postmaster.pid"))
	if pid == 0 {
		return nil
	}
	name, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	if err != nil || !strings.Contains(string(name), "postgres") {
		return nil
	}
	return []int{pid}
}

// totalMemory is not asked for here: PostgreSQL's cache gets its most.
func totalMemory() uint64 { return 0 }
