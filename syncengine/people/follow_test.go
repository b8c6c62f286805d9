package people

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestAStreamIsReadAgainFromALittleBefore(t *testing.T) {
	t.Parallel()
	now := noon
	before := func(d time.Duration) trailed { return trailed{Token: d.String(), At: now.Add(-d)} }
	for name, c := range map[string]struct {
		trail []trailed
		from  string
		left  int
	}{
		"where_nothing_is_known":           {nil, "cursor", 0},
		"the_only_place":                   {[]trailed{before(time.Hour)}, "1h0m0s", 1},
		"the_only_place_though_it_is_now":  {[]trailed{before(0)}, "0s", 1},
		"the_oldest_while_all_are_new":     {[]trailed{before(90 * time.Second), before(60 * time.Second)}, "1m30s", 2},
		"one_that_is_just_old_enough":      {[]trailed{before(time.Hour), before(lookBack), before(time.Second)}, "2m30s", 2},
		"the_one_before_what_is_too_new":   {[]trailed{before(time.Hour), before(lookBack - 1), before(time.Second)}, "1h0m0s", 3},
		"the_newest_of_those_old_enough":   {[]trailed{before(time.Hour), before(30 * time.Minute), before(3 * time.Minute), before(time.Second)}, "3m0s", 2},
		"all_are_old_after_a_long_silence": {[]trailed{before(3 * time.Hour), before(2 * time.Hour), before(time.Hour)}, "1h0m0s", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cursor := cursor{Token: "cursor", Trail: c.trail}
			require.Equal(t, c.from, cursor.lookBack(now))
			require.Len(t, cursor.Trail, c.left)
		})
	}
}

