package people

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/marketo"
)

// batchOf reads the first batch of a bulk file.
func batchOf(t *testing.T, most int, rule Rule, file string, readAt time.Time) ([]Row, fileBatch) {
	t.Helper()
	w := fileWorker(t, most, rule)
	batch := w.readBatch(marketo.NewExportReader(strings.NewReader(file)), slice{ReadAt: &readAt})
	require.NoError(t, batch.err)
	return batch.rows, batch
}

func fileWorker(t *testing.T, most int, rule Rule) *worker {
	t.Helper()
	b := setup(t, nil, nil, rule, clockwork.NewRealClock(), Config{BatchRows: most})
	return &worker{Sync: b.Sync, ses: session{rule: rule, mapping: Resolve(rule, fieldsNamed(allFields()...))}}
}

func TestABatchOfABulkFile(t *testing.T) {
	t.Parallel()
	owner, list := Rule{Mode: ModeOwnerField}, Rule{Mode: ModeStaticList, ListID: 1}
	const header = "id,firstName,sfdcLeadOwnerId\n"
	for name, c := range map[string]struct {
		rule Rule
		file string
		most int
		want []string // "id name qualifies"
		rows int64    // counted
		done bool
	}{
		"ends_with_the_file":              {owner, header + "1,Ada,005\n2,Bob,null\n", 10, []string{"1 Ada true", "2 Bob false"}, 2, true},
		"ends_when_it_is_full":            {owner, header + "1,Ada,005\n2,Bob,005\n3,Cyd,005\n", 2, []string{"1 Ada true", "2 Bob true"}, 2, false},
		"full_with_the_file's_last_row":   {owner, header + "1,Ada,005\n2,Bob,005\n", 2, []string{"1 Ada true", "2 Bob true"}, 2, false},
		"a_person_who_comes_twice":        {owner, header + "1,Ada,005\n2,Bob,005\n1,Ida,null\n", 10, []string{"1 Ida false", "2 Bob true"}, 3, true},
		"twice_counts_for_being_full":     {owner, header + "1,Ada,005\n1,Ida,005\n2,Bob,005\n", 2, []string{"1 Ida true"}, 2, false},
		"only_a_header":                   {owner, header, 10, nil, 0, true},
		"nothing_at_all":                  {owner, "", 10, nil, 0, true},
		"the_list_qualifies_all":          {list, header + "1,Ada,null\n2,Bob,005\n", 10, []string{"1 Ada true", "2 Bob true"}, 2, true},
		"the_word_null_unquoted_is_none":  {owner, header + "1,null,005\n", 10, []string{"1 - true"}, 1, true},
		"the_word_null_quoted_is_a_name":  {owner, header + "1,\"null\",005\n", 10, []string{"1 null true"}, 1, true},
		"empty_is_none":                   {owner, header + "1,,\n", 10, []string{"1 - false"}, 1, true},
		"without_a_line_end_at_the_end":   {owner, header + "1,Ada,005", 10, []string{"1 Ada true"}, 1, true},
		"line_ends_of_two_characters":     {owner, strings.ReplaceAll(header+"1,Ada,005\n", "\n", "\r\n"), 10, []string{"1 Ada true"}, 1, true},
		"columns_in_another_order":        {owner, "sfdcLeadOwnerId,id,firstName\n005,1,Ada\n", 10, []string{"1 Ada true"}, 1, true},
		"columns_that_nobody_asked_for":   {owner, "id,x,firstName\n1,y,Ada\n", 10, []string{"1 Ada false"}, 1, true},
		"quotes_and_commas_inside_a_name": {owner, header + "1,\"a,\"\"b\"\"\",005\n", 10, []string{"1 a,\"b\" true"}, 1, true},
		"an_id_beyond_32_bits":            {owner, header + "9007199254740993,Ada,005\n", 10, []string{"9007199254740993 Ada true"}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, batch := batchOf(t, c.most, c.rule, c.file, time.Now())
			var got []string
			for _, r := range rows {
				first := "-"
				if r.FirstName != nil {
					first = *r.FirstName
				}
				got = append(got, fmt.Sprint(r.ID, " ", first, " ", r.Qualifies))
			}
			require.Empty(t, cmp.Diff(c.want, got))
			require.Equal(t, c.rows, batch.at.rows)
			require.Equal(t, c.done, batch.at.done)
		})
	}
}

func TestABatchOfABadBulkFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, words string }{
		"a_word_for_an_id":      {"id,firstName\nx,Ada\n", "not a number"},
		"no_id":                 {"id,firstName\nnull,Ada\n", "not a number"},
		"no_column_of_ids":      {"firstName,company\nAda,Acme\n", "not a number"},
		"an_id_with_a_fraction": {"id,firstName\n1.0,Ada\n", "not a number"},
		"too_few_values":        {"id,firstName,company\n1,Ada\n", "2 values for 3 columns"},
		"too_many_values":       {"id,firstName\n1,Ada,Acme\n", "3 values for 2 columns"},
		"broken_off_in_a_row":   {"id,firstName\n1", "ends in the middle"},
		"broken_off_in_a_quote": {"id,firstName\n1,\"Ad", "ends in the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batch := fileWorker(t, 10, Rule{}).readBatch(marketo.NewExportReader(strings.NewReader(c.file)), slice{ReadAt: ptr(time.Now())})
			require.ErrorContains(t, batch.err, c.words)
			require.ErrorContains(t, batch.err, "at byte")
		})
	}
}

