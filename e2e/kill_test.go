package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"salesactions/postgres/postgrestest"
)

var people = flag.Int("people", 20_000, "how many people TestKilledTenTimes copies")

// TestKilledTenTimes kills the program at random moments of an initial sync; it must end with exactly the people of Marketo, without having
// read more than what was left and one slice for each kill.
func TestKilledTenTimes(t *testing.T) {
	t.Parallel()
	const kills = 10
	sandbox := start(t, nil, "sandbox", "--json", "--marketo-addr", "127.0.0.1:0", "--people", strconv.Itoa(*people), "--quota", "off",
		"--bulk-delay", "150ms", "--bulk-refresh", "100ms", "--commit-lag", "1s", "--log-level", "error")
	env := environment(t, sandbox)
	serveFor(t, env, func() { command(t, env, "sync", "start") })
	random := rand.New(rand.NewPCG(1, 2))
	for range kills {
		p := exec.Command(program, "serve", "--addr", "127.0.0.1:0", "--log-level", "error")
		p.Env = env
		p.Stderr = t.Output()
		require.NoError(t, p.Start())
		t.Cleanup(func() { end(p) })
		time.Sleep(500*time.Millisecond + time.Duration(random.Int64N(int64(3*time.Second)))) // a random moment is the point
		require.NoError(t, p.Process.Kill())
		_ = p.Wait() // says that it was killed
	}
	serveFor(t, env, func() { command(t, env, "sync", "status", "--wait") })
	require.Empty(t, violations(t, sandbox.Marketo.Endpoint))
	compare(t, env, sandbox.Marketo.Endpoint)
	require.LessOrEqual(t, filesRead(t, sandbox.Marketo.Endpoint), allSlices+kills*inFlight, "files opened: each slice's once, and those in flight at a kill again")
}

const (
	allSlices = 80 // six years in ranges of 31 days, and some before
	inFlight  = 5
)

// environment is that of a deployment with a private database, whose Marketo is
// the sandbox.
func environment(t *testing.T, sandbox *running) []string {
	t.Helper()
	return append(environ(), "SALESACTIONS_DATA_DIR="+postgrestest.DataDir(t), "MARKETO_ENDPOINT="+sandbox.Marketo.Endpoint,
		"MARKETO_CLIENT_ID="+sandbox.Marketo.ClientID, "MARKETO_CLIENT_SECRET="+sandbox.Marketo.ClientSecret,
		"MARKETO_EXPORT_POLL=120ms", "MARKETO_COPY=bulk", "SYNC_POLL_INTERVAL=500ms", "MARKETO_RATE=100000", "MARKETO_DAILY_BUDGET=1000000")
}

// serveFor runs the program while something is done beside it.
func serveFor(t *testing.T, env []string, do func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())
	p := exec.Command(program, "serve", "--addr", addr, "--log-level", "error")
	p.Env = env
	p.Stderr = t.Output()
	require.NoError(t, p.Start())
	t.Cleanup(func() { end(p) })
	eventually(t, "the program to be ready", func() bool {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	do()
	require.NoError(t, p.Process.Signal(os.Interrupt))
	require.NoError(t, p.Wait())
}

// end kills a program that a failed test left.
func end(p *exec.Cmd) {
	if p.ProcessState == nil {
		_ = p.Process.Kill()
		_ = p.Wait() // says that it was killed
	}
}

// command runs another command of the program and returns what it printed.
func command(t *testing.T, env []string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	p := exec.CommandContext(ctx, program, args...)
	p.Env = env
	p.Stderr = t.Output()
	out, err := p.Output()
	require.NoError(t, err, strings.Join(args, " "))
	return string(out)
}

// compare holds the workspace against Marketo, by the columns of both.
func compare(t *testing.T, env []string, marketo string) {
	t.Helper()
	names := map[string]string{"first_name": "firstName", "last_name": "lastName", "salesforce_contact_id": "sfdcContactId",
		"salesforce_lead_id": "sfdcLeadId", "salesforce_account_id": "sfdcAccountId", "company": "company", "title": "title",
		"email": "email", "phone": "phone", "linkedin_url": "linkedInProfileURL", "source": "leadSource", "owner_id": "sfdcLeadOwnerId"}
	there := map[int64]map[string]string{}
	for id, fields := range qualifiedAt(t, marketo) {
		there[id] = map[string]string{}
		for ours, theirs := range names {
			if v := fields[theirs]; v != "" && v != "null" { // a bulk file writes the name null like no value
				there[id][ours] = v
			}
		}
	}
	here := map[int64]map[string]string{}
	serveFor(t, env, func() { here = workspace(t, env, names) })
	require.Empty(t, cmp.Diff(there, here))
}

// workspace reads the people out of the private database, which a running program
// shares.
func workspace(t *testing.T, env []string, names map[string]string) map[int64]map[string]string {
	t.Helper()
	dir := ""
	for _, v := range env {
		if rest, ok := strings.CutPrefix(v, "SALESACTIONS_DATA_DIR="); ok {
			dir = rest
		}
	}
	connection, err := pgx.Connect(t.Context(), "postgres://salesactions@/salesactions?host="+dir+"/run")
	require.NoError(t, err)
	defer connection.Close(t.Context())
	rows, err := connection.Query(t.Context(), `SELECT id, to_jsonb(p) FROM people p WHERE archived_at IS NULL`)
	require.NoError(t, err)
	people := map[int64]map[string]string{}
	for rows.Next() {
		var id int64
		var values map[string]any
		require.NoError(t, rows.Scan(&id, &values))
		people[id] = map[string]string{}
		for ours := range names {
			if v, ok := values[ours].(string); ok {
				people[id][ours] = v
			}
		}
	}
	require.NoError(t, rows.Err())
	return people
}

// filesRead is how often a bulk file was opened.
func filesRead(t *testing.T, marketo string) int {
	t.Helper()
	var stats struct{ Calls map[string]int }
	require.NoError(t, json.Unmarshal([]byte(get(t, marketo+"/_sandbox/stats")), &stats))
	return stats.Calls["export file"]
}
