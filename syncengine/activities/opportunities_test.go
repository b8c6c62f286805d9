package activities

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/postgres/postgrestest"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// TestContactsAreAskedAboutInTheOrderOfTheirTasks: a claim must not have to pass Tasks
// that wait for an answer, however many there are.
func TestContactsAreAskedAboutInTheOrderOfTheirTasks(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	must(t, db, `INSERT INTO api_tokens (name, scope, token_hash, hint, created_by) VALUES ('test', 'record', '\x01', '', 'test')`)
	must(t, db, `INSERT INTO people (id, salesforce_contact_id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id)
		SELECT n, '003' || lpad(n::text, 12, '0') || 'AAA', '', '', '', '', '', 'x', now(), 1 FROM generate_series(1, 6000) n`)
	must(t, db, `INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id)
		SELECT gen_random_uuid(), 1, 'k' || n, 'email_sent', now(), 6001 - n FROM generate_series(1, 6000) n`)
	must(t, db, `INSERT INTO deliveries (activity_id, destination, occurred_at, state, due_at)
		SELECT id, 'salesforce', occurred_at, 'pending', now() - person_id * interval '1 second' FROM activities`) // the last person is due first
	must(t, db, `ANALYZE`)

	o := outbox.New(db.Pool, clockwork.NewRealClock())
	s := &toSalesforce{pool: db.Pool, outbox: o}
	soon, err := s.contactsToAsk(t.Context(), dueSoon)
	require.NoError(t, err)
	require.Len(t, soon, dueSoon)
	later, err := s.contactsToAsk(t.Context(), dueLater)
	require.NoError(t, err)
	require.Equal(t, soon, later[:len(soon)])
	for n, contact := range later {
		require.Equal(t, fmt.Sprintf("003%012d", 6000-n), contact)
	}

	claimed := 0
	must(t, db, `INSERT INTO salesforce_records (id) SELECT unnest($1::text[])`, later) // as if it had been asked
	for range len(later) / salesforce.MaxCollection {
		items, err := claim(t.Context(), db.Pool, o, uuid.New(), salesforceCreates, salesforce.MaxCollection, s.knownOpportunity())
		require.NoError(t, err)
		require.Len(t, items, salesforce.MaxCollection)
		for _, i := range items {
			require.Greater(t, *i.PersonID, int64(6000-claimed-2*salesforce.MaxCollection), "the first that are due")
		}
		claimed += len(items)
	}
}
