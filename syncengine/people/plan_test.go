package people

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/marketo"
)

func TestDateRanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, now string
		want       []string // "from to", newest first
	}{
		"one_day": {"2026-03-10T08:00:00Z", "2026-03-10T12:00:00Z", []string{"2026-03-10T00:00:00Z 2026-03-10T13:00:00Z"}},
		"a_single_moment": {"2026-03-10T08:00:00Z", "2026-03-10T08:00:00Z",
			[]string{"2026-03-10T00:00:00Z 2026-03-10T09:00:00Z"}},
		"fractions_of_a_second_are_cut": {"2026-03-10T08:00:00.9Z", "2026-03-10T12:00:00.999Z", []string{"2026-03-10T00:00:00Z 2026-03-10T13:00:00Z"}},
		"31_days_less_a_second_fit_into_one": {"2026-03-01T00:00:00Z", "2026-03-31T22:59:59Z",
			[]string{"2026-03-01T00:00:00Z 2026-03-31T23:59:59Z"}},
		"31_days_end_a_second_early": {"2026-03-01T00:00:00Z", "2026-03-31T23:00:00Z",
			[]string{"2026-03-01T00:00:00Z 2026-03-31T23:59:59Z"}},
		"a_second_more_takes_another": {"2026-03-01T00:00:00Z", "2026-03-31T23:00:01Z",
			[]string{"2026-04-01T00:00:00Z 2026-04-01T00:00:01Z", "2026-03-01T00:00:00Z 2026-03-31T23:59:59Z"}},
		"over_a_leap_day": {"2028-02-01T00:00:00Z", "2028-03-02T23:00:01Z",
			[]string{"2028-03-03T00:00:00Z 2028-03-03T00:00:01Z", "2028-02-01T00:00:00Z 2028-03-02T23:59:59Z"}},
		"over_a_february_without_one": {"2026-02-01T00:00:00Z", "2026-03-03T23:00:01Z",
			[]string{"2026-03-04T00:00:00Z 2026-03-04T00:00:01Z", "2026-02-01T00:00:00Z 2026-03-03T23:59:59Z"}},
		"over_a_new_year": {"2025-12-15T00:00:00Z", "2026-01-20T00:00:00Z",
			[]string{"2026-01-15T00:00:00Z 2026-01-20T01:00:00Z", "2025-12-15T00:00:00Z 2026-01-14T23:59:59Z"}},
		"times_of_other_zones_count_in_UTC": {"2026-03-10T23:30:00-06:00", "2026-03-11T02:00:00-05:00",
			[]string{"2026-03-11T00:00:00Z 2026-03-11T08:00:00Z"}},
		"the_first_is_later_than_now": {"2026-03-12T00:00:00Z", "2026-03-10T00:00:00Z", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, r := range dateRanges(at(t, c.first), at(t, c.now)) {
				got = append(got, r[0].Format(time.RFC3339)+" "+r[1].Format(time.RFC3339))
			}
			require.Empty(t, cmp.Diff(c.want, got))
		})
	}
}

// TestDateRangesLeaveNoSecondOut walks many spans, among them those over the changes
// to and from daylight-saving time, read off a clock of such a zone.
func TestDateRangesLeaveNoSecondOut(t *testing.T) {
	t.Parallel()
	chicago, err := time.LoadLocation("America/Chicago")
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	spans := [][2]time.Time{
		{time.Date(2026, 3, 1, 0, 0, 0, 0, chicago), time.Date(2026, 3, 8, 3, 0, 0, 0, chicago)},
		{time.Date(2026, 10, 20, 0, 0, 0, 0, chicago), time.Date(2026, 11, 1, 1, 30, 0, 0, chicago)},
		{marketoFounded, time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)},
	}
	for range 300 {
		first := marketoFounded.Add(time.Duration(random.Int64N(int64(20 * 365 * 24 * time.Hour))))
		spans = append(spans, [2]time.Time{first, first.Add(time.Duration(random.Int64N(int64(800 * 24 * time.Hour))))})
	}
	for _, span := range spans {
		first, now := span[0], span[1]
		ranges := dateRanges(first, now)
		require.NotEmpty(t, ranges)
		require.False(t, ranges[len(ranges)-1][0].After(first), "the oldest range holds the first person")
		require.False(t, ranges[0][1].Before(now), "the newest range holds now")
		for i, r := range ranges {
			require.True(t, r[0].Before(r[1]))
			require.Less(t, r[1].Sub(r[0]), maxRange, "Marketo takes 31 days")
			require.Zero(t, r[0].Nanosecond()+r[1].Nanosecond(), "Marketo refuses fractions")
			if i > 0 {
				require.Equal(t, r[1].Add(time.Second), ranges[i-1][0], "each range begins a second after the older one's end")
			}
		}
	}
}

