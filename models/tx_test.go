package models_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
)

func TestASweepThatIsRunningMakesTheNextOneSkip(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	ran := 0
	sweep := func(name string, inside func()) {
		require.NoError(t, models.Sweep(t.Context(), db.Pool, name, func(pgx.Tx) error {
			ran++
			inside()
			return nil
		}))
	}
	sweep("a", func() {
		sweep("a", func() { t.Error("two at once") }) // it returns at once, and holds no connection
		sweep("b", func() {})
	})
	require.Equal(t, 2, ran, "another sweep is not kept")
	sweep("a", func() {})
	require.Equal(t, 3, ran, "the next one runs")
}

func TestAPersonIsFollowedThroughMerges(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	_, err := db.Pool.Exec(t.Context(), `INSERT INTO people (id, merged_into, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id)
		SELECT id, into_id, '', '', '', '', '', '', now(), 1 FROM (VALUES (1, 2), (2, 3), (3, NULL), (4, 99), (5, 6), (6, 5)) AS p (id, into_id)`)
	require.NoError(t, err)
	for person, want := range map[int64]int64{1: 3, 2: 3, 3: 3, 4: 4, 7: 7} {
		var now int64
		require.NoError(t, db.Pool.QueryRow(t.Context(), `SELECT person_now($1)`, person).Scan(&now))
		require.Equal(t, want, now, "%d, as far as the winners are here", person)
	}
	var circle int64
	require.NoError(t, db.Pool.QueryRow(t.Context(), `SELECT person_now(5)`).Scan(&circle), "a circle has an end")
}
