// Package enginetest sets up whole engines for tests, beside sandboxes of Marketo and
// Salesforce: a Bundle is a workspace beside a Marketo, a Desk records activities in it,
// and an Office has a Salesforce too. Only tests import it.
package enginetest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/crypt"
	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	sandboxmarketo "salesactions/sandbox/marketo"
	"salesactions/syncengine"
)

// Patience is how long anything is waited for. It costs nothing where things go well, and
// on a busy machine only what never comes should fail.
const Patience = 2 * time.Minute

// Bundle is a workspace beside a Marketo.
type Bundle struct {
	T       *testing.T
	DB      *postgres.DB
	Sandbox *sandboxmarketo.Server
	Server  *httptest.Server // the sandbox's
	Engine  *syncengine.Engine
}

// SandboxConfig is a Marketo without its waits, but with its limits, and as few people as
// tests of deliveries need.
func SandboxConfig() sandboxmarketo.Config {
	return sandboxmarketo.Config{Clock: clockwork.NewRealClock(), People: fewPeople, Seed: 1, QuotaOff: true, Rate: 1 << 30, DailyQuota: 1 << 30, BulkDelay: 20 * time.Millisecond,
		BulkRefresh: 20 * time.Millisecond, CommitLag: 300 * time.Millisecond}
}

// fewPeople is how many an office has, and its org.
const fewPeople = 400

// CrowdConfig is a Marketo with people enough for several pages and batches.
func CrowdConfig() sandboxmarketo.Config {
	c := SandboxConfig()
	c.People = 1500
	return c
}

// EngineConfig is an engine that waits for nothing longer than a test has time for.
func EngineConfig() syncengine.Config {
	return syncengine.Config{Work: true, PollInterval: 200 * time.Millisecond, SweepInterval: time.Second, ExportPoll: 25 * time.Millisecond,
		MissDelay: 100 * time.Millisecond, Rate: 1 << 20, DailyBudget: 1 << 40, Copy: syncengine.CopyBulk}
}

// Setup begins an engine that is connected to a Marketo of its own.
func Setup(t *testing.T, sandbox sandboxmarketo.Config, config syncengine.Config) *Bundle {
	t.Helper()
	b := &Bundle{T: t, DB: postgrestest.New(t)}
	var err error
	b.Sandbox, err = sandboxmarketo.New(sandbox)
	require.NoError(t, err)
	b.Server = httptest.NewServer(b.Sandbox)
	t.Cleanup(b.Server.Close)
	b.Start(config)
	require.NoError(t, b.Engine.SaveMarketo(t.Context(), b.Server.URL+"/rest", "sandbox-client", "sandbox-secret", "test"))
	return b
}

// Start begins an engine on the workspace; the test's end stops it.
func (b *Bundle) Start(config syncengine.Config) {
	b.T.Helper()
	box, err := crypt.New(bytes.Repeat([]byte{1}, crypt.KeySize))
	require.NoError(b.T, err)
	config.Box = box
	if config.Clock == nil {
		config.Clock = clockwork.NewRealClock()
	}
	config.Log = slog.New(slog.NewTextHandler(b.T.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := syncengine.New(b.T.Context(), config, syncengine.Deps{Pool: b.DB.Pool, Queue: b.DB.Queue, Gorm: b.DB.Gorm})
	require.NoError(b.T, err)
	require.NoError(b.T, engine.Start(b.T.Context()))
	b.Engine = engine
	b.T.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := engine.Stop(ctx); err != nil {
			b.T.Error(err)
		}
	})
}

// Until waits for something to become true of the sync.
func (b *Bundle) Until(what string, ok func(syncengine.Status) bool) syncengine.Status {
	b.T.Helper()
	deadline := time.Now().Add(Patience)
	for {
		st, err := b.Engine.Status(b.T.Context())
		require.NoError(b.T, err)
		if ok(st) {
			return st
		}
		if time.Now().After(deadline) {
			require.FailNowf(b.T, "waited too long", "for %s; the sync is %s, trouble %+v", what, st.State, st.Trouble)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Copied starts the sync and waits for the end of the initial one.
func (b *Bundle) Copied() {
	b.T.Helper()
	require.NoError(b.T, b.Engine.StartSync(b.T.Context(), "test"))
	b.Until("the copy", func(st syncengine.Status) bool { return st.State == syncengine.StateFollowing })
}

// Innocent checks that no documented limit was broken.
func (b *Bundle) Innocent() {
	b.T.Helper()
	require.Empty(b.T, b.Sandbox.Violations())
}

// WithHistory is a Marketo in which people did something in the last 90 days.
func WithHistory() sandboxmarketo.Config {
	c := CrowdConfig()
	c.History = true
	return c
}

// Grid is a person's SmartGrid, or that of the person's account.
func (b *Bundle) Grid(id int64, account bool) syncengine.SmartGrid {
	b.T.Helper()
	person, err := models.FindPerson(b.T.Context(), b.DB.Gorm, id)
	require.NoError(b.T, err)
	grid, err := b.Engine.SmartGrid(b.T.Context(), person, account)
	require.NoError(b.T, err)
	return grid
}

// Idle is an engine that asks Marketo nothing by itself once people are copied.
func Idle() syncengine.Config {
	c := DeliveryConfig()
	c.PollInterval, c.SweepInterval = time.Hour, time.Hour
	return c
}
