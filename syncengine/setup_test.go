package syncengine_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/crypt"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	sandboxmarketo "salesactions/sandbox/marketo"
	"salesactions/syncengine"
)

func TestMain(m *testing.M) {
	postgrestest.Widen(2) // they wait for what goes on in the background
	postgrestest.Main(m)
}

// patience is how long anything is waited for. It costs nothing where things go well, and
// on a busy machine only what never comes should fail.
const patience = 2 * time.Minute

// bundle is a workspace beside a Marketo.
type bundle struct {
	t       *testing.T
	db      *postgres.DB
	sandbox *sandboxmarketo.Server
	server  *httptest.Server
	engine  *syncengine.Engine
}

// sandboxConfig is a Marketo without its waits, but with its limits, and as few people as
// tests of deliveries need.
func sandboxConfig() sandboxmarketo.Config {
	return sandboxmarketo.Config{Clock: clockwork.NewRealClock(), People: fewPeople, Seed: 1, QuotaOff: true, Rate: 1 << 30, DailyQuota: 1 << 30, BulkDelay: 20 * time.Millisecond,
		BulkRefresh: 20 * time.Millisecond, CommitLag: 300 * time.Millisecond}
}

// fewPeople is how many an office has, and its org.
const fewPeople = 400

// crowdConfig is a Marketo with people enough for several pages and batches.
func crowdConfig() sandboxmarketo.Config {
	c := sandboxConfig()
	c.People = 1500
	return c
}

// engineConfig is an engine that waits for nothing longer than a test has time for.
func engineConfig() syncengine.Config {
	return syncengine.Config{Work: true, PollInterval: 200 * time.Millisecond, SweepInterval: time.Second, ExportPoll: 25 * time.Millisecond,
		MissDelay: 100 * time.Millisecond, Rate: 1 << 20, DailyBudget: 1 << 40, Copy: syncengine.CopyBulk}
}

func setup(t *testing.T, sandbox sandboxmarketo.Config, config syncengine.Config) *bundle {
	t.Helper()
	b := &bundle{t: t, db: postgrestest.New(t)}
	var err error
	b.sandbox, err = sandboxmarketo.New(sandbox)
	require.NoError(t, err)
	b.server = httptest.NewServer(b.sandbox)
	t.Cleanup(b.server.Close)
	b.start(config)
	require.NoError(t, b.engine.SaveMarketo(t.Context(), b.server.URL+"/rest", "sandbox-client", "sandbox-secret", "test"))
	return b
}

// start begins an engine on the workspace; the test's end stops it.
func (b *bundle) start(config syncengine.Config) {
	b.t.Helper()
	box, err := crypt.New(bytes.Repeat([]byte{1}, crypt.KeySize))
	require.NoError(b.t, err)
	config.Box = box
	if config.Clock == nil {
		config.Clock = clockwork.NewRealClock()
	}
	config.Log = slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := syncengine.New(b.t.Context(), config, syncengine.Deps{Pool: b.db.Pool, Queue: b.db.Queue, Gorm: b.db.Gorm})
	require.NoError(b.t, err)
	require.NoError(b.t, engine.Start(b.t.Context()))
	b.engine = engine
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := engine.Stop(ctx); err != nil {
			b.t.Error(err)
		}
	})
}

// until waits for something to become true of the sync.
func (b *bundle) until(what string, ok func(syncengine.Status) bool) syncengine.Status {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		st, err := b.engine.Status(b.t.Context())
		require.NoError(b.t, err)
		if ok(st) {
			return st
		}
		if time.Now().After(deadline) {
			require.FailNowf(b.t, "waited too long", "for %s; the sync is %s, trouble %+v", what, st.State, st.Trouble)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// copied starts the sync and waits for the end of the initial one.
func (b *bundle) copied() {
	b.t.Helper()
	require.NoError(b.t, b.engine.StartSync(b.t.Context(), "test"))
	b.until("the copy", func(st syncengine.Status) bool { return st.State == syncengine.StateFollowing })
}

// names of the 13 fields and the owner: ours, and Marketo's.
var fieldNames = map[string]string{
	"first_name": "firstName", "last_name": "lastName", "salesforce_contact_id": "sfdcContactId", "salesforce_lead_id": "sfdcLeadId",
	"salesforce_account_id": "sfdcAccountId", "salesforce_opportunity_id": "sfdcOpptyId", "company": "company", "title": "title",
	"email": "email", "phone": "phone", "linkedin_url": "linkedInProfileURL", "source": "leadSource", "owner_id": "sfdcLeadOwnerId",
}

type workspace map[int64]map[string]string

// workspace reads everybody here.
func (b *bundle) workspace() workspace {
	b.t.Helper()
	here := workspace{}
	rows, err := b.db.Pool.Query(b.t.Context(), `SELECT id, jsonb_strip_nulls(to_jsonb(p)) FROM people p WHERE archived_at IS NULL`)
	require.NoError(b.t, err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		var values map[string]any
		require.NoError(b.t, rows.Scan(&id, &values))
		here[id] = map[string]string{}
		for ours := range fieldNames {
			if v, ok := values[ours].(string); ok {
				here[id][ours] = v
			}
		}
	}
	require.NoError(b.t, rows.Err())
	return here
}

// marketo reads everybody there who has an owner.
func (b *bundle) marketo() workspace {
	there := workspace{}
	for p := range b.sandbox.People() {
		if p.Fields["sfdcLeadOwnerId"] == "" {
			continue
		}
		there[p.ID] = map[string]string{}
		for ours, theirs := range fieldNames {
			if v := p.Fields[theirs]; v != "" {
				there[p.ID][ours] = v
			}
		}
	}
	return there
}

// difference compares both worlds. A bulk file writes the name null like no value:
// that much a copy cannot know (Marketo REST: bulk extract).
func (b *bundle) difference() string {
	b.t.Helper()
	there, here := b.marketo(), b.workspace()
	for _, world := range []workspace{there, here} {
		for _, values := range world {
			for name, v := range values {
				if v == "null" {
					delete(values, name)
				}
			}
		}
	}
	return cmp.Diff(there, here)
}

// equal waits until the workspace equals Marketo.
func (b *bundle) equal() {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		diff := b.difference()
		if diff == "" {
			break
		}
		if time.Now().After(deadline) {
			require.FailNow(b.t, "the workspace does not equal Marketo", diff)
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.counted()
}

// counted checks the kept totals.
func (b *bundle) counted() {
	b.t.Helper()
	var kept, real [2]int64
	require.NoError(b.t, b.db.Pool.QueryRow(b.t.Context(), `SELECT live, archived, (SELECT count(*) FROM people WHERE archived_at IS NULL),
		(SELECT count(*) FROM people WHERE archived_at IS NOT NULL) FROM people_totals`).Scan(&kept[0], &kept[1], &real[0], &real[1]))
	require.Equal(b.t, real, kept)
}

// innocent checks that no documented limit was broken.
func (b *bundle) innocent() {
	b.t.Helper()
	require.Empty(b.t, b.sandbox.Violations())
}
