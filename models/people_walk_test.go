package models_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

// seedMany makes 20,000 people who follow each other in each order but lie anywhere in
// the table. One in 61 is a Müller; one in 50 has a name at the end of the list.
func seedMany(t *testing.T) *postgres.DB {
	t.Helper()
	db := postgrestest.New(t)
	for _, sql := range []string{
		`INSERT INTO people (id, first_name, last_name, company, email, source, owner_id, name_key, company_key, title_key, email_key, source_key, search, read_at, created_run_id, synced_at)
		SELECT id, first, last, company, email, source, '005' || id % 3, name, company, '', email, source, ' ' || name || ' ' || company || ' ' || email, now(), 1,
			to_timestamp(hashint4(id) % 100000)
		FROM (SELECT *, first || ' ' || last AS name, left(md5(id || 'c'), 2) || ' labs' AS company, left(md5(id || 'e'), 8) || '@example.com' AS email,
			CASE id % 2 WHEN 0 THEN 'web' ELSE 'event' END AS source
			FROM (SELECT id, CASE WHEN id % 50 = 0 THEN 'zz' ELSE '' END || left(md5(id::text), 6) AS first,
				CASE WHEN id % 61 = 0 THEN 'muller' WHEN id % 50 = 0 THEN 'zebra' ELSE 'smith' END AS last FROM generate_series(1, 20000) id) named) made`,
		`UPDATE people_totals SET live = 20000`,
		`ANALYZE people`,
	} {
		_, err := db.Pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	// The server's own upkeep of the table may keep a single VACUUM from its end.
	require.Eventually(t, func() bool {
		_, err := db.Pool.Exec(t.Context(), `VACUUM people`)
		require.NoError(t, err)
		var all bool
		require.NoError(t, db.Pool.QueryRow(t.Context(), `SELECT relallvisible = relpages FROM pg_class WHERE relname = 'people'`).Scan(&all))
		return all
	}, time.Minute, 10*time.Millisecond)
	return db
}

func TestSearches(t *testing.T) {
	t.Parallel()
	db := seedMany(t)
	t.Run("read_few_people", func(t *testing.T) { readFewPeople(t, db) })
	t.Run("find_all_in_order", func(t *testing.T) { findAllInOrder(t, db) })
}

// readFewPeople: a search for what a few in a hundred have reads neither all of them nor
// all who are before them in the list.
func readFewPeople(t *testing.T, db *postgres.DB) {
	for name, c := range map[string]struct {
		query models.PeopleQuery
		index string
	}{
		"by_name":              {models.PeopleQuery{Text: "müller"}, "people_by_name"},
		"by_name_last_first":   {models.PeopleQuery{Text: "müller", Desc: true}, "people_by_name"},
		"by_company":           {models.PeopleQuery{Text: "müller", Sort: models.SortByCompany}, "people_by_company"},
		"by_email":             {models.PeopleQuery{Text: "müller", Sort: models.SortByEmail}, "people_by_email"},
		"by_the_last_change":   {models.PeopleQuery{Text: "müller", Sort: models.SortByUpdated}, "people_by_synced"},
		"two_words":            {models.PeopleQuery{Text: "labs müller"}, "people_by_name"},
		"with_a_filter":        {models.PeopleQuery{Text: "müller", Source: "web"}, "people_by_name"},
		"what_most_people_are": {models.PeopleQuery{Text: "smith"}, "people_by_name"},
	} {
		t.Run(name, func(t *testing.T) {
			indexes, blocks := plans(t, db, func(g *gorm.DB) error { _, err := models.ListPeople(t.Context(), g, c.query); return err })
			require.Contains(t, indexes, c.index)
			require.Less(t, blocks, 900) // reading each person on the way takes 3,500
		})
	}
}

// findAllInOrder holds the pages of a search, forward and backward, against the table.
func findAllInOrder(t *testing.T, db *postgres.DB) {
	for order, columns := range map[models.PeopleSort]string{models.SortByName: "name_key %[1]s, id %[1]s", models.SortByCompany: "company_key %[1]s, id %[1]s",
		models.SortBySource: "source_key %[1]s, id %[1]s", models.SortByOwner: "owner_id %[1]s, name_key %[1]s, id %[1]s", models.SortByUpdated: "synced_at %[1]s, id %[1]s"} {
		for word, limit := range map[string]int{"muller": 50, "zebra": 60, "web": 500} {
			for _, direction := range []string{"", "DESC"} {
				t.Run(fmt.Sprintf("%s_by_%s_%s", word, order, direction), func(t *testing.T) {
					t.Parallel()
					q := models.PeopleQuery{Text: word, Sort: order, Desc: direction != "", Limit: limit}
					condition := "search LIKE '%" + word + "%'"
					if word == "web" {
						q.Text, q.Source, condition = "", word, "source_key = 'web'"
					}
					var want, got []int64
					require.NoError(t, db.Gorm.Raw("SELECT id FROM people WHERE "+condition+" ORDER BY "+fmt.Sprintf(columns, direction)).Scan(&want).Error)
					for _, p := range walkThrough(t, db.Gorm, q) {
						got = append(got, p.ID)
					}
					require.Equal(t, want, got)
				})
			}
		}
	}
}
