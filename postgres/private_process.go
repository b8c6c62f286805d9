package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// saidMost is how much of a process's output is kept, the newest.
	saidMost = 8 << 10
	// drainLimit is how long to read on from a process's children after it ended.
	drainLimit = 2 * time.Second
)

// process is a child that dies with this program, however the program ends.
type process struct {
	command *exec.Cmd
	said    *transcript
	exited  chan struct{} // closed when the process is gone
	err     error         // of the process; read after exited
}

// startProcess runs a program of PostgreSQL's as the account.
func startProcess(dir string, account *account, program string, arguments ...string) (*process, error) {
	p := &process{
		command: exec.Command(program, arguments...),
		said:    &transcript{},
		exited:  make(chan struct{}),
	}
	p.command.Dir = dir
	// Neither our environment nor its locale, which may not exist, concern it; our
	// secrets least of all.
	p.command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	p.command.Stdout, p.command.Stderr = p.said, p.said
	p.command.WaitDelay = drainLimit
	p.command.SysProcAttr = account.attributes()
	dieWithUs(p.command)

	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return p, nil
}

// run keeps its operating system thread for as long as the process lives, because on
// Linux the death of the thread that started a process counts as its parent's.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.command.Start()
	if err != nil {
		started <- err
		return
	}
	unwatch, err := watch(p.command.Process.Pid)
	if err != nil {
		p.kill()
		_ = p.command.Wait() // it was killed
		started <- err
		return
	}
	started <- nil
	p.err = p.command.Wait()
	unwatch()
	close(p.exited)
}

func (p *process) pid() int { return p.command.Process.Pid }

// signal does nothing to a process that is gone.
func (p *process) signal(signal syscall.Signal) {
	if err := p.command.Process.Signal(signal); errors.Is(err, os.ErrPermission) {
		p.kill()
	}
}

func (p *process) kill() { _ = p.command.Process.Kill() }

// transcript keeps the end of what a process said.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

// Write never fails.
func (t *transcript) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if extra := len(t.text) - saidMost; extra > 0 {
		t.text = bytes.Clone(t.text[extra:])
	}
	return len(text), nil
}

func (t *transcript) has(words string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Contains(t.text, []byte(words))
}

// last is the gravest of the last lines, without its level: the last FATAL, PANIC or
// error, else the last line.
func (t *transcript) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		for _, level := range []string{"PANIC:", "FATAL:", "error:"} {
			if _, words, found := strings.Cut(lines[i], level); found {
				return strings.TrimSpace(words)
			}
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