// ids are those from one to another, both included.
func ids(from, to int64) []int64 { return idRange(from, to) }

func TestTheHighestIDIsFound(t *testing.T) {
	t.Parallel()
	dense := func(top int64) []int64 { return ids(1, top) }
	every := func(step, top int64) (list []int64) {
		for id := step; id <= top; id += step {
			list = append(list, id)
		}
		return list
	}
	for name, c := range map[string]struct {
		people []int64
		from   int64 // where the search begins
		want   int64
		calls  int // at the most
	}{
		"nobody":                                     {nil, 1, 1, 5},
		"one_person":                                 {ids(1, 1), 1, 1, 5},
		"one_person_in_the_first_batch":              {ids(300, 300), 1, 300, 5},
		"one_person_beyond_the_first_batch":          {ids(302, 302), 1, 302, 7},
		"the_one_that_the_log_told":                  {ids(5000, 5000), 5000, 5000, 5},
		"a_full_batch":                               {dense(300), 1, 300, 5},
		"one_more_than_a_batch":                      {dense(301), 1, 301, 7},
		"two_batches":                                {dense(600), 1, 600, 7},
		"thousands":                                  {dense(12_345), 1, 12_345, 15},
		"tens_of_thousands":                          {dense(98_765), 1, 98_765, 21},
		"tens_of_thousands_from_near_the_top":        {dense(98_765), 98_000, 98_765, 8},
		"every_second_one_is_gone":                   {every(2, 40_000), 1, 40_000, 19},
		"one_in_each_batch":                          {every(300, 60_000), 1, 60_000, 19},
		"a_gap_of_a_batch":                           {append(dense(3000), ids(3301, 3400)...), 1, 3400, 14},
		"a_gap_of_four_batches_after_the_log's_last": {append(ids(9000, 9000), ids(10_400, 10_401)...), 9000, 10_401, 16},
		"a_few_far_above_the_log's_last":             {append(ids(9000, 9000), ids(11_300, 11_500)...), 9000, 11_500, 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInstance(c.people...)
			b := syncOf(t, nil, in)
			ses := b.opened()
			got, err := b.gallop(t.Context(), ses, c.from)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.LessOrEqual(t, in.called("leads"), c.calls)
		})
	}
}

// TestTheSearchNeedsFewCalls: twice as many people cost two calls more, and not twice
// as many.
func TestTheSearchNeedsFewCalls(t *testing.T) {
	t.Parallel()
	doublings := 0
	for top := int64(marketo.MaxBatch); top <= 40_000; top = top*2 + 17 {
		doublings++
		in := newInstance(ids(1, top)...)
		b := syncOf(t, nil, in)
		got, err := b.gallop(t.Context(), b.opened(), 1)
		require.NoError(t, err)
		require.Equal(t, top, got)
		require.LessOrEqual(t, in.called("leads"), 6+2*doublings, "with %d people", top)
	}
}

// TestTheScanFindsPeopleThatTheSearchMissed: gaps may hide the newest people from the
// search; reading on from there finds them.
func TestTheScanFindsPeopleThatTheSearchMissed(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for _, gap := range []int64{299, 300, 1000, 7000, (emptyBatches - 1) * marketo.MaxBatch} {
		t.Run(fmt.Sprint("a_gap_of_", gap), func(t *testing.T) {
			newest := 1000 + gap + 5
			in := newInstance(append(ids(1, 1000), ids(1001+gap, newest)...)...)
			b := syncOf(t, clean(t, db), in)
			run, ses := b.run(models.RunCopy), b.opened()
			require.NoError(t, b.planPaged(t.Context(), ses, run.ID))
			require.NoError(t, b.slices(t.Context(), ses, run))
			require.Equal(t, []string{fmt.Sprint(1005, " ", newest)}, b.lines(`SELECT concat_ws(' ', count(*), max(id)) FROM people`))
		})
	}
}

