package people

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// noon is when the first read of most tests was sent.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// keeper is a sync with a run, for tests of the store.
func keeper(t *testing.T, kind models.RunKind) (*bundle, storeOptions) {
	t.Helper()
	b := syncOf(t, newDB(t), nil)
	return b, storeOptions{runID: b.run(kind).ID, now: b.now()}
}

// people are all who are stored: id, title, and why they are archived.
func (b *bundle) people() []string {
	b.t.Helper()
	return b.lines(`SELECT concat_ws(' ', id, coalesce(title, '-'), archive_reason) FROM people ORDER BY id`)
}

// provenance is what is written down of changes, in the order of people and fields.
func (b *bundle) provenance() []string {
	b.t.Helper()
	return b.lines(`SELECT concat_ws(' ', person_id, field || ':', coalesce(old, '-'), '>', coalesce(new, '-')) FROM person_changes ORDER BY person_id, field, id`)
}

func titled(id int64, title string, readAt time.Time) Row {
	row := owned(id, readAt)
	row.Title = &title
	return row
}

func unowned(id int64, readAt time.Time) Row {
	row := titled(id, "lost", readAt)
	row.OwnerID, row.Qualifies = nil, false
	return row
}

func TestTheReadSentLaterWins(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunCopy)
	id := int64(0)
	for name, c := range map[string]struct {
		first, second Row
		want          string
		stored        Stored
	}{
		"a_later_read":                 {titled(0, "old", noon), titled(0, "new", noon.Add(time.Microsecond)), "new", Stored{Updated: 1}},
		"a_read_of_the_same_moment":    {titled(0, "old", noon), titled(0, "new", noon), "new", Stored{Updated: 1}},
		"an_earlier_read":              {titled(0, "old", noon), titled(0, "new", noon.Add(-time.Microsecond)), "old", Stored{}},
		"a_later_read_without_owner":   {titled(0, "old", noon), unowned(0, noon.Add(time.Second)), "old owner_lost", Stored{Archived: 1}},
		"an_earlier_one_without_owner": {titled(0, "old", noon), unowned(0, noon.Add(-time.Second)), "old", Stored{}},
		"unowned_at_the_same_moment":   {titled(0, "old", noon), unowned(0, noon), "old owner_lost", Stored{Archived: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			id++
			c.first.ID, c.second.ID = id, id
			require.Equal(t, Stored{Created: 1}, b.store(o, c.first))
			require.Equal(t, c.stored, b.store(o, c.second))
			require.Equal(t, []string{fmt.Sprint(id, " ", c.want)},
				b.lines(`SELECT concat_ws(' ', id, title, archive_reason) FROM people WHERE id = $1`, id))
		})
	}
	b.totals(4, 2)
}

// TestTheOrderOfStoringDoesNotMatter stores the same reads in every order.
func TestTheOrderOfStoringDoesNotMatter(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunCopy)
	reads := []Row{titled(1, "first", noon), titled(1, "second", noon.Add(time.Second)), titled(1, "third", noon.Add(2*time.Second))}
	for n, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		id := int64(n + 1)
		for _, i := range order {
			read := reads[i]
			read.ID = id
			b.store(o, read)
		}
		require.Equal(t, []string{"third"}, b.lines(`SELECT title FROM people WHERE id = $1`, id), "%v", order)
	}
}

func TestAnEqualReadChangesNothing(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunCopy)
	row := titled(1, "Dr", noon)
	row.CreatedAt, row.UpdatedAt = ptr(noon), ptr(noon)
	b.store(o, row)
	state := func() []string { return b.lines(`SELECT to_jsonb(p)::text || xmin FROM people p`) }
	before := state()

	row.ReadAt, row.UpdatedAt = noon.Add(time.Hour), ptr(noon.Add(time.Hour)) // updatedAt is no version number
	require.Equal(t, Stored{}, b.store(o, row))
	require.Equal(t, before, state(), "the row is not even written")

	o.reread = true
	require.Equal(t, Stored{}, b.store(o, row))
	require.Equal(t, []string{"t"}, b.lines(`SELECT left((read_at = $1)::text, 1) FROM people`, row.ReadAt), "a person who was asked for counts as read")
	row.ReadAt = noon
	b.store(o, row)
	require.Equal(t, []string{"t"}, b.lines(`SELECT left((read_at = $1)::text, 1) FROM people`, noon.Add(time.Hour)), "and not as read earlier again")
	require.Empty(t, b.provenance())
	b.totals(1, 0)
}

