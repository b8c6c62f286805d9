package web

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	gormlogger "gorm.io/gorm/logger"

	"salesactions/crypt"
	"salesactions/handlers"
	"salesactions/handlers/api"
	"salesactions/handlers/live"
	"salesactions/handlers/password"
	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	"salesactions/syncengine"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const rightPassword = "a password of the tests"

// bundle is a whole server with a database of its own and a clock.
type bundle struct {
	t      *testing.T
	db     *postgres.DB
	server *Server
	site   *httptest.Server
	log    *logged
	clock  *clockwork.FakeClock
	hasher *password.Hasher
	asked  *queries
	engine *syncengine.Engine
}

// queries counts what is asked of the database through GORM.
type queries struct {
	gormlogger.Interface
	n atomic.Int64
}

// LogMode implements GORM's logger; the level does not matter to a count.
func (q *queries) LogMode(gormlogger.LogLevel) gormlogger.Interface { return q }

// Trace implements GORM's logger: it is called once for each statement.
func (q *queries) Trace(context.Context, time.Time, func() (string, int64), error) { q.n.Add(1) }

// logged collects what the server logs.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func setup(t *testing.T) *bundle { return setupWith(t, Config{}) }

func setupWith(t *testing.T, cfg Config) *bundle {
	t.Helper()
	b := &bundle{t: t, db: postgrestest.New(t), log: &logged{}, clock: clockwork.NewFakeClockAt(time.Now()), asked: &queries{Interface: gormlogger.Discard}}
	db := b.db.Gorm.Session(&gorm.Session{Logger: b.asked})
	box, err := crypt.New(make([]byte, 32))
	require.NoError(t, err)
	logger := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	engine, err := syncengine.New(t.Context(), syncengine.Config{Box: box, Clock: clockwork.NewRealClock(), Log: logger},
		syncengine.Deps{Pool: b.db.Pool, Queue: b.db.Queue, Gorm: db})
	require.NoError(t, err)
	b.engine = engine
	b.hasher, err = password.New(password.Config{
		Params: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	require.NoError(t, err)
	jobs, err := engine.JobsHandler(t.Context(), "/settings/jobs")
	require.NoError(t, err)
	connection, err := pgx.ParseConfig(b.db.URL())
	require.NoError(t, err)
	hub, err := live.New(live.Config{Clock: clockwork.NewRealClock(), Connection: connection})
	require.NoError(t, err)
	b.server, err = New(cfg, Deps{
		DB:   db,
		API:  api.New(api.Deps{DB: db, Engine: engine}),
		Live: hub, Jobs: jobs, Registry: prometheus.NewRegistry(), Log: logger, Clock: b.clock,
		Pages: handlers.New(handlers.Deps{
			DB: db, Engine: engine, Passwords: b.hasher, BaseURL: cfg.BaseURL, Clock: b.clock,
			Ready: func(ctx context.Context) error { return b.db.Pool.Ping(ctx) },
		}),
	})
	require.NoError(t, err)
	b.site = httptest.NewServer(b.server)
	t.Cleanup(b.site.Close)
	t.Cleanup(hub.Stop)
	return b
}

// addUser adds somebody who can sign in with rightPassword.
func (b *bundle) addUser(email string, role models.Role) models.User {
	b.t.Helper()
	hash, err := b.hasher.Hash(b.t.Context(), rightPassword)
	require.NoError(b.t, err)
	name, _, _ := strings.Cut(email, "@")
	u := models.User{Email: email, Name: strings.ToUpper(name[:1]) + name[1:], Role: role, PasswordHash: &hash}
	require.NoError(b.t, models.CreateUser(b.t.Context(), b.db.Gorm, b.clock.Now(), &u))
	return u
}

// addPeople adds people with the ids 1 to n.
func (b *bundle) addPeople(n int) {
	b.t.Helper()
	ctx := b.t.Context()
	_, err := b.db.Pool.Exec(ctx, `INSERT INTO sync_runs (kind, started_by, finished_at, outcome) VALUES ('copy', 'cli', now(), 'done')`)
	require.NoError(b.t, err)
	_, err = b.db.Pool.Exec(ctx, `
		INSERT INTO people (id, first_name, last_name, email, company, owner_id, salesforce_lead_id, phone,
			name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id)
		SELECT i, 'Person', lpad(i::text, 4, '0'), 'p' || i/2 || '@example.com', 'Acme', '005000000000001AAA', '00Q000000000001AAA', '+1 555 0100',
			'person ' || lpad(i::text, 4, '0'), 'acme', '`+"\uffff"+`', 'p' || i/2 || '@example.com', '`+"\uffff"+`',
			' person ' || lpad(i::text, 4, '0') || ' acme', now(), (SELECT max(id) FROM sync_runs)
		FROM generate_series(1, $1) i`, n)
	require.NoError(b.t, err)
	_, err = b.db.Pool.Exec(ctx, `UPDATE people_totals SET live = $1`, n)
	require.NoError(b.t, err)
}

// link says who a rep is in Salesforce.
func (b *bundle) link(email, user string) {
	b.t.Helper()
	_, err := b.db.Pool.Exec(b.t.Context(), `INSERT INTO salesforce_reps (email, user_id, linked_by) VALUES ($1, $2, 'cli')`, email, user)
	require.NoError(b.t, err)
}

type selection = goquery.Selection

func id(n int64) string { return strconv.FormatInt(n, 10) }

func tokenIn(t *testing.T, body string) string {
	t.Helper()
	found := regexp.MustCompile(`sa_[A-Z2-7]{20,}`).FindString(body)
	require.NotEmpty(t, found, "no token on the page")
	return found
}

func prefixes(t *testing.T, text string) []netip.Prefix {
	t.Helper()
	if text == "" {
		return nil
	}
	prefix, err := netip.ParsePrefix(text)
	require.NoError(t, err)
	return []netip.Prefix{prefix}
}
