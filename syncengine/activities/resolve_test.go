package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/outbox"
)

// waitingRoom is a workspace with activities whose person or email never comes.
func waitingRoom(t *testing.T) *postgres.DB {
	t.Helper()
	db := postgrestest.New(t)
	must(t, db, `INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('test', 'record', '\x01', '', 'test')`)
	must(t, db, `INSERT INTO people (id, salesforce_contact_id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id, synced_at)
		SELECT n, '003' || lpad(n::text, 15, '0'), 'b' || n, '', '', 'e' || n, '', 'x', now(), 1, now() - interval '1 day' FROM generate_series(1, 5000) n`)
	must(t, db, `INSERT INTO activities (id, token_id, key, kind, occurred_at, person_marketo_id, person_salesforce_id, person_email_key, person_id, email_key)
		SELECT lpad(to_hex(n), 32, '0')::uuid, 1, 'k' || n, 'email_opened', now(),
			CASE n % 4 WHEN 0 THEN 1000000 + n END, CASE n % 4 WHEN 1 THEN '00Q' || lpad(n::text, 12, '0') || 'AAA' END, CASE n % 4 WHEN 2 THEN 'never' || n END,
			CASE n % 4 WHEN 3 THEN 1 END, 'no' || n FROM generate_series(1, 20000) n`)
	must(t, db, `INSERT INTO deliveries (activity_id, destination, operation, occurred_at, state, hold)
		SELECT id, 'marketo', 'create', occurred_at, 'pending', 'person' FROM activities WHERE person_id IS NULL
		UNION ALL SELECT id, 'salesforce', 'update', occurred_at, 'pending', 'email' FROM activities`)
	must(t, db, `ANALYZE`)
	return db
}

func must(t *testing.T, db *postgres.DB, sql string, args ...any) {
	t.Helper()
	_, err := db.Pool.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// TestResolvingCostsWhatIsNew: activities that wait for ever cost a pass nothing.
func TestResolvingCostsWhatIsNew(t *testing.T) {
	t.Parallel()
	db := waitingRoom(t)
	since := time.Now().Add(-resolveOverlap)
	o := outbox.New(db.Pool, clockwork.NewRealClock())
	for _, s := range append(afterResolution(o, since, []uuid.UUID{uuid.New()}), resolution(since)) {
		blocks := 0
		require.NoError(t, pgx.BeginFunc(t.Context(), db.Pool, func(tx pgx.Tx) error {
			var raw []byte
			if err := tx.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+s.SQL, s.Args).Scan(&raw); err != nil {
				return err
			}
			var explained []struct {
				Plan struct {
					Hit  int `json:"Shared Hit Blocks"`
					Read int `json:"Shared Read Blocks"`
				}
			}
			err := json.Unmarshal(raw, &explained)
			blocks = explained[0].Plan.Hit + explained[0].Plan.Read
			return err
		}))
		require.Less(t, blocks, 100, s.SQL) // a full pass reads some thousand
	}
}

func TestActivitiesFindTheirPeopleWhoArriveLater(t *testing.T) {
	t.Parallel()
	db := waitingRoom(t)
	resolved := func() int64 {
		n, err := Resolve(t.Context(), db.Pool, outbox.New(db.Pool, clockwork.NewRealClock()))
		require.NoError(t, err)
		return n
	}
	held := func() int {
		var n int
		require.NoError(t, db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM deliveries WHERE hold = 'person'`).Scan(&n))
		return n
	}
	require.Zero(t, resolved(), "the first pass looks at all, and nobody is there")
	before := held()
	arrive := func(id int64, lead, email string) {
		must(t, db, `INSERT INTO people (id, salesforce_lead_id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id)
			VALUES ($1, nullif($2, ''), 'n', '', '', $3, '', 'x', now(), 1)`, id, lead, email)
	}
	arrive(1000004, "", "")                   // named by the Marketo id
	arrive(2000001, "00Q000000000001AAA", "") // of activity 1, which has 18 characters
	arrive(2000002, "00Q000000000005", "")    // has 15 of those of activity 5
	arrive(2000003, "", "never2")             // named by address
	arrive(2000004, "", "never6")             // an address that two people have
	arrive(2000005, "", "never6")
	must(t, db, `INSERT INTO people (id, salesforce_lead_id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id)
		SELECT 3000000 + n, '00Q9000000000' || n || 'AAA', 'n', '', '', '', '', 'x', now(), 1 FROM generate_series(10, 20) n`) // of nobody
	require.EqualValues(t, 4, resolved())
	require.Equal(t, before-4, held(), "what waited for them may go")
	require.Zero(t, resolved())

	must(t, db, `UPDATE people SET synced_at = now() - interval '1 day' WHERE id = 2000004`)
	must(t, db, `UPDATE people SET archived_at = now(), archive_reason = 'deleted' WHERE id = 2000005`)
	require.Zero(t, resolved(), "who leaves is not among those who are new")
	must(t, db, `UPDATE activity_cursor SET read_all_at = read_all_at - interval '1 hour'`)
	require.EqualValues(t, 1, resolved(), "the address has one person left")
	require.Equal(t, before-5, held())
}

// TestAnEmailAndItsOpenOfOneMomentFindEachOther: two requests that are stored at once
// do not see each other.
func TestAnEmailAndItsOpenOfOneMomentFindEachOther(t *testing.T) {
	t.Parallel()
	db := waitingRoom(t)
	_, err := Resolve(t.Context(), db.Pool, outbox.New(db.Pool, clockwork.NewRealClock()))
	require.NoError(t, err)
	now := firstID(time.Now())
	email, open := now, now
	email[15], open[15] = 1, 2
	must(t, db, `INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id) VALUES ($1, 1, 'email', 'email_sent', now(), 1)`, email)
	must(t, db, `INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id, email_key) VALUES ($1, 1, 'open', 'email_opened', now(), 1, 'email')`, open)
	must(t, db, `INSERT INTO deliveries (activity_id, destination, operation, occurred_at, state) VALUES ($1, 'salesforce', 'create', now(), 'delivered')`, email)
	must(t, db, `INSERT INTO deliveries (activity_id, destination, operation, occurred_at, state, hold) VALUES ($1, 'salesforce', 'update', now(), 'pending', 'email')`, open)
	_, err = Resolve(t.Context(), db.Pool, outbox.New(db.Pool, clockwork.NewRealClock()))
	require.NoError(t, err)
	var free bool
	require.NoError(t, db.Pool.QueryRow(t.Context(), `SELECT hold IS NULL FROM deliveries WHERE activity_id = $1`, open).Scan(&free))
	require.True(t, free)
}
