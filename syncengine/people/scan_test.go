package people

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/marketo"
)

func TestASliceOfIDsIsRead(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for name, c := range map[string]struct {
		people   []int64
		from     int64
		to       *int64
		want     string // people stored, and where the slice ended
		calls    int
		mayExtra int // calls that were under way when the end was seen
	}{
		"to_its_end":                       {ids(1, 700), 1, ptr(int64(600)), "600 601", 2, 0},
		"the_last_batch_is_shorter":        {ids(1, 700), 1, ptr(int64(650)), "650 901", 3, 0},
		"from_where_it_stands":             {ids(1, 700), 601, ptr(int64(700)), "100 901", 1, 0},
		"nobody_in_it":                     {nil, 1, ptr(int64(3000)), "0 3001", 10, 0},
		"past_its_end_already":             {ids(1, 700), 601, ptr(int64(600)), "0 601", 0, 0},
		"without_an_end_until_all_is_bare": {ids(1, 301), 1, nil, fmt.Sprint(301, " ", 1+(2+emptyBatches)*marketo.MaxBatch), 2 + emptyBatches, 8},
		"people_between_start_it_again":    {append(ids(1, 1), ids(11_701, 11_701)...), 1, nil, fmt.Sprint(2, " ", 1+(40+emptyBatches)*marketo.MaxBatch), 40 + emptyBatches, 8},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance(c.people...)
			b := syncOf(t, clean(t, db), in)
			run := b.run(models.RunCopy)
			b.exec(`INSERT INTO sync_slices (run_id, position, method, from_id, to_id) VALUES ($1, 0, 'ids', $2, $3)`, run.ID, c.from, c.to)
			w := &worker{Sync: b.Sync, ses: b.opened(), run: run}
			require.NoError(t, w.work(t.Context()))
			require.Equal(t, []string{c.want + " done"}, b.lines(`SELECT concat_ws(' ', (SELECT count(*) FROM people), from_id, state) FROM sync_slices`))
			require.GreaterOrEqual(t, in.called("leads"), c.calls)
			require.LessOrEqual(t, in.called("leads"), c.calls+c.mayExtra)
		})
	}
}

// TestAScanThatBreaksOffGoesOn fails a call in the middle for good; what was stored
// before it is not read again.
func TestAScanThatBreaksOffGoesOn(t *testing.T) {
	t.Parallel()
	in := newInstance(ids(1, 6000)...)
	denied := 0
	in.refuse = func(operation string) (string, string) {
		if operation == "leads" && in.calls["leads"] > 14 && denied < 1 {
			denied++
			return "603", "Access denied"
		}
		return "", ""
	}
	b := syncOf(t, newDB(t), in)
	run := b.run(models.RunCopy)
	b.exec(`INSERT INTO sync_slices (run_id, position, method, from_id, to_id) VALUES ($1, 0, 'ids', 1, 6000)`, run.ID)
	w := &worker{Sync: b.Sync, ses: b.opened(), run: run}
	err := w.work(t.Context())
	var refusal *marketo.Error
	require.True(t, errors.As(err, &refusal))
	require.Equal(t, []string{"3000 3001 reading"}, b.lines(`SELECT concat_ws(' ', (SELECT count(*) FROM people), from_id, state) FROM sync_slices`),
		"ten batches were stored, with the place after them")
	before := in.called("leads")
	require.NoError(t, w.work(t.Context()))
	require.Equal(t, 10, in.called("leads")-before)
	require.Equal(t, []string{"6000 6001 done"}, b.lines(`SELECT concat_ws(' ', (SELECT count(*) FROM people), from_id, state) FROM sync_slices`))
}