func TestTheNewestPersonOfTheLog(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-28T12:00:00Z")
	const begin = "activities/since 2026-11-21T12:00:00Z"
	row := func(ids ...int64) string {
		text := ""
		for i, id := range ids {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf(`{"marketoGUID":"%d","leadId":%d,"activityDate":"2026-11-28T00:00:00Z","activityTypeId":12}`, id, id)
		}
		return "[" + text + "]"
	}
	endless := map[string]logPage{begin: {row(1), "0", true}}
	for n := range int64(30) {
		endless[fmt.Sprint("activities/", n)] = logPage{row((n + 2) * 1000), fmt.Sprint(n + 1), true}
	}
	for name, c := range map[string]struct {
		pages map[string]logPage
		want  int64
		asked int
	}{
		"nobody_is_new":                      {nil, 1, 1},
		"the_highest_and_not_the_last":       {map[string]logPage{begin: {row(5000, 9000, 7000), "", false}}, 9000, 1},
		"an_empty_page_is_not_yet_the_last":  {map[string]logPage{begin: {"", "B", true}, "activities/B": {row(9000), "", false}}, 9000, 2},
		"the_end_is_where_the_log_says_so":   {map[string]logPage{begin: {row(8000), "B", false}, "activities/B": {row(9000), "", false}}, 8000, 1},
		"twenty_pages_are_enough_to_look_at": {endless, 20_000, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInstance()
			in.pages = c.pages
			b := setup(t, nil, in, Rule{}, clockwork.NewFakeClockAt(now), Config{})
			got, err := b.topID(t.Context(), b.opened())
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, c.asked, in.called("activities"))
		})
	}
}

func TestTheFirstPersonTellsWhereToBegin(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		created map[int64]string
		want    string
		calls   int
	}{
		"a_month_before_the_first":             {map[int64]string{1: "2020-06-02T00:00:00Z", 2: "2020-05-02T00:00:00Z", 300: "2021-01-01T00:00:00Z"}, "2020-04-01T00:00:00Z", 1},
		"lower_ids_count_though_later_is_more": {map[int64]string{300: "2020-05-02T00:00:00Z", 301: "2010-05-02T00:00:00Z"}, "2020-04-01T00:00:00Z", 1},
		"one_without_a_date_is_passed_over":    {map[int64]string{1: "", 2: "nonsense", 301: "2020-05-02T00:00:00Z"}, "2020-04-01T00:00:00Z", 2},
		"in_the_tenth_batch":                   {map[int64]string{3000: "2020-05-02T00:00:00Z"}, "2020-04-01T00:00:00Z", 10},
		"beyond_it_marketos_own_first_year":    {map[int64]string{3001: "2020-05-02T00:00:00Z"}, "2006-01-01T00:00:00Z", 10},
		"nobody":                               {nil, "2006-01-01T00:00:00Z", 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInstance()
			for id, created := range c.created {
				in.leads[id] = map[string]string{fieldCreated: created}
			}
			b := syncOf(t, nil, in)
			first, err := b.firstCreated(t.Context(), b.opened())
			require.NoError(t, err)
			require.Equal(t, at(t, c.want), first.UTC())
			require.Equal(t, c.calls, in.called("leads"))
		})
	}
}

