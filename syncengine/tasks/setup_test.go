package tasks_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
	"salesactions/syncengine/sftask"
	"salesactions/syncengine/tasks"
)

// clock is the time on both sides; it moves when it is told to.
type clock struct {
	clockwork.Clock // for waits, which take real time
	mu              sync.Mutex
	now             time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Since(at time.Time) time.Duration { return c.Now().Sub(at) }

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a workspace beside a Salesforce.
type world struct {
	t      *testing.T
	db     *postgres.DB
	clock  *clock
	org    *sandboxsalesforce.Server
	server *httptest.Server
	before func(r *http.Request) // what happens just before Salesforce gets a call
	users  map[string]string     // the Salesforce users of our users, by address
	*process
}

const (
	rita = "rep@example.com"
	alex = "admin@example.com"
)

// newWorld is one in which tasks are kept in Salesforce.
func newWorld(t *testing.T, db *postgres.DB, config sandboxsalesforce.Config) *world {
	t.Helper()
	w := &world{t: t, db: db, clock: &clock{Clock: clockwork.NewRealClock(), now: time.Now().UTC().Truncate(time.Second)}, users: map[string]string{}}
	config.People, config.QuotaOff, config.Clock, config.LockWait = 12, true, w.clock, 50*time.Millisecond
	var err error
	w.org, err = sandboxsalesforce.New(config)
	require.NoError(t, err)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.before != nil {
			w.before(r)
		}
		w.org.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.server.Close)
	for u := range w.org.Records("User", false) {
		email, _ := u.Values["Email"].(string)
		w.users[email] = u.ID
	}
	w.clean()
	w.switchTo(true)
	w.process = w.start(0)
	return w
}

// clean empties the workspace, but for our users.
func (w *world) clean() {
	w.t.Helper()
	_, err := w.db.Pool.Exec(w.t.Context(), `TRUNCATE task_history, deliveries, tasks, salesforce_cursors, salesforce_reps, salesforce_records, leases, settings CASCADE`)
	require.NoError(w.t, err)
	_, err = w.db.Pool.Exec(w.t.Context(), `UPDATE destinations SET setup = NULL`)
	require.NoError(w.t, err)
	_, err = w.db.Pool.Exec(w.t.Context(), `INSERT INTO users (email, name, role) VALUES ($1, 'Rita Rep', 'rep'), ($2, 'Alex Admin', 'admin') ON CONFLICT DO NOTHING`, rita, alex)
	require.NoError(w.t, err)
}

// switchTo switches the sync on or off.
func (w *world) switchTo(on bool) {
	w.t.Helper()
	logging, version, err := models.LoadLogging(w.t.Context(), w.db.Gorm)
	require.NoError(w.t, err)
	logging.Tasks = logging.Tasks.Set(on, w.clock.Now())
	require.NoError(w.t, models.SaveLogging(w.t.Context(), w.db.Gorm, logging, version, "test"))
}

// process is one life of the program. It can be killed at any of its reads and writes.
type process struct {
	w      *world
	pool   *pgxpool.Pool
	outbox *outbox.Outbox
	sync   *tasks.Sync
	run    uuid.UUID
	life   *life
}

// life ends after so many operations; 0 lasts.
type life struct {
	left atomic.Int64
	over atomic.Bool
}

var errKilled = errors.New("the process was killed")

// spend uses an operation up and says whether the process lives.
func (l *life) spend() bool {
	if l.over.Load() {
		return false
	}
	if l.left.Add(-1) == 0 {
		l.over.Store(true)
		return false
	}
	return true
}

// mortal is a connection to the database that breaks with the process.
type mortal struct {
	net.Conn
	life *life
}

func (c mortal) Write(b []byte) (int, error) {
	if !c.life.spend() {
		_ = c.Conn.Close()
		return 0, errKilled
	}
	return c.Conn.Write(b)
}

