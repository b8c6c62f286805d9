package postgres

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// dieWithUs has the kernel stop the server in order when the thread that started it
// is gone (Linux: prctl, PR_SET_PDEATHSIG).
func dieWithUs(command *exec.Cmd) { command.SysProcAttr.Pdeathsig = syscall.SIGINT }

// watch has nothing to do: the kernel does.
func watch(int) (func(), error) { return func() {}, nil }

// holders are the processes of a server in the folder, which they all work in.
func holders(data string) []int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // fails on a malformed pattern only
	var pids []int
	for _, link := range links {
		// Others' processes cannot be read, nor those that have ended meanwhile.
		if dir, err := os.Readlink(link); err != nil || dir != data {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// totalMemory is the machine's, in bytes; 0 when unknown.
func totalMemory() uint64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(info.Unit)
}