// rowsOf is a page of hints about people, each a change of its own.
func rowsOf(ids ...int64) string {
	text := "["
	for i, id := range ids {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"marketoGUID":"%d","leadId":%d,"activityTypeId":23}`, id, id)
	}
	return text + "]"
}

// follower is a sync whose streams are marked at noon.
func follower(t *testing.T, in *instance) (*bundle, *clockwork.FakeClock, session) {
	t.Helper()
	clock := clockwork.NewFakeClockAt(noon)
	b := setup(t, newDB(t), in, Rule{Mode: ModeOwnerField}, clock, Config{})
	ses := b.opened()
	require.NoError(t, b.mark(t.Context(), ses))
	in.asked = nil
	return b, clock, ses
}

// activities is the stream of that name.
func (b *bundle) activities(ses session) stream { return b.streams(ses)[1] }

// places are the tokens of the log of activities that were read, and forgets them.
func (in *instance) places() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	asked := in.asked
	in.asked = nil
	return asked
}

func TestMarkTakesAPlaceInEachStreamOnce(t *testing.T) {
	t.Parallel()
	in := newInstance()
	b, clock, ses := follower(t, in)
	marked := func() []string {
		return b.lines(`SELECT concat_ws(' ', stream, token, watermark = $1, swept_at = $1) FROM sync_cursors ORDER BY stream`, noon)
	}
	want := []string{"activities since 2026-11-28T11:55:00Z t t", "deleted_leads since 2026-11-28T11:55:00Z t t", "lead_changes since 2026-11-28T11:55:00Z t t"}
	require.Equal(t, want, marked())
	clock.Advance(time.Hour)
	require.NoError(t, b.mark(t.Context(), ses))
	require.Equal(t, want, marked())
	b.exec(`DELETE FROM sync_cursors WHERE stream = 'activities'`)
	require.NoError(t, b.mark(t.Context(), ses))
	require.Equal(t, []string{"activities since 2026-11-28T12:55:00Z f f", want[1], want[2]}, marked(), "a stream that is new is marked now")
}

func TestPollGoesOnFromItsCursor(t *testing.T) {
	t.Parallel()
	in := newInstance()
	b, clock, ses := follower(t, in)
	in.pages = map[string]logPage{
		"activities/since 2026-11-28T11:55:00Z": {rows: rowsOf(1), next: "A", more: true},
		"activities/A":                          {next: "B", more: true}, // empty, and yet not the last
		"activities/B":                          {rows: rowsOf(2), next: "C"},
		"activities/C":                          {rows: rowsOf(3), next: "D"},
		"activities/D":                          {rows: rowsOf(4), next: "E"},
	}
	poll := func() []string {
		require.NoError(t, b.poll(t.Context(), ses, b.activities(ses)))
		return in.places()
	}
	require.Equal(t, []string{"activities/since 2026-11-28T11:55:00Z", "activities/A", "activities/B"}, poll())
	require.Equal(t, []string{"1", "2"}, b.inbox())
	clock.Advance(time.Minute)
	require.Equal(t, []string{"activities/C"}, poll(), "from where the first one ended")
	clock.Advance(time.Minute)
	require.Equal(t, []string{"activities/C"}, poll(), "again, for what was logged late")
	clock.Advance(2 * time.Minute)
	require.Equal(t, []string{"activities/D"}, poll(), "that place is old enough by now")
	require.Equal(t, []string{"1", "2", "3", "4"}, b.inbox())
	require.Equal(t, []string{"E t"}, b.lines(`SELECT concat_ws(' ', token, watermark = $1) FROM sync_cursors WHERE stream = 'activities'`, noon.Add(4*time.Minute)))
}

// TestAPlaceThatIsRefusedIsTakenAgain: how long a token lives is not documented.
func TestAPlaceThatIsRefusedIsTakenAgain(t *testing.T) {
	t.Parallel()
	in := newInstance()
	b, clock, ses := follower(t, in)
	clock.Advance(5 * time.Minute)
	in.refuse = refusals(map[string][]string{"activities": {"1003", "Invalid token"}})
	in.pages = map[string]logPage{"activities/since 2026-11-28T11:50:00Z": {rows: rowsOf(1), next: "A"}}
	require.NoError(t, b.poll(t.Context(), ses, b.activities(ses)))
	require.Equal(t, []string{"2026-11-28T11:50:00Z", "activities/since 2026-11-28T11:50:00Z"}, in.places(), "ten minutes before what was surely covered")
	require.Equal(t, []string{"1"}, b.inbox())
}

func TestTheOverlapIsSweptNowAndThen(t *testing.T) {
	t.Parallel()
	in := newInstance()
	b, clock, ses := follower(t, in)
	poll := func(after time.Duration) []string {
		clock.Advance(after)
		require.NoError(t, b.poll(t.Context(), ses, b.activities(ses)))
		return in.places()
	}
	require.Equal(t, []string{"activities/since 2026-11-28T11:55:00Z"}, poll(10*time.Minute-time.Second))
	require.Equal(t, []string{"activities/end", "2026-11-28T11:50:00Z", "activities/since 2026-11-28T11:50:00Z"}, poll(time.Second),
		"ten minutes after the mark, from ten before it")
	require.Equal(t, []string{"activities/end"}, poll(time.Minute))
	require.Equal(t, []string{"activities/end", "2026-11-28T12:00:00Z", "activities/since 2026-11-28T12:00:00Z"}, poll(2*time.Hour),
		"after a long silence from ten minutes before the last sweep")
}

// TestHintsAndTheirPlaceAreSavedTogether breaks the saving of the cursor: hints whose
// place is not saved must not be taken for seen.
func TestHintsAndTheirPlaceAreSavedTogether(t *testing.T) {
	t.Parallel()
	in := newInstance()
	b, _, ses := follower(t, in)
	for page := range int64(6) {
		in.pages[fmt.Sprint("activities/", page)] = logPage{rows: rowsOf(page + 1), next: fmt.Sprint(page + 1), more: page < 5}
	}
	st := b.activities(ses)
	c := cursor{Watermark: noon}
	b.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$`)
	b.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON sync_cursors FOR EACH ROW EXECUTE FUNCTION refuse()`)
	_, _, err := b.drain(t.Context(), st, "0", &c)
	require.ErrorContains(t, err, "save the cursor of activities")
	require.Equal(t, []string{"1", "2", "3"}, b.inbox(), "the first pages are read again each time; the fourth was to be saved")
	require.Equal(t, []string{"3"}, b.lines(`SELECT count(*)::text FROM seen_changes`))

	b.exec(`DROP TRIGGER refuse ON sync_cursors`)
	b.exec(`CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON seen_changes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.guid = '4') EXECUTE FUNCTION refuse()`)
	_, _, err = b.drain(t.Context(), st, "0", &c)
	require.ErrorContains(t, err, "broken")
	require.Equal(t, []string{"since 2026-11-28T11:55:00Z"}, b.lines(`SELECT token FROM sync_cursors WHERE stream = 'activities'`), "nor may the place be saved without the hints")
	b.exec(`DROP TRIGGER refuse ON seen_changes`)
	in.refuse = func(operation string) (string, string) {
		if in.asked[len(in.asked)-1] == "activities/4" && operation == "activities" {
			return "603", "Access denied" // of the sixth page
		}
		return "", ""
	}
	in.asked = []string{"none"}
	_, pages, err := b.drain(t.Context(), st, "0", &c)
	require.Error(t, err)
	require.Equal(t, 5, pages)
	require.Equal(t, []string{"1", "2", "3", "4", "5"}, b.inbox())
	require.Equal(t, []string{"5"}, b.lines(`SELECT token FROM sync_cursors WHERE stream = 'activities'`), "a restart begins at the sixth page")

	in.refuse = nil
	_, _, err = b.drain(t.Context(), st, "0", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "3", "4", "5", "6"}, b.inbox())
	require.Equal(t, []string{"5"}, b.lines(`SELECT token FROM sync_cursors WHERE stream = 'activities'`), "a sweep moves no cursor")
}

func TestALogThatDoesNotMoveIsLeft(t *testing.T) {
	t.Parallel()
	in := newInstance()
	b, _, ses := follower(t, in)
	in.pages = map[string]logPage{"activities/A": {next: "A", more: true}, "activities/B": {next: "B"}}
	_, _, err := b.drain(t.Context(), b.activities(ses), "A", nil)
	require.ErrorContains(t, err, "no place to go on from after page 1")
	end, _, err := b.drain(t.Context(), b.activities(ses), "B", nil)
	require.NoError(t, err, "at the end it may stay where it is")
	require.Equal(t, "B", end)
}

func TestABusyStreamIsNotReadTwice(t *testing.T) {
	t.Parallel()
	for pages, from := range map[int]string{lookBackPages: "activities/0", lookBackPages + 1: "activities/4"} {
		in := newInstance()
		b, clock, ses := follower(t, in)
		for page := range pages {
			in.pages[fmt.Sprint("activities/", page)] = logPage{next: fmt.Sprint(page + 1), more: page < pages-1}
		}
		b.exec(`UPDATE sync_cursors SET trail = $1`, fmt.Sprintf(`[{"token":"0","at":%q}]`, noon.Format(time.RFC3339)))
		clock.Advance(time.Second)
		require.NoError(t, b.poll(t.Context(), ses, b.activities(ses)))
		in.places()
		require.NoError(t, b.poll(t.Context(), ses, b.activities(ses)))
		require.Equal(t, from, in.places()[0], "after %d pages", pages)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	in := newInstance(1, 2, 3)
	b := syncOf(t, newDB(t), in)
	require.NoError(t, b.Follow(t.Context()))
	require.Zero(t, in.called(""), "before the copy is done")
	b.exec(`UPDATE people_sync SET state = 'following', paused_at = now()`)
	require.NoError(t, b.Follow(t.Context()))
	require.Zero(t, in.called(""), "while it is paused")
	b.exec(`UPDATE people_sync SET paused_at = NULL`)
	other := models.Lease{Name: leaseFollow, Holder: "another", Lasting: time.Hour}
	held, err := models.AcquireLease(t.Context(), b.db.Pool, other)
	require.NoError(t, err)
	require.True(t, held)
	require.NoError(t, b.Follow(t.Context()))
	require.Zero(t, in.called(""), "while another process does")
	require.NoError(t, models.ReleaseLease(t.Context(), b.db.Pool, other))

	require.NoError(t, b.Follow(t.Context()))
	require.Empty(t, b.people())
	b.exec(`INSERT INTO seen_changes (stream, guid, seen_at) VALUES ('activities', 'old', now() - interval '7 hours'), ('activities', 'new', now() - interval '5 hours')`)
	in.pages = map[string]logPage{"activities/end": {rows: rowsOf(1), next: "A"}, "deleted_leads/end": {rows: rowsOf(2), next: "A"}, "lead_changes/end": {rows: rowsOf(3), next: "A"}}
	require.NoError(t, b.Follow(t.Context()))
	require.Equal(t, []string{"1 -", "2 -", "3 -"}, b.people())
	require.Empty(t, b.inbox())
	require.Equal(t, []string{"1", "2", "3", "new"}, b.lines(`SELECT guid FROM seen_changes ORDER BY guid`), "what was seen long ago is forgotten")
	require.Equal(t, []string{"follow 3 3 0 0"}, b.lines(`SELECT concat_ws(' ', kind, processed, created, updated, archived) FROM sync_runs`))
	require.Equal(t, []string{"t"}, b.lines(`SELECT left((caught_up_at > $1)::text, 1) FROM people_sync`, time.Now().Add(-time.Hour)))
}

func TestADaysFollowingIsOneRun(t *testing.T) {
	t.Parallel()
	b := syncOf(t, newDB(t), nil)
	run := func() int64 {
		id, err := b.followRun(t.Context())
		require.NoError(t, err)
		return id
	}
	reconciling := b.run(models.RunReconcile)
	first := run()
	require.Equal(t, first, run())
	b.exec(`UPDATE sync_runs SET started_at = started_at - interval '1 day'`)
	second := run()
	require.NotEqual(t, first, second)
	require.Equal(t, []string{fmt.Sprint(first, " done")}, b.lines(`SELECT concat_ws(' ', id, outcome) FROM sync_runs WHERE finished_at IS NOT NULL`))
	require.Empty(t, cmp.Diff([]string{fmt.Sprint(reconciling.ID), fmt.Sprint(second)}, b.lines(`SELECT id::text FROM sync_runs WHERE finished_at IS NULL ORDER BY id`)))
}
