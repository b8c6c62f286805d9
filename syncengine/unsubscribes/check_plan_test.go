package unsubscribes

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"salesactions/postgres/postgrestest"
)

// TestTheCheckReadsNoWholeTable looks at the plan where many are unsubscribed, and many
// who are not here yet: the check is asked before each email.
func TestTheCheckReadsNoWholeTable(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, sql := range []string{
		`INSERT INTO people (id, last_name, email, email_key, salesforce_contact_id, name_key, company_key, title_key, source_key, search, read_at, created_run_id)
			SELECT n, 'x', n || '@x.example', n || '@x.example', '003' || lpad(n::text, 15, '0'), '', '', '', '', '', now(), 1 FROM generate_series(1, 20000) n`,
		`INSERT INTO unsubscribes (person_id, source, person_email_key) SELECT n, 'rep', n || '@x.example' FROM generate_series(1, 10000) n`,
		`INSERT INTO unsubscribes (person_marketo_id, source) SELECT n, 'api' FROM generate_series(1000000, 1010000) n`,
		`INSERT INTO unsubscribes (person_salesforce_id, source) SELECT '00Q' || lpad(n::text, 15, '0'), 'api' FROM generate_series(1000000, 1010000) n`,
		`INSERT INTO unsubscribes (person_email_key, source) SELECT n || '@y.example', 'api' FROM generate_series(1000000, 1010000) n`,
		`VACUUM ANALYZE people, unsubscribes`,
	} {
		_, err := db.Pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	rows, err := db.Pool.Query(t.Context(), `EXPLAIN `+whoSaidNo, int64(15_000), "15000@x.example", []int64{15_000}, "")
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, line := range plan {
		require.NotContains(t, line, "Seq Scan", strings.Join(plan, "\n"))
		require.NotContains(t, line, "unsubscribes_waiting on", strings.Join(plan, "\n"))
	}
	require.Contains(t, strings.Join(plan, "\n"), "unsubscribes_waiting_marketo")
	require.Contains(t, strings.Join(plan, "\n"), "unsubscribes_waiting_salesforce")
}
