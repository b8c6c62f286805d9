package people

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// TestTheChecksumOfAReadIsThatOfItsRow stores odd values and has both sides sum them up.
func TestTheChecksumOfAReadIsThatOfItsRow(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunReconcile)
	values := []*string{nil, ptr("null"), ptr("NULL"), ptr(" "), ptr("a\r\nb"), ptr("e\u0301"), ptr("\u00e9"), ptr("王伟 😀"), ptr(`\x1f '"`), ptr("a\x1fb")}
	id := int64(0)
	read := map[int64]string{}
	var rows []Row
	for _, f := range Fields(Rule{}) {
		for _, v := range values {
			id++
			row := Row{ID: id, ReadAt: noon, Qualifies: true}
			if f.set != nil {
				f.set(&row, v)
			} else {
				row.OwnerID = v
			}
			read[id] = hex.EncodeToString(row.checksum())
			rows = append(rows, row)
		}
	}
	b.store(o, rows...)
	stored := map[int64]string{}
	for id := range read {
		stored[id] = b.lines(`SELECT encode(`+checksumSQL+`, 'hex') FROM people p WHERE id = $1`, id)[0]
	}
	require.Empty(t, cmp.Diff(read, stored))
}

func TestWhatAChecksumTellsApart(t *testing.T) {
	t.Parallel()
	plain := Row{ID: 1, FirstName: ptr("Ada"), OwnerID: ptr("005")}
	for name, c := range map[string]struct {
		change func(*Row)
		same   bool
	}{
		"nothing":                         {func(*Row) {}, true},
		"another_id":                      {func(r *Row) { r.ID = 11 }, false},
		"another_owner":                   {func(r *Row) { r.OwnerID = ptr("006") }, false},
		"no_owner":                        {func(r *Row) { r.OwnerID = nil }, false},
		"a_value_in_the_next_field":       {func(r *Row) { r.FirstName, r.LastName = nil, ptr("Ada") }, false},
		"another_case":                    {func(r *Row) { r.FirstName = ptr("ADA") }, false},
		"white_space":                     {func(r *Row) { r.FirstName = ptr("Ada ") }, false},
		"the_word_null_for_no_value":      {func(r *Row) { r.Phone = ptr("null") }, true},
		"an_empty_value_for_none":         {func(r *Row) { r.Phone = ptr("") }, true},
		"the_type_is_not_one_of_the_13":   {func(r *Row) { r.Type = ptr("Lead") }, true},
		"nor_the_subscription":            {func(r *Row) { r.Unsubscribed = true }, true},
		"nor_when_it_was_read_or_changed": {func(r *Row) { r.ReadAt, r.UpdatedAt = noon, &noon }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := plain
			c.change(&other)
			require.Equal(t, c.same, string(plain.checksum()) == string(other.checksum()))
		})
	}
	for _, f := range Fields(Rule{}) {
		if f.set == nil {
			continue
		}
		other := plain
		f.set(&other, ptr("another"))
		require.NotEqual(t, plain.checksum(), other.checksum(), f.Name)
	}
}

// reconcile compares what an extract that was asked for at noon holds with the
// workspace, and returns the differences.
func (b *bundle) reconcile(run int64, there ...Row) []string {
	b.t.Helper()
	b.inTx(func(tx pgx.Tx) error {
		if err := stageReconcile(b.t.Context(), tx, run, 0, there); err != nil {
			return err
		}
		for _, sql := range []string{differencesSQL, reportSQL} {
			if _, err := tx.Exec(b.t.Context(), sql, pgx.NamedArgs{"run": run}); err != nil {
				return err
			}
		}
		return nil
	})
	return b.lines(`SELECT concat_ws(' ', person_id, kind) FROM reconcile_differences WHERE run_id = $1 ORDER BY person_id`, run)
}