// TestBatchesGoOnWhereTheLastOneEnded reads a file in every size of batch, each from
// the checkpoint of the one before, as after a restart.
func TestBatchesGoOnWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	const file = "\xef\xbb\xbfid,title\n1,\"a\r\nb\"\n2,null\n3,\"\"\"\"\n4,é\n5,\n"
	sum := fmt.Sprintf("SHA256:%X", sha256.Sum256([]byte(file)))
	for most := 1; most <= 6; most++ {
		w, sl := fileWorker(t, most, Rule{}), slice{ReadAt: ptr(time.Now()), Checksum: &sum}
		var ids []int64
		for done := false; !done; {
			reader, err := openReader(strings.NewReader(file[sl.BytesDone:]), sl)
			require.NoError(t, err)
			batch := w.readBatch(reader, sl)
			require.NoError(t, batch.err)
			for _, row := range batch.rows {
				ids = append(ids, row.ID)
			}
			sl.BytesDone, sl.HashState, sl.Header, done = batch.at.bytes, batch.at.hashState, batch.at.header, batch.at.done
		}
		require.Equal(t, []int64{1, 2, 3, 4, 5}, ids)
		require.Equal(t, int64(len(file)), sl.BytesDone)
	}
	_, err := openReader(strings.NewReader(""), slice{BytesDone: 1, HashState: []byte("nonsense")})
	require.ErrorContains(t, err, "go on with a bulk file")
}

func TestAFileWithAnotherChecksumIsNotWhole(t *testing.T) {
	t.Parallel()
	const file = "id\n1\n"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(file)))
	for checksum, whole := range map[string]bool{"sha256:" + sum: true, "": true, "SHA256:" + strings.ToUpper(sum): true, sum: false, "sha256:00": false} {
		batch := fileWorker(t, 10, Rule{}).readBatch(marketo.NewExportReader(strings.NewReader(file)), slice{ReadAt: ptr(time.Now()), Checksum: &checksum})
		require.True(t, batch.at.done)
		require.Equal(t, whole, batch.err == nil, checksum)
		if !whole {
			require.ErrorIs(t, batch.err, errNotWhole)
		}
	}
}

func TestTheFilterOfASlice(t *testing.T) {
	t.Parallel()
	from, to := at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-31T23:59:59Z")
	ranged := slice{Method: "created_at", FromTime: &from, ToTime: &to}
	for name, c := range map[string]struct {
		rule Rule
		sl   slice
		want marketo.ExportFilter
	}{
		"a_range_of_dates":        {Rule{Mode: ModeOwnerField}, ranged, marketo.ExportFilter{CreatedAt: &marketo.DateRange{StartAt: from, EndAt: to}}},
		"a_range_before_any_list": {Rule{Mode: ModeStaticList, ListID: 1}, ranged, marketo.ExportFilter{CreatedAt: &marketo.DateRange{StartAt: from, EndAt: to}}},
		"a_static_list_by_id":     {Rule{Mode: ModeStaticList, ListID: 1, ListName: "x"}, slice{Method: "list"}, marketo.ExportFilter{StaticListID: 1}},
		"a_static_list_by_name":   {Rule{Mode: ModeStaticList, ListName: "x"}, slice{Method: "list"}, marketo.ExportFilter{StaticListName: "x"}},
		"a_smart_list_by_id":      {Rule{Mode: ModeSmartList, ListID: 1, ListName: "x"}, slice{Method: "list"}, marketo.ExportFilter{SmartListID: 1}},
		"a_smart_list_by_name":    {Rule{Mode: ModeSmartList, ListName: "x"}, slice{Method: "list"}, marketo.ExportFilter{SmartListName: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &worker{ses: session{rule: c.rule}}
			require.Empty(t, cmp.Diff(c.want, w.filter(c.sl)))
		})
	}
}

func file(content string) bulkFile {
	return bulkFile{marketo.ExportCompleted, content, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content)))}
}

