package models_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
)

// seed makes people whose names, companies and owners repeat.
func seed(t *testing.T, n int) *gorm.DB {
	t.Helper()
	db := postgrestest.New(t)
	first := []string{"Ada", "Zoë", "Maria", "Łukasz", "伟", "Ivan"}
	last := []string{"Lovelace", "Ångström", "Smith", "Wójcik", "王", "Marianov"}
	for i := range n {
		f, l := first[i%len(first)], last[(i/7)%len(last)]
		company, email, source := fmt.Sprintf("Company %d", i%11), fmt.Sprintf("p%d@example.com", i), []string{"Web", "Event"}[i%2]
		name := models.DisplayName(&f, &l)
		_, err := db.Pool.Exec(t.Context(), `INSERT INTO people (id, first_name, last_name, company, email, source, owner_id, name_key, company_key,
			title_key, email_key, source_key, search, read_at, created_run_id, synced_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,now(),1,$14)`,
			i+1, f, l, company, email, source, fmt.Sprintf("005%d", i%3), models.SortKey(&name), models.SortKey(&company), models.SortKey(nil),
			models.SortKey(&email), models.SortKey(&source), models.SearchText(&f, &l, &company, &email), time.Unix(int64(i), 0))
		require.NoError(t, err)
	}
	_, err := db.Pool.Exec(t.Context(), `UPDATE people_totals SET live = $1`, n)
	require.NoError(t, err)
	_, err = db.Pool.Exec(t.Context(), `ANALYZE people`)
	require.NoError(t, err)
	return db.Gorm
}

// walkThrough reads a list page by page to its end, and back to its beginning.
func walkThrough(t *testing.T, db *gorm.DB, q models.PeopleQuery) []models.Person {
	t.Helper()
	var pages [][]int64
	var all []models.Person
	previous := ""
	for {
		page, err := models.ListPeople(t.Context(), db, q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.People), q.Limit)
		ids := []int64{}
		for _, p := range page.People {
			ids = append(ids, p.ID)
		}
		pages, all, previous = append(pages, ids), append(all, page.People...), page.Previous
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
	}
	for i := len(pages) - 2; i >= 0; i-- {
		require.NotEmpty(t, previous, "page %d has one before it", i+1)
		q.Cursor = previous
		page, err := models.ListPeople(t.Context(), db, q)
		require.NoError(t, err)
		ids := []int64{}
		for _, p := range page.People {
			ids = append(ids, p.ID)
		}
		require.Equal(t, pages[i], ids, "page %d, reached from behind", i)
		previous = page.Previous
	}
	return all
}

func TestListPeople(t *testing.T) {
	t.Parallel()
	const n = 300
	db := seed(t, n)
	for _, sort := range []models.PeopleSort{models.SortByName, models.SortByCompany, models.SortByEmail, models.SortBySource, models.SortByOwner, models.SortByUpdated} {
		for _, desc := range []bool{false, true} {
			t.Run(fmt.Sprintf("sorted_by_%s_%t_shows_everybody_once_and_back_again", sort, desc), func(t *testing.T) {
				t.Parallel()
				all := walkThrough(t, db, models.PeopleQuery{Sort: sort, Desc: desc, Limit: 37})
				require.Len(t, all, n)
				ids := map[int64]bool{}
				for _, p := range all {
					ids[p.ID] = true
				}
				require.Len(t, ids, n)
			})
		}
	}

	t.Run("filters_and_searches_find_the_same_whatever_the_way", func(t *testing.T) {
		t.Parallel()
		for _, q := range []models.PeopleQuery{{Source: "web"}, {OwnerID: "0051"}, {Company: "company 3"}, {Text: "maria"}, {Text: "mar"}, {Text: "ma"},
			{Text: "wojcik"}, {Text: "王伟"}, {Text: "伟"}, {Text: "ångström zoe"}, {Text: "p12@"}, {Text: "nobody"}, {Text: "maria", Source: "Event"},
			{Mine: true, UserID: "0051"}, {Mine: true, UserID: "0051", Text: "maria"}, {Mine: true, UserID: "0051", OwnerID: "0052"}, {Mine: true}, {UserID: "0051"}} {
			want := 0
			for _, p := range walkThrough(t, db, models.PeopleQuery{Limit: 500}) {
				if matches(p, q) {
					want++
				}
			}
			for _, sort := range []models.PeopleSort{models.SortByName, models.SortByEmail} {
				q.Sort, q.Limit = sort, 7
				got := walkThrough(t, db, q)
				require.Len(t, got, want, "%+v", q)
				for _, p := range got {
					require.True(t, matches(p, q), "%+v is not in %+v", p, q)
				}
			}
		}
	})

	t.Run("a_search_shows_names_that_begin_with_it_first", func(t *testing.T) {
		t.Parallel()
		var names []string
		for _, p := range walkThrough(t, db, models.PeopleQuery{Text: "maria", Limit: 9}) {
			names = append(names, models.Fold(p.Name()))
		}
		change := slices.IndexFunc(names, func(name string) bool { return name[:5] != "maria" })
		require.Positive(t, change)
		require.True(t, slices.IsSorted(names[:change]))
		require.True(t, slices.IsSorted(names[change:]))
	})

	t.Run("a_cursor_of_another_order_or_made_up_is_refused", func(t *testing.T) {
		t.Parallel()
		page, err := models.ListPeople(t.Context(), db, models.PeopleQuery{Limit: 5})
		require.NoError(t, err)
		for _, cursor := range []string{page.Next, "x", "bm5hbWVb", "////"} {
			_, err := models.ListPeople(t.Context(), db, models.PeopleQuery{Sort: models.SortByCompany, Cursor: cursor})
			require.ErrorIs(t, err, models.ErrBadCursor)
		}
	})
}

// matches is the meaning of a query, told another way.
func matches(p models.Person, q models.PeopleQuery) bool {
	contains := func(text, part string) bool { return len(part) == 0 || slices.Contains(windows(text, len(part)), part) }
	searched := models.SearchText(p.FirstName, p.LastName, p.Company, p.Email)
	for _, word := range splitWords(q.Text) {
		folded := models.Fold(word)
		if len([]rune(folded)) < 3 {
			folded = " " + folded
		}
		if !contains(searched, folded) {
			return false
		}
	}
	return (q.Source == "" || models.Fold(*p.Source) == models.Fold(q.Source)) &&
		(q.OwnerID == "" || *p.OwnerID == q.OwnerID) && (!q.Mine || *p.OwnerID == q.UserID) && (q.Company == "" || models.Fold(*p.Company) == models.Fold(q.Company))
}

func windows(text string, size int) []string {
	var all []string
	for i := 0; i+size <= len(text); i++ {
		all = append(all, text[i:i+size])
	}
	return all
}

func splitWords(text string) []string {
	var words []string
	word := ""
	for _, r := range text + " " {
		if r != ' ' {
			word += string(r)
			continue
		}
		if word != "" {
			words = append(words, word)
		}
		word = ""
	}
	return words
}