// TestEachFieldIsCompared changes one field after another, to a value, to another,
// and to none.
func TestEachFieldIsCompared(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunFollow)
	set := map[string]func(*Row, *string){}
	for _, f := range Fields(Rule{}) {
		if f.set != nil {
			set[f.Name] = f.set
		}
	}
	set["owner_id"] = func(r *Row, v *string) { r.OwnerID = v }
	set["salesforce_type"] = func(r *Row, v *string) { r.Type = v }
	require.Len(t, set, 14)
	b.store(o, Row{ID: 1, ReadAt: noon, Qualifies: true})
	readAt := noon
	var want []string
	for name, set := range set {
		for _, values := range [][2]*string{{nil, ptr("a")}, {ptr("a"), ptr("A ")}, {ptr("A "), ptr("null")}, {ptr("null"), nil}} {
			readAt = readAt.Add(time.Second)
			row := Row{ID: 1, ReadAt: readAt, Qualifies: true}
			set(&row, values[1])
			require.Equal(t, Stored{Updated: 1}, b.store(o, row), name)
			require.Equal(t, Stored{}, b.store(o, row), name)
		}
		want = append(want, "1 "+name+": - > a", "1 "+name+": a > A ", "1 "+name+": A  > null", "1 "+name+": null > -")
	}
	unsubscribed := Row{ID: 1, ReadAt: readAt.Add(time.Second), Qualifies: true, Unsubscribed: true}
	require.Equal(t, Stored{Updated: 1}, b.store(o, unsubscribed))
	want = append(want, "1 unsubscribed: false > true")
	unsubscribed.CreatedAt = &noon
	require.Equal(t, Stored{Updated: 1}, b.store(o, unsubscribed), "the time of creation is compared, but nobody needs its history")

	slices.Sort(want)
	got := b.provenance()
	slices.Sort(got)
	require.Empty(t, cmp.Diff(want, got))
	require.Equal(t, []string{"57"}, b.lines(`SELECT count(*)::text FROM person_changes WHERE run_id = $1`, o.runID))
}

func TestABatchIsCounted(t *testing.T) {
	t.Parallel()
	b, first := keeper(t, models.RunCopy)
	require.Equal(t, Stored{}, b.store(first), "nobody")
	require.Equal(t, Stored{Created: 4}, b.store(first, titled(1, "a", noon), titled(2, "b", noon), titled(3, "c", noon), titled(4, "d", noon), unowned(5, noon)))
	require.Equal(t, []string{"1 a", "2 b", "3 c", "4 d"}, b.people(), "who has no owner is not brought")
	require.Empty(t, b.provenance(), "a person who is new has no history")

	second, later := storeOptions{runID: b.run(models.RunReconcile).ID, now: b.now()}, noon.Add(time.Second)
	require.Equal(t, Stored{Created: 1, Updated: 2, Archived: 1},
		b.store(second, titled(3, "C", later), titled(1, "a", later), unowned(2, later), titled(4, "D", later), titled(6, "f", later), unowned(7, later)))
	require.Equal(t, []string{"1 a", "2 b owner_lost", "3 C", "4 D", "6 f"}, b.people(), "the values of who lost the owner stay")
	require.Empty(t, cmp.Diff([]string{"2 archived: - > owner_lost", "3 title: c > C", "4 title: d > D"}, b.provenance()))
	require.Equal(t, []string{fmt.Sprint(second.runID)}, b.lines(`SELECT DISTINCT run_id::text FROM person_changes`))
	require.Equal(t, []string{fmt.Sprint(4, " ", first.runID), fmt.Sprint(1, " ", second.runID)},
		b.lines(`SELECT concat_ws(' ', count(*), created_run_id) FROM people GROUP BY created_run_id ORDER BY created_run_id`))
	b.totals(4, 1)
}

// TestAPersonComesBack: a read with an owner restores an archived person, and the
// store writes that down.
func TestAPersonComesBack(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunFollow)
	id := int64(0)
	for reason, winner := range map[models.ArchiveReason]*int64{
		models.ArchivedOwnerLost: nil, models.ArchivedDeleted: nil, models.ArchivedMerged: ptr(int64(99)),
		models.ArchivedNotFound: nil, models.ArchivedUnqualified: nil,
	} {
		t.Run(string(reason), func(t *testing.T) {
			id++
			b.store(o, titled(id, "Dr", noon))
			b.inTx(func(tx pgx.Tx) error {
				archived, err := b.archive(t.Context(), tx, o.runID, []int64{id}, []string{string(reason)}, []*int64{winner}, noon.Add(time.Second))
				require.Equal(t, int64(1), archived)
				return err
			})
			b.totals(id-1, 1)
			require.Equal(t, Stored{}, b.store(o, titled(id, "Dr", noon)), "a read from before does not bring them back")
			require.Equal(t, Stored{}, b.store(o, unowned(id, noon.Add(2*time.Second))), "nor does one without an owner")
			require.Equal(t, Stored{Updated: 1}, b.store(o, titled(id, "Dr", noon.Add(3*time.Second))), "an equal read does")
			require.Equal(t, []string{"t"}, b.lines(`SELECT left((archived_at IS NULL AND archive_reason IS NULL AND merged_into IS NULL)::text, 1) FROM people WHERE id = $1`, id))
			require.Equal(t, []string{fmt.Sprint("- > ", reason), fmt.Sprint(reason, " > -")},
				b.lines(`SELECT concat_ws(' ', coalesce(old, '-'), '>', coalesce(new, '-')) FROM person_changes WHERE person_id = $1 ORDER BY id`, id))
			b.totals(id, 0)
		})
	}
}