// TestASliceIsExtracted: what can go wrong with a bulk job, and what comes of it.
func TestASliceIsExtracted(t *testing.T) {
	t.Parallel()
	whole := file("id,sfdcLeadOwnerId\n1,005\n2,null\n3,005\n")
	failed := bulkFile{status: marketo.ExportFailed}
	wrong := bulkFile{marketo.ExportCompleted, whole.content, "sha256:00"}
	db := newDB(t)
	for name, c := range map[string]struct {
		files  []bulkFile
		refuse map[string][]string // answers of an operation, code and message in turns, before it works
		jobs   int
		err    string
	}{
		"at_the_first_try":            {files: []bulkFile{whole}, jobs: 1},
		"nobody_is_in_it":             {files: []bulkFile{{status: marketo.ExportCompleted}}, jobs: 1},
		"the_job_failed":              {files: []bulkFile{failed, whole}, jobs: 2},
		"the_job_was_canceled":        {files: []bulkFile{{status: "Cancelled"}, whole}, jobs: 2},
		"the_file_is_not_whole":       {files: []bulkFile{wrong, wrong, whole}, jobs: 3},
		"it_fails_too_often":          {files: []bulkFile{failed, failed, failed, failed}, jobs: 4, err: "given up after 4 bulk jobs"},
		"the_queue_was_full":          {files: []bulkFile{whole}, jobs: 1, refuse: map[string][]string{"enqueue": slices.Repeat([]string{"1029", "Too many jobs in queue"}, 8)}},
		"it_was_queued_already":       {files: []bulkFile{whole}, jobs: 1, refuse: map[string][]string{"enqueue": {"1029", "The job is already queued"}}},
		"the_day's_volume_is_used_up": {files: []bulkFile{whole}, jobs: 1, refuse: map[string][]string{"enqueue": slices.Repeat([]string{"1029", "Export daily quota 500MB exceeded"}, 8)}, err: "queue a bulk job"},
		"bulk_is_not_enabled":         {files: []bulkFile{whole}, refuse: map[string][]string{"create": {"703", "not enabled"}}, err: "make a bulk job"},
		"a_status_passes":             {files: []bulkFile{whole}, jobs: 1, refuse: map[string][]string{"status": {"604", "timed out"}}},
		"the_job_is_gone":             {files: []bulkFile{whole, whole}, jobs: 2, refuse: map[string][]string{"status": {"1013", "not found"}}},
		"access_is_denied":            {files: []bulkFile{whole}, jobs: 1, refuse: map[string][]string{"status": {"603", "denied"}}, err: "ask after a bulk job"},
		"the_file_passes":             {files: []bulkFile{whole}, jobs: 1, refuse: map[string][]string{"file": {"604", "timed out"}}},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance()
			in.files = c.files
			in.refuse = refusals(c.refuse)
			b := syncOf(t, clean(t, db), in)
			run := b.run(models.RunCopy)
			require.NoError(t, b.planSlices(t.Context(), run.ID, dateRanges(time.Now(), time.Now()), "created_at"))
			w := &worker{Sync: b.Sync, ses: b.opened(), run: run}
			err := w.work(t.Context())
			require.Equal(t, c.jobs, in.made)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			want := []string{"1", "3"}
			if c.files[0].content == "" && len(c.files) == 1 {
				want = []string{}
			}
			require.Empty(t, cmp.Diff(want, b.lines(`SELECT id::text FROM people ORDER BY id`)))
			require.Equal(t, []string{"done"}, b.lines(`SELECT state FROM sync_slices`))
		})
	}
}

// refusals answers calls of an operation with errors, each once.
func refusals(answers map[string][]string) func(string) (string, string) {
	return func(operation string) (string, string) {
		left := answers[operation]
		if len(left) == 0 {
			return "", ""
		}
		answers[operation] = left[2:]
		return left[0], left[1]
	}
}

// TestARestartedSliceGoesOnAtItsCheckpoint ends the process between two batches.
func TestARestartedSliceGoesOnAtItsCheckpoint(t *testing.T) {
	t.Parallel()
	in, db := newInstance(), newDB(t)
	in.files = []bulkFile{file("id,sfdcLeadOwnerId\n1,005\n2,005\n3,005\n4,005\n5,005\n")}
	b := setup(t, db, in, Rule{Mode: ModeOwnerField}, clockwork.NewRealClock(), Config{BatchRows: 2})
	run := b.run(models.RunCopy)
	require.NoError(t, b.planSlices(t.Context(), run.ID, dateRanges(time.Now(), time.Now()), "created_at"))
	w := &worker{Sync: b.Sync, ses: b.opened(), run: run}
	sl, err := w.load(t.Context())
	require.NoError(t, err)
	sl, err = w.create(t.Context(), sl)
	require.NoError(t, err)
	sl, _, err = w.await(t.Context(), sl)
	require.NoError(t, err)
	body, err := w.ses.client.ExportFile(t.Context(), *sl.ExportID, 0)
	require.NoError(t, err)
	defer body.Close()
	batch := w.readBatch(marketo.NewExportReader(body), sl)
	require.NoError(t, w.save(t.Context(), batch.rows, batch.at))

	require.NoError(t, w.work(t.Context()))
	require.Equal(t, 1, in.made, "the job that was made is used")
	require.Equal(t, []string{"1", "2", "3", "4", "5"}, b.lines(`SELECT id::text FROM people ORDER BY id`))
	require.Equal(t, []string{"done 5 5 5"}, b.lines(`SELECT concat_ws(' ', sl.state, rows_done, rows_total, processed) FROM sync_slices sl JOIN sync_runs r ON r.id = run_id`))
	read := b.lines(`SELECT DISTINCT (p.read_at = sl.read_at)::text FROM people p, sync_slices sl`)
	require.True(t, slices.Equal([]string{"true"}, read), "a row counts as read when its job was queued")
}