func TestTheDifferencesOfBothWorlds(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	before, after := noon.Add(-time.Hour), noon.Add(time.Hour)
	gone := func(at time.Time) Row { return unowned(1, at) }
	for name, c := range map[string]struct {
		here  []Row // stored one after another
		there []Row
		want  []string
		sums  string // people there and here, and whether their checksums are equal
	}{
		"equal":                           {[]Row{titled(1, "a", before)}, []Row{titled(1, "a", noon)}, []string{}, "1 1 t"},
		"two_who_are_equal":               {[]Row{titled(1, "a", before), titled(2, "b", before)}, []Row{titled(2, "b", noon), titled(1, "a", noon)}, []string{}, "2 2 t"},
		"another_value":                   {[]Row{titled(1, "a", before)}, []Row{titled(1, "b", noon)}, []string{"1 differs"}, "1 1 f"},
		"missing_here":                    {nil, []Row{titled(1, "a", noon)}, []string{"1 missing"}, "1 0 f"},
		"missing_there":                   {[]Row{titled(1, "a", before)}, nil, []string{"1 extra"}, "0 1 f"},
		"without_an_owner_there":          {[]Row{titled(1, "a", before)}, []Row{gone(noon)}, []string{"1 extra"}, "0 1 f"},
		"without_an_owner_and_not_here":   {nil, []Row{gone(noon)}, []string{}, ""},
		"archived_here_and_there_again":   {[]Row{titled(1, "a", before), gone(before.Add(time.Second))}, []Row{titled(1, "a", noon)}, []string{"1 missing"}, "1 0 f"},
		"archived_here_and_not_there":     {[]Row{titled(1, "a", before), gone(before.Add(time.Second))}, nil, []string{}, ""},
		"read_here_at_that_very_moment":   {[]Row{titled(1, "a", noon)}, []Row{titled(1, "b", noon)}, []string{"1 differs"}, "1 1 f"},
		"read_here_since_then":            {[]Row{titled(1, "a", after)}, []Row{titled(1, "b", noon)}, []string{}, ""},
		"brought_here_since_then":         {[]Row{titled(1, "a", after)}, nil, []string{}, ""},
		"archived_here_since_then":        {[]Row{titled(1, "a", before), gone(after)}, []Row{titled(1, "a", noon)}, []string{}, ""},
		"two_that_differ_do_not_even_out": {[]Row{titled(1, "a", before), titled(2, "b", before)}, []Row{titled(1, "b", noon), titled(2, "a", noon)}, []string{"1 differs", "2 differs"}, "2 2 f"},
	} {
		t.Run(name, func(t *testing.T) {
			b := syncOf(t, clean(t, db), nil)
			run := b.run(models.RunReconcile).ID
			for _, row := range c.here {
				b.store(storeOptions{runID: run, now: b.now()}, row)
			}
			b.exec(`INSERT INTO sync_slices (run_id, position, method, from_time, to_time, state, read_at) VALUES ($1, 0, 'created_at', $2, $3, 'done', $4)`,
				run, at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-31T23:59:59Z"), noon)
			require.Empty(t, cmp.Diff(c.want, b.reconcile(run, c.there...)))
			var sums []string
			if c.sums != "" {
				sums = []string{c.sums + " created 2026-01-01 to 2026-01-31"}
			}
			require.ElementsMatch(t, sums, b.lines(`SELECT concat_ws(' ', marketo_count, workspace_count, marketo_checksum = workspace_checksum, label) FROM reconcile_slices`))
		})
	}
}

// TestWhoIsOnlyHereCountsForTheirSlice: the report says in which slice they are missing.
func TestWhoIsOnlyHereCountsForTheirSlice(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunReconcile)
	created := titled(1, "a", noon.Add(-time.Hour))
	created.CreatedAt = ptr(at(t, "2026-02-15T12:00:00Z"))
	b.store(o, created, titled(2, "b", noon.Add(-time.Hour)), titled(40_000, "c", noon.Add(-time.Hour)))
	b.exec(`INSERT INTO sync_slices (run_id, position, method, from_time, to_time, from_id, to_id, state, read_at) VALUES
		($1, 0, 'created_at', '2026-01-01T00:00:00Z', '2026-01-31T23:59:59Z', NULL, NULL, 'done', $2),
		($1, 1, 'created_at', '2026-02-01T00:00:00Z', '2026-03-03T23:59:59Z', NULL, NULL, 'done', $2),
		($1, 2, 'ids', NULL, NULL, 30001, NULL, 'done', $2)`, o.runID, noon)
	require.Equal(t, []string{"1 extra", "2 extra", "40000 extra"}, b.reconcile(o.runID))
	require.Equal(t, []string{"0 0 1 created 2026-01-01 to 2026-01-31", "1 0 1 created 2026-02-01 to 2026-03-03", "2 0 1 from id 30001"},
		b.lines(`SELECT concat_ws(' ', position, marketo_count, workspace_count, label) FROM reconcile_slices ORDER BY position`),
		"one whose place is not known counts for the first")
}

func TestDifferencesAreHealed(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for name, c := range map[string]struct {
		rule Rule
		want []string
	}{
		"by_reading_again": {Rule{Mode: ModeOwnerField}, []string{"1 new", "2 old not_found", "3 new", "4 old owner_lost"}},
		// A read cannot tell who is on the list; the extract could.
		"on_a_list_who_is_not_on_it_leaves": {Rule{Mode: ModeStaticList, ListID: 1}, []string{"1 new", "2 old unqualified", "3 new", "4 old unqualified"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance()
			in.leads[1] = map[string]string{"sfdcLeadOwnerId": "005A", "title": "new"}
			in.leads[3] = map[string]string{"sfdcLeadOwnerId": "005A", "title": "new"}
			in.leads[4] = map[string]string{"title": "new"}
			b := setup(t, clean(t, db), in, c.rule, clockwork.NewRealClock(), Config{})
			run, long := b.run(models.RunReconcile), time.Now().Add(-time.Hour)
			b.store(storeOptions{runID: run.ID, now: b.now()}, titled(1, "old", long), titled(2, "old", long), titled(4, "old", long))
			b.exec(`INSERT INTO reconcile_differences (run_id, person_id, kind) VALUES ($1, 1, 'differs'), ($1, 2, 'extra'), ($1, 3, 'missing'), ($1, 4, 'extra')`, run.ID)
			require.NoError(t, b.heal(t.Context(), b.opened(), run.ID))
			require.Empty(t, cmp.Diff(c.want, b.people()))
			require.Empty(t, b.lines(`SELECT person_id::text FROM reconcile_differences WHERE healed_at IS NULL`))
			require.Equal(t, []string{"2"}, b.lines(`SELECT archived::text FROM sync_runs`))
			calls := in.called("leads")
			require.NoError(t, b.heal(t.Context(), b.opened(), run.ID))
			require.Equal(t, calls, in.called("leads"), "what is healed is not read again")
		})
	}
}

func TestAStagedReadReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunReconcile)
	for _, rows := range [][]Row{{titled(1, "a", noon), unowned(2, noon)}, {titled(1, "b", noon), titled(2, "c", noon)}} {
		b.inTx(func(tx pgx.Tx) error { return stageReconcile(t.Context(), tx, o.runID, 0, rows) })
	}
	require.Equal(t, []string{fmt.Sprintf("1 true %x", titled(1, "b", noon).checksum()), fmt.Sprintf("2 true %x", titled(2, "c", noon).checksum())},
		b.lines(`SELECT concat_ws(' ', person_id, CASE WHEN qualifies THEN 'true' END, encode(checksum, 'hex')) FROM reconcile_rows ORDER BY person_id`))
}
