package people

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/marketo"
)

func TestTheTotalOfARun(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for name, c := range map[string]struct {
		kind    models.RunKind
		preview string
		slices  string // rows of total and done
		before  int64  // processed
		batch   int64
		want    string // processed and total
	}{
		"unknown_while_no_slice_is":           {models.RunCopy, "", "(NULL::bigint, 0), (NULL, 0)", 0, 10, "10 10"},
		"of_one_slice_for_all":                {models.RunCopy, "", "(100::bigint, 10), (NULL, 0), (NULL, 0), (NULL, 0)", 0, 10, "10 400"},
		"of_two_of_three":                     {models.RunCopy, "", "(100::bigint, 100), (50, 0), (NULL, 0)", 100, 0, "100 225"},
		"a_slice_that_holds_more_than_stated": {models.RunCopy, "", "(100::bigint, 120), (NULL, 0)", 120, 0, "120 240"},
		"never_below_what_was_processed":      {models.RunCopy, "", "(1::bigint, 1), (1, 1)", 90, 10, "100 100"},
		"what_was_counted_before":             {models.RunCopy, `{"state":"done","total":5000}`, "(100::bigint, 10), (NULL, 0)", 0, 10, "10 5000"},
		"a_count_that_was_too_low":            {models.RunCopy, `{"state":"done","total":5}`, "(100::bigint, 10), (NULL, 0)", 0, 10, "10 10"},
		"a_count_of_nobody_does_not_count":    {models.RunCopy, `{"state":"done","total":0}`, "(100::bigint, 10), (NULL, 0)", 0, 10, "10 200"},
		"a_count_that_failed":                 {models.RunCopy, `{"state":"failed","total":5000}`, "(100::bigint, 10), (NULL, 0)", 0, 10, "10 200"},
		"a_reconciliation_has_one_as_well":    {models.RunReconcile, "", "(100::bigint, 10), (NULL, 0)", 0, 10, "10 200"},
		"following_has_none":                  {models.RunFollow, `{"state":"done","total":5000}`, "", 0, 10, "10"},
	} {
		t.Run(name, func(t *testing.T) {
			b := syncOf(t, clean(t, db), nil)
			run := b.run(c.kind)
			b.exec(`UPDATE sync_runs SET processed = $1`, c.before)
			if c.preview != "" {
				b.exec(`UPDATE people_sync SET preview = $1::jsonb`, c.preview)
			}
			if c.slices != "" {
				b.exec(`INSERT INTO sync_slices (run_id, position, method, rows_total, rows_done)
					SELECT $1, row_number() OVER (), 'created_at', total, done FROM (VALUES `+c.slices+`) AS v (total, done)`, run.ID)
			}
			b.inTx(func(tx pgx.Tx) error {
				return b.progress(t.Context(), tx, run.ID, c.batch, Stored{Created: 3, Updated: 2, Archived: 1})
			})
			b.inTx(func(tx pgx.Tx) error { return b.progress(t.Context(), tx, run.ID, 0, Stored{Created: 1}) })
			require.Equal(t, []string{c.want}, b.lines(`SELECT concat_ws(' ', processed, total) FROM sync_runs`))
			require.Equal(t, []string{"4 2 1"}, b.lines(`SELECT concat_ws(' ', created, updated, archived) FROM sync_runs`))
			require.Equal(t, []string{fmt.Sprint(c.before + c.batch)}, b.lines(`SELECT processed::text FROM sync_samples ORDER BY at LIMIT 1`))
		})
	}
}

// TestABatchAndItsCheckpointAreOne fails the checkpoint: the rows must not be there either.
func TestABatchAndItsCheckpointAreOne(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunCopy)
	b.exec(`INSERT INTO sync_slices (run_id, position, method, from_id, to_id) VALUES ($1, 0, 'ids', 1, 900)`, o.runID)
	w := &worker{Sync: b.Sync, run: models.SyncRun{ID: o.runID, Kind: models.RunCopy}}
	b.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$`)
	b.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON sync_slices FOR EACH ROW EXECUTE FUNCTION refuse()`)
	require.ErrorContains(t, w.save(t.Context(), []Row{owned(1, noon)}, checkpoint{rows: 1, nextID: 301}), "save how far")
	require.Empty(t, b.people())
	b.totals(0, 0)

	b.exec(`DROP TRIGGER refuse ON sync_slices`)
	slice := func() []string {
		return b.lines(`SELECT concat_ws(' ', state, from_id, rows_done, bytes_done, header, hash_state, rows_total) FROM sync_slices`)
	}
	require.NoError(t, w.save(t.Context(), []Row{owned(1, noon)}, checkpoint{rows: 1, nextID: 301, bytes: 7, header: []string{"id"}, hashState: []byte{1}}))
	require.Equal(t, []string{`reading 301 1 7 {id} \x01`}, slice())
	require.NoError(t, w.save(t.Context(), nil, checkpoint{rows: 2}))
	require.Equal(t, []string{`reading 301 3 7 {id} \x01`}, slice(), "what a batch does not know stays")
	require.NoError(t, w.save(t.Context(), nil, checkpoint{rows: 1, done: true}))
	require.Equal(t, []string{`done 301 4 7 {id} \x01 4`}, slice())
	require.NoError(t, w.again(t.Context()))
	require.Equal(t, []string{"planned 301 0 0"}, slice())
	require.Equal(t, []string{"1"}, b.lines(`SELECT tries::text FROM sync_slices`))
}

