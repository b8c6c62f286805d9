// Package e2e tests the built program from outside: in a browser, and killed.
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"salesactions/postgres/postgrestest"
)

// program is the built program.
var program string

func TestMain(m *testing.M) {
	postgrestest.Widen(2) // they wait for programs and browsers more than they work
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "salesactions-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // root's private database is another account's
		return 1, err
	}
	program = filepath.Join(dir, "salesactions")
	build := exec.Command("go", "build", "-o", program, "..")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the program: %w: %s", err, out)
	}
	code := m.Run()
	browser.stop()
	postgrestest.Stop()
	return code, nil
}

// environ lets a program keep its database where databases of tests are fastest.
func environ() []string { return append(os.Environ(), "TMPDIR="+postgrestest.Folder()) }

// running is a program that runs, and what its first line of JSON said.
type running struct {
	t   *testing.T
	cmd *exec.Cmd
	URL string
	// of the demo
	Admin      struct{ Email, Password string }
	Rep        struct{ Email, Password string }
	Token      string
	MarketoURL string `json:"marketo_url"`
	OrgURL     string `json:"salesforce_url"`
	// of the sandbox
	Marketo struct {
		Endpoint     string
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	Salesforce struct {
		LoginURL     string `json:"login_url"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
}

// patience is how long anything is waited for. It is long, for it costs nothing
// where things go well, and a busy machine shares itself among browsers, servers and
// databases: only what never comes should fail.
const patience = 2 * time.Minute

// interrupt ends a program in order.
var interrupt os.Signal = syscall.SIGTERM

// start runs the program until the test ends, and reads its first line.
func start(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	r := &running{t: t, cmd: exec.Command(program, args...)}
	r.cmd.Env = append(environ(), env...)
	r.cmd.Stderr = t.Output()
	out, err := r.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, r.cmd.Start())
	t.Cleanup(r.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "the program ended without a line on stdout")
	require.NoError(t, json.Unmarshal([]byte(line), r))
	return r
}

// stop ends the program in order, and waits.
func (r *running) stop() {
	if r.cmd.ProcessState != nil {
		return
	}
	// It may have ended by itself; waiting tells.
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	_ = r.cmd.Wait()
}

// startDemo runs a demo whose database was made before.
func startDemo(t *testing.T, args ...string) *running {
	t.Helper()
	dir := postgrestest.DataDir(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "demo"), nil, 0o600)) // the demo's own mark
	return startOwnDemo(t, append([]string{"--data-dir", dir}, args...)...)
}

// startOwnDemo runs a demo that makes its database, in a folder of its own choice.
func startOwnDemo(t *testing.T, args ...string) *running {
	t.Helper()
	return start(t, nil, append([]string{"demo", "--json", "--addr", "127.0.0.1:0", "--people", "400", "--quota", "off", "--log-level", "error"}, args...)...)
}

// api asks the program's API and decodes its answer.
func (r *running) api(method, path, body string, into any) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.URL+"/api/v1"+path, strings.NewReader(body))
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+r.Token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	require.Less(r.t, resp.StatusCode, 300)
	if into != nil {
		require.NoError(r.t, json.NewDecoder(resp.Body).Decode(into))
	}
}

// syncState is what GET /sync answers.
type syncState struct {
	State string
	Run   *struct{ Processed int64 }
}

// copied starts the sync and waits until it follows.
func (r *running) copied() {
	r.t.Helper()
	r.api("POST", "/sync", `{"action":"start"}`, nil)
	eventually(r.t, "the initial sync", func() bool {
		var st syncState
		r.api("GET", "/sync", "", &st)
		return st.State == "following"
	})
}

// sandboxPerson is somebody as the sandbox holds them.
type sandboxPerson struct {
	ID     int64
	Fields map[string]string
}

// qualified are the sandbox's people with an owner.
func (r *running) qualified() map[int64]map[string]string {
	r.t.Helper()
	return qualifiedAt(r.t, r.MarketoURL)
}

func qualifiedAt(t *testing.T, url string) map[int64]map[string]string {
	t.Helper()
	resp, err := http.Get(url + "/_sandbox/people")
	require.NoError(t, err)
	defer resp.Body.Close()
	people := map[int64]map[string]string{}
	decoder := json.NewDecoder(resp.Body)
	for decoder.More() {
		var p sandboxPerson
		require.NoError(t, decoder.Decode(&p))
		if p.Fields["sfdcLeadOwnerId"] != "" {
			people[p.ID] = p.Fields
		}
	}
	return people
}

// violations are the breaches of documented limits that a sandbox saw.
func violations(t *testing.T, url string) map[string]int {
	t.Helper()
	resp, err := http.Get(url + "/_sandbox/stats")
	require.NoError(t, err)
	defer resp.Body.Close()
	var stats struct{ Violations map[string]int }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&stats))
	return stats.Violations
}

// eventually waits for something.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, patience, what, ok)
}

// within waits for something that must come in a given time.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; {
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			require.FailNow(t, "waited too long for "+what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// browser is the one that all tests share: each has tabs of its own, and these have
// cookies and settings of their own.
var browser sharedBrowser

type sharedBrowser struct {
	mu   sync.Mutex
	ctx  context.Context // of its first tab, which stays empty; nil: not started
	ends []context.CancelFunc
}

func (s *sharedBrowser) get(t *testing.T) context.Context {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx != nil {
		return s.ctx
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	require.NotEmpty(t, path, "no browser: run 'make test', which brings one, or install chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	s.ends = append(s.ends, end)
	ctx, end := chromedp.NewContext(allocator)
	s.ends = append(s.ends, end)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	s.ctx = ctx
	return s.ctx
}

func (s *sharedBrowser) stop() {
	for len(s.ends) > 0 {
		s.ends[len(s.ends)-1]()
		s.ends = s.ends[:len(s.ends)-1]
	}
}

// tab is a tab of the browser that shares nothing with the others.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string
}

// openTab opens a tab that closes with the test.
func openTab(t *testing.T, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser.get(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, url: url}
	b.do(chromedp.Navigate("about:blank"))
	return b
}

// do runs steps.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if chromedp.FromContext(b.ctx).Target == nil { // the tab lives as long as the first call's context
		require.NoError(b.t, chromedp.Do(b.ctx, steps...))
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

// eval returns what an expression is in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err)
	return value
}

// open returns when the page's main part is there.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url+path), chromedp.WaitReady("main"))
}

// text is the text of the page's main part.
func (b *tab) text() string {
	b.t.Helper()
	return eval[string](b, `document.querySelector("main").innerText`)
}

func (b *tab) signIn(email, password string) {
	b.t.Helper()
	b.open("/signin")
	b.do(chromedp.SendKeys("#field-email", email), chromedp.SendKeys("#field-password", password),
		chromedp.Submit("#field-email"), chromedp.WaitVisible(".rail"))
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}
