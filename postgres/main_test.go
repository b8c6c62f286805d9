package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

const (
	// envDir makes the test binary a program with a private server in that folder.
	envDir   = "SALESACTIONS_TEST_PROGRAM_DIR"
	envShort = "SALESACTIONS_TEST_PROGRAM_SHORT"

	patience = 60 * time.Second
	poll     = 10 * time.Millisecond
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		os.Exit(runProgram(dir))
	}
	postgrestest.Widen(2) // they wait for servers to start and to stop
	postgrestest.Main(m)
}

// runProgram answers each line on stdin by one on stdout, and stops its server at the
// end of stdin.
func runProgram(dir string) int {
	ctx := context.Background()
	private, err := postgres.Start(ctx, postgres.Config{Dir: dir, ShortLived: os.Getenv(envShort) != ""})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("ready", private.Shared())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(private.Shared())
	}
	if err := private.Stop(ctx); err != nil {
		return 1
	}
	return 0
}

// program is another program that uses a data folder.
type program struct {
	t       *testing.T
	command *exec.Cmd
	stdin   io.WriteCloser
	lines   *bufio.Reader
	owner   bool
	failure string
}

func launch(t *testing.T, dir string, short bool) *program {
	t.Helper()
	p := launchAs(t, dir, short, nil)
	require.Empty(t, p.failure)
	return p
}

func launchAs(t *testing.T, dir string, short bool, credential *syscall.Credential) *program {
	t.Helper()
	p := &program{t: t, command: exec.Command(self(t))}
	p.command.Env = append(os.Environ(), envDir+"="+dir)
	if short {
		p.command.Env = append(p.command.Env, envShort+"=1")
	}
	p.command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	p.command.Stderr = t.Output()
	var err error
	p.stdin, err = p.command.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.command.StdoutPipe()
	require.NoError(t, err)
	p.lines = bufio.NewReader(stdout)
	require.NoError(t, p.command.Start())
	t.Cleanup(p.kill)
	first := p.read()
	p.owner = first == "ready false"
	p.failure, _ = strings.CutPrefix(first, "error ")
	if strings.HasPrefix(first, "ready") {
		p.failure = ""
	}
	return p
}

func (p *program) read() string {
	line, err := p.lines.ReadString('\n')
	require.NoError(p.t, err)
	return strings.TrimSpace(line)
}

func (p *program) shares() bool {
	_, err := io.WriteString(p.stdin, "?\n")
	require.NoError(p.t, err)
	return p.read() == "true"
}

// stop lets the program end in order.
func (p *program) stop() {
	p.t.Helper()
	require.NoError(p.t, p.stdin.Close())
	require.NoError(p.t, p.command.Wait())
}

// kill is kill -9, and does nothing to a program that has ended.
func (p *program) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// programDir is a folder whose programs any account can run.
func programDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "salesactions-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// start is Start in this process, stopped at the end of the test.
func start(t *testing.T, config postgres.Config) *postgres.Private {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	private, err := postgres.Start(ctx, config)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, private) })
	return private
}

func stop(t *testing.T, private *postgres.Private) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	require.NoError(t, private.Stop(ctx))
}

// query runs a statement whose answer is one number.
func query(t *testing.T, url, sql string) int {
	t.Helper()
	number, err := tryQuery(t.Context(), url, sql)
	require.NoError(t, err)
	return number
}

func tryQuery(ctx context.Context, url, sql string) (int, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var number int
	err = conn.QueryRow(ctx, sql).Scan(&number)
	return number, err
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// serverPID is the running server's by its own note, 0 when there is none.
func serverPID(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(note(dir))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return 0
	}
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err)
	return pid
}

func note(dir string) string { return filepath.Join(dir, "postgres", "postmaster.pid") }

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}