func TestAListKeepsWhoIsThere(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunFollow)
	b.store(o, titled(1, "a", noon), titled(2, "b", noon))
	b.store(o, unowned(2, noon.Add(time.Second)))
	o.keepLive = true
	later := noon.Add(time.Minute)
	require.Equal(t, Stored{Updated: 1}, b.store(o, unowned(1, later), unowned(2, later), unowned(3, later)))
	require.Equal(t, []string{"1 lost", "2 b owner_lost"}, b.people(), "values follow, membership does not")
	b.totals(1, 1)
}

// TestAChangeOfCompanyTouchesColleagues: Marketo keeps the company of an account once,
// and logs a change for one of its people only.
func TestAChangeOfCompanyTouchesColleagues(t *testing.T) {
	t.Parallel()
	at := func(id int64, account, company *string, readAt time.Time) Row {
		row := owned(id, readAt)
		row.AccountID, row.Company = account, company
		return row
	}
	acme, other, old, renamed := ptr("001A"), ptr("001B"), ptr("Acme"), ptr("Acme Inc.")
	b, o := keeper(t, models.RunFollow)
	b.store(o, at(1, acme, old, noon), at(2, acme, old, noon), at(3, acme, renamed, noon), at(4, other, old, noon), at(5, nil, old, noon), at(6, acme, old, noon), at(7, acme, nil, noon))
	b.store(o, unowned(6, noon.Add(time.Second)))
	touched := func() []string { return b.lines(`SELECT person_id::text FROM touched_people ORDER BY 1`) }

	b.store(o, at(1, acme, renamed, noon.Add(time.Minute)))
	require.Empty(t, touched(), "a copy reads all people anyway")
	o.reread = true
	b.store(o, titled(1, "Dr", noon.Add(2*time.Minute))) // back to no company and no account
	require.Empty(t, touched(), "who has no account has no colleagues")
	b.store(o, at(1, acme, old, noon.Add(3*time.Minute)))
	b.exec(`DELETE FROM touched_people`)
	b.store(o, at(5, nil, renamed, noon.Add(3*time.Minute)))
	require.Empty(t, touched())
	b.store(o, at(1, acme, renamed, noon.Add(4*time.Minute)))
	require.Equal(t, []string{"2", "7"}, touched(), "those in the workspace whose company is another one")
	b.exec(`DELETE FROM touched_people`)
	promoted := at(1, acme, renamed, noon.Add(5*time.Minute))
	promoted.Title = ptr("Dr")
	require.Equal(t, Stored{Updated: 1}, b.store(o, promoted))
	require.Empty(t, touched(), "another change is none of the company")
}

func TestListsSortAndSearchByFoldedText(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunCopy)
	row := Row{ID: 1, FirstName: ptr("Åsa"), LastName: ptr("MÜLLER"), Company: ptr(" Acme  Ltd"), Email: ptr("A@B.example"), ReadAt: noon, Qualifies: true}
	b.store(o, row, Row{ID: 2, ReadAt: noon, Qualifies: true})
	require.Equal(t, []string{"asa muller|acme ltd|\uffff|a@b.example|\uffff| asa muller acme ltd a@b.example"},
		b.lines(`SELECT concat_ws('|', name_key, company_key, title_key, email_key, source_key, search) FROM people WHERE id = 1`))
	row.LastName, row.ReadAt = ptr("Möller"), noon.Add(time.Second)
	b.store(o, row)
	require.Equal(t, []string{"asa moller"}, b.lines(`SELECT name_key FROM people WHERE id = 1`))
	require.Equal(t, []string{strings.Repeat("\uffff", 5)}, b.lines(`SELECT concat(name_key, company_key, title_key, email_key, source_key) FROM people WHERE id = 2`))
}

// TestBatchesThatOverlapDoNotBlockEachOther stores the same people at once, in
// opposite orders.
func TestBatchesThatOverlapDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunCopy)
	const people, rounds = 200, 8
	batch := func(round int) []Row {
		rows := make([]Row, people)
		for i := range rows {
			rows[i] = titled(int64(i+1), fmt.Sprint(round), noon.Add(time.Duration(round)*time.Second))
		}
		return rows
	}
	b.store(o, batch(0)...)
	var storing sync.WaitGroup
	errs := make([]error, rounds)
	for round := range rounds {
		rows := batch(round + 1)
		if round%2 == 1 {
			slices.Reverse(rows)
		}
		storing.Go(func() {
			errs[round] = pgx.BeginFunc(t.Context(), b.db.Pool, func(tx pgx.Tx) error {
				_, err := store(t.Context(), tx, rows, o)
				return err
			})
		})
	}
	storing.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, []string{fmt.Sprint(rounds)}, b.lines(`SELECT DISTINCT title FROM people`))
	b.totals(people, 0)
}