func TestARunEnds(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for kind, state := range map[models.RunKind]string{models.RunCopy: "following t", models.RunReconcile: "copying f"} {
		b := syncOf(t, clean(t, db), nil)
		b.exec(`UPDATE people_sync SET state = 'copying', copied_at = NULL`)
		run := b.run(kind)
		b.exec(`UPDATE sync_runs SET processed = 7, total = 9`)
		b.exec(`INSERT INTO sync_slices (run_id, position, method) VALUES ($1, 0, 'list')`, run.ID)
		b.exec(`INSERT INTO reconcile_rows (run_id, position, person_id, qualifies) VALUES ($1, 0, 1, true)`, run.ID)
		b.exec(`INSERT INTO sync_samples (run_id, processed) VALUES ($1, 1)`, run.ID)
		found, err := b.runInProgress(t.Context())
		require.NoError(t, err)
		require.Equal(t, run.ID, found.ID)
		require.NoError(t, b.finish(t.Context(), run))
		require.Equal(t, []string{"done 7 7"}, b.lines(`SELECT concat_ws(' ', outcome, processed, total) FROM sync_runs WHERE finished_at IS NOT NULL`))
		require.Equal(t, []string{"0 0 0"}, b.lines(`SELECT concat_ws(' ', (SELECT count(*) FROM sync_slices), (SELECT count(*) FROM reconcile_rows), (SELECT count(*) FROM sync_samples))`))
		require.Equal(t, []string{state}, b.lines(`SELECT concat_ws(' ', state, copied_at IS NOT NULL) FROM people_sync`))
		found, err = b.runInProgress(t.Context())
		require.NoError(t, err)
		require.Nil(t, found)
	}
}

func TestACallIsRepeatedWhileThatHelps(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, nil, Rule{}, clockwork.NewRealClock(), Config{Retries: 3})
	answered := func(code string) error {
		return &marketo.Error{Operation: "leads by filter", Kind: marketo.KindAPI, Code: code}
	}
	for name, c := range map[string]struct {
		err   error
		fails int // so often
		calls int
		works bool
	}{
		"it_works":                     {nil, 0, 1, true},
		"it_works_the_second_time":     {answered("604"), 1, 2, true},
		"it_works_the_last_time":       {answered("606"), 3, 4, true},
		"it_does_not_work_in_time":     {answered("604"), 4, 4, false},
		"access_is_denied":             {answered("603"), 9, 1, false},
		"a_mistake_of_ours":            {errors.New("a mistake"), 9, 1, false},
		"the_connection_broke":         {&marketo.Error{Kind: marketo.KindTransport, Err: errors.New("reset")}, 2, 3, true},
		"something_that_is_no_answer":  {&marketo.Error{Kind: marketo.KindBadAnswer}, 2, 3, true},
		"the_queue_of_jobs_is_full":    {&marketo.Error{Operation: "enqueue export", Kind: marketo.KindAPI, Code: "1029", Message: "Too many jobs in queue"}, 9, 1, false},
		"the_day's_quota_is_exhausted": {answered("607"), 9, 4, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := b.retry(t.Context(), func(context.Context) error {
				if calls++; calls <= c.fails {
					return c.err
				}
				return nil
			})
			require.Equal(t, c.calls, calls)
			if c.works {
				require.NoError(t, err)
				return
			}
			require.Equal(t, c.err, err, "the last error, as it was")
		})
	}
}

func TestWhatIsNotConfiguredHasADefault(t *testing.T) {
	t.Parallel()
	cfg := setup(t, nil, nil, Rule{}, clockwork.NewRealClock(), Config{Exports: 2, MissDelay: time.Hour}).cfg
	require.Equal(t, []time.Duration{10 * time.Minute, time.Hour, 10 * time.Second}, []time.Duration{cfg.SweepEvery, cfg.MissDelay, cfg.Lease})
	require.Equal(t, []int{5000, 2, 4, 5}, []int{cfg.BatchRows, cfg.Exports, cfg.Readers, cfg.Retries})
	require.Equal(t, CopyAuto, cfg.Copy)
}