// TestThePlanOfARun: two ranges of dates cost eight calls by bulk extract, which as
// many batches of ids do as well.
func TestThePlanOfARun(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-28T12:00:00Z")
	owner, db := Rule{Mode: ModeOwnerField}, newDB(t)
	bulk := []string{"0 created_at 2026-11-28 2026-11-28", "1 created_at 2026-10-28 2026-11-27"}
	for name, c := range map[string]struct {
		rule Rule
		copy CopyMethod
		top  int64
		want []string
	}{
		"auto_by_ids_while_that_is_cheaper": {owner, CopyAuto, 2399, []string{"0 ids 1"}},
		"auto_by_bulk_from_there_on":        {owner, CopyAuto, 2400, bulk},
		"bulk_for_few_people_too":           {owner, CopyBulk, 1, bulk},
		"paged_for_many_people_too":         {owner, CopyPaged, 60_001, []string{"0 ids 1 30000", "1 ids 30001 60000", "2 ids 60001"}},
		"linked_people_go_the_same_ways":    {Rule{Mode: ModeCRMLinked}, CopyAuto, 2399, []string{"0 ids 1"}},
		"a_smart_list_is_one_job":           {Rule{Mode: ModeSmartList, ListID: 1}, CopyAuto, 1, []string{"0 list"}},
		"a_static_list_too_whatever_is_set": {Rule{Mode: ModeStaticList, ListID: 1}, CopyPaged, 60_001, []string{"0 list"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance(c.top)
			in.leads[1] = map[string]string{fieldCreated: "2026-11-28T12:00:00Z"}
			in.pages["activities/since 2026-11-21T12:00:00Z"] = logPage{rows: fmt.Sprintf(`[{"marketoGUID":"1","leadId":%d,"activityTypeId":12}]`, c.top)}
			b := setup(t, clean(t, db), in, c.rule, clockwork.NewFakeClockAt(now), Config{Copy: c.copy})
			run, ses := b.run(models.RunCopy), b.opened()
			require.NoError(t, b.plan(t.Context(), ses, run))
			require.Empty(t, cmp.Diff(c.want, b.planned(run.ID)))

			calls := in.called("")
			require.NoError(t, b.plan(t.Context(), ses, run))
			require.Equal(t, c.want, b.planned(run.ID), "a run is planned once")
			require.Equal(t, calls, in.called(""))
		})
	}
}

// planned are a run's slices: position, method and range.
func (b *bundle) planned(runID int64) []string {
	b.t.Helper()
	return b.lines(`SELECT concat_ws(' ', position, method, (from_time AT TIME ZONE 'UTC')::date, (to_time AT TIME ZONE 'UTC')::date, from_id, to_id)
		FROM sync_slices WHERE run_id = $1 ORDER BY position`, runID)
}

func TestSlicesOfIDsCoverAll(t *testing.T) {
	t.Parallel()
	b := syncOf(t, newDB(t), nil)
	for top, want := range map[int64][]string{
		0: {"0 ids 1"}, 1: {"0 ids 1"}, idSlice - 1: {"0 ids 1"}, idSlice: {"0 ids 1"},
		idSlice + 1: {"0 ids 1 30000", "1 ids 30001"}, 2 * idSlice: {"0 ids 1 30000", "1 ids 30001"},
		2*idSlice + 1: {"0 ids 1 30000", "1 ids 30001 60000", "2 ids 60001"},
	} {
		run := b.run(models.RunReconcile)
		require.NoError(t, b.planIDs(t.Context(), run.ID, top))
		require.Equal(t, want, b.planned(run.ID), "%d", top)
		b.exec(`UPDATE sync_runs SET finished_at = now(), outcome = 'done' WHERE id = $1`, run.ID)
	}
}

// TestAnotherMethodKeepsWhatIsDone: when bulk extract ends in the middle of a copy, the
// slices that are done stay, and the others make way for all ids.
func TestAnotherMethodKeepsWhatIsDone(t *testing.T) {
	t.Parallel()
	b := syncOf(t, newDB(t), nil)
	run := b.run(models.RunCopy)
	require.NoError(t, b.planSlices(t.Context(), run.ID, dateRanges(at(t, "2026-01-01T00:00:00Z"), at(t, "2026-03-01T00:00:00Z")), "created_at"))
	require.Len(t, b.planned(run.ID), 2)
	b.exec(`UPDATE sync_slices SET state = CASE position WHEN 0 THEN 'done' ELSE 'reading' END`)
	require.NoError(t, b.planIDs(t.Context(), run.ID, 5))
	require.Equal(t, []string{"0 created_at 2026-02-01 2026-03-01", "1 ids 1"}, b.planned(run.ID))
}