// RoundTrip implements http.RoundTripper: a killed process sends nothing, or never
// learns what came of what it sent.
func (l *life) RoundTrip(r *http.Request) (*http.Response, error) {
	if !l.spend() {
		if rand.IntN(2) == 0 || l.left.Load() < 0 {
			return nil, errKilled
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if l.over.Load() && err == nil {
		_ = resp.Body.Close()
		return nil, errKilled
	}
	return resp, err
}

// tokens are good for ever; another is there when one was refused.
type tokens struct{ w *world }

func (t tokens) Token(context.Context) (salesforce.Token, error) {
	return salesforce.Token{Access: t.w.org.AccessToken(), Instance: t.w.server.URL}, nil
}

func (t tokens) Refresh(ctx context.Context, _ salesforce.Token) (salesforce.Token, error) {
	return t.Token(ctx)
}

// start begins a life of so many operations; 0 lasts as long as the test.
func (w *world) start(operations int64) *process {
	w.t.Helper()
	p := &process{w: w, run: uuid.New(), life: &life{}}
	if operations > 0 {
		p.life.left.Store(operations)
	}
	config := w.db.Pool.Config().Copy()
	config.MaxConns, config.MinConns = 3, 0
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return mortal{conn, p.life}, nil
	}
	var err error
	p.pool, err = pgxpool.NewWithConfig(w.t.Context(), config)
	require.NoError(w.t, err)
	w.t.Cleanup(p.pool.Close)
	client := salesforce.New(salesforce.Config{Clock: clockwork.NewRealClock()}, tokens{w}, &http.Client{Transport: p.life})
	self := ""
	for u := range w.org.Records("User", false) {
		if u.Values["Username"] == "integration@example.com" {
			self = u.ID
		}
	}
	p.outbox = outbox.New(p.pool, w.clock)
	o := org.New(p.pool, w.db.Gorm, p.outbox, func(context.Context) (org.Session, error) {
		return org.Session{Client: client, Instance: w.server.URL, UserID: self}, nil
	})
	p.sync = tasks.New(p.pool, w.db.Gorm, p.outbox, o, sftask.New(p.outbox, o), tasks.Config{Settle: 20 * time.Millisecond})
	if err := o.Prepare(w.t.Context()); err != nil && operations == 0 {
		require.NoError(w.t, err)
	}
	return p
}

// push sends what is due, as a run of the outbox does.
func (p *process) push() error {
	if err := p.outbox.Reclaim(p.w.t.Context(), p.run, models.ToSalesforce); err != nil {
		return err
	}
	_, err := tasks.Push{Sync: p.sync}.Round(p.w.t.Context(), p.run)
	return err
}

// due lets whatever waits for a time be due now.
func (w *world) due() {
	w.t.Helper()
	_, err := w.db.Pool.Exec(w.t.Context(), `UPDATE deliveries SET due_at = 'epoch', sender = CASE WHEN sender = $1 THEN sender END WHERE state IN ('pending', 'sending')`, w.run)
	require.NoError(w.t, err)
	_, err = w.db.Pool.Exec(w.t.Context(), `DELETE FROM leases`)
	require.NoError(w.t, err)
}

// quiet lets both sides come to rest.
func (w *world) quiet() {
	w.t.Helper()
	for range 40 {
		w.clock.pass(3 * time.Second)
		w.due()
		require.NoError(w.t, w.push())
		require.NoError(w.t, w.sync.Pull(w.t.Context()))
		var open int
		require.NoError(w.t, w.db.Pool.QueryRow(w.t.Context(), `SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending')`).Scan(&open))
		if open == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	var left string
	require.NoError(w.t, w.db.Pool.QueryRow(w.t.Context(), `SELECT coalesce(json_agg(d)::text, '') FROM deliveries d WHERE state IN ('pending', 'sending')`).Scan(&left))
	require.FailNow(w.t, "it never comes to rest", left)
}

// create makes a task here.
func (w *world) create(name string, change func(*tasks.Fields)) uuid.UUID {
	w.t.Helper()
	kind, rep := models.TaskCall, rita
	f := tasks.Fields{Kind: &kind, Name: &name, Rep: &rep}
	if change != nil {
		change(&f)
	}
	require.NoError(w.t, f.Check())
	id, err := w.sync.Create(w.t.Context(), f, nil, "user:"+rita)
	require.NoError(w.t, err)
	return id
}

func (w *world) find(id uuid.UUID) models.Task {
	w.t.Helper()
	task, err := models.FindTask(w.t.Context(), w.db.Gorm, id)
	require.NoError(w.t, err)
	return task
}

// theirs is a task's Task.
func (w *world) theirs(id uuid.UUID) map[string]any {
	w.t.Helper()
	task := w.find(id)
	require.NotNil(w.t, task.Sync)
	require.NotNil(w.t, task.Sync.RemoteID)
	for r := range w.org.Records("Task", true) {
		if r.ID == *task.Sync.RemoteID {
			return r.Values
		}
	}
	require.FailNow(w.t, "the Task is not there")
	return nil
}

func newDB(t *testing.T) *postgres.DB { return postgrestest.New(t) }

func ptr[T any](v T) *T { return &v }
