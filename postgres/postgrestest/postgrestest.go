// Package postgrestest gives each test a PostgreSQL database of its own, cloned from
// a template that holds the current schema. The server is a private one that ends
// with the test program, or the one that SALESACTIONS_TEST_DATABASE_URL names.
package postgrestest

import (
	"context"
	"flag"
	"runtime"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"salesactions/postgres"
)

const (
	// setupLimit bounds the first test's wait for the server and the template.
	setupLimit = 2 * time.Minute
	// dropLimit bounds the removal of a test's database.
	dropLimit = 30 * time.Second

	testMaxConns   = 8
	testQueueConns = 4
)

// New returns an open database with the schema and nothing in it. It is closed and
// dropped when the test ends.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	url := URL(t)
	db, err := postgres.Open(t.Context(), url, postgres.Options{MaxConns: testMaxConns, QueueConns: testQueueConns})
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL returns the address of a database with the schema and nothing in it, for tests
// that start programs. It is dropped when the test ends, whoever still uses it.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, func(ctx context.Context, s *server) (string, error) { return s.template(ctx) })
}

// EmptyURL is like URL without the schema, for tests of migrations.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, func(context.Context, *server) (string, error) { return "template0", nil })
}

func create(t testing.TB, template func(context.Context, *server) (string, error)) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupLimit)
	defer cancel()
	server, err := shared.get(ctx)
	if err != nil {
		t.Fatalf("start the test database server: %v", err)
	}
	from, err := template(ctx, server)
	if err != nil {
		t.Fatalf("make the test database's template: %v", err)
	}
	name, err := server.clone(ctx, from)
	if err != nil {
		t.Fatalf("make a test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), dropLimit)
		defer cancel()
		if err := server.drop(ctx, name); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return server.url(name)
}

// Widen lets times as many tests run at once as there are processors, unless -parallel
// was given: it is for packages whose tests wait more than they work. Call it from
// TestMain.
func Widen(times int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(times*runtime.GOMAXPROCS(0))) // a number is a good value
	}
}

// Main runs a package's tests, stops the server and then looks for goroutines that
// were left behind. Call it from TestMain; without it the server ends as well, but a
// search for left goroutines would find the server's.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(stopAfter{m}, options...)
}

type stopAfter struct{ tests *testing.M }

// Run is what goleak calls.
func (s stopAfter) Run() int {
	code := s.tests.Run()
	Stop()
	return code
}

// Stop ends the server and removes what DataDir copies, for a TestMain that cannot call
// Main.
func Stop() {
	shared.stop()
	made.remove()
}
