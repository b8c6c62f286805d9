package people

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

// touched writes touches as "guid id", with what they say beside.
func touched(touches []touch) []string {
	var lines []string
	for _, t := range touches {
		line := fmt.Sprint(t.guid, " ", t.id)
		if t.deleted {
			line += " deleted"
		}
		if t.mergedInto != 0 {
			line += fmt.Sprint(" into ", t.mergedInto)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestWhichChangesOfALeadTouch(t *testing.T) {
	t.Parallel()
	watch := []string{"email", "company"}
	change := func(fields ...string) []marketo.LeadChange {
		c := marketo.LeadChange{GUID: "g", LeadID: 7, TypeID: 13}
		for _, f := range fields {
			c.Fields = append(c.Fields, marketo.FieldChange{Name: f})
		}
		return []marketo.LeadChange{c}
	}
	for name, c := range map[string]struct {
		changes []marketo.LeadChange
		want    []string
	}{
		"nothing":                       {nil, nil},
		"a_new_person":                  {[]marketo.LeadChange{{GUID: "n", LeadID: 8, TypeID: 12}}, []string{"n 8"}},
		"a_change_without_fields":       {change(), []string{"g 7"}},
		"a_field_that_we_have":          {change("email"), []string{"g 7"}},
		"a_field_that_we_lack":          {change("leadScore"), nil},
		"one_of_several":                {change("leadScore", "company"), []string{"g 7"}},
		"the_name_in_another_case":      {change("Email"), nil},
		"a_field_without_a_name":        {change("leadScore", ""), []string{"g 7"}},
		"the_same_person_in_each_row":   {append(change("email"), change("company")...), []string{"g 7", "g 7"}},
		"others_between_are_passed_by":  {slices.Concat(change("x"), change("email"), change("y")), []string{"g 7"}},
		"the_id_itself_is_not_watched":  {change("id"), nil},
		"what_moves_always_is_not_ours": {change("updatedAt", "lastInterestingMomentDate"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, cmp.Diff(c.want, touched(changeTouches(c.changes, watch))))
		})
	}
	require.Empty(t, changeTouches(change("email"), nil), "where nothing is watched, no field counts")
}

func TestWhichPeopleAnActivityTouches(t *testing.T) {
	t.Parallel()
	merge := func(ids string) marketo.Activity {
		a := marketo.Activity{GUID: "m", LeadID: 7, TypeID: typeMergeLeads, Attributes: map[string]json.RawMessage{}}
		if ids != "" {
			a.Attributes["Merge IDs"] = json.RawMessage(ids)
		}
		return a
	}
	for name, c := range map[string]struct {
		activity marketo.Activity
		want     []string
	}{
		"a_change_of_owner":             {marketo.Activity{GUID: "g", LeadID: 7, TypeID: 23}, []string{"g 7"}},
		"a_conversion":                  {marketo.Activity{GUID: "g", LeadID: 7, TypeID: 21}, []string{"g 7"}},
		"a_type_that_we_did_not_ask":    {marketo.Activity{GUID: "g", LeadID: 7, TypeID: 100_001}, []string{"g 7"}},
		"merge_ids_of_another_type":     {func() marketo.Activity { a := merge(`[8]`); a.TypeID = 31; return a }(), []string{"m 7"}},
		"a_merge_of_one":                {merge(`[8]`), []string{"m 7", "m/8 8 into 7"}},
		"a_merge_of_several":            {merge(`[8, 9]`), []string{"m 7", "m/8 8 into 7", "m/9 9 into 7"}},
		"losers_as_text":                {merge(`"[8, 9]"`), []string{"m 7", "m/8 8 into 7", "m/9 9 into 7"}},
		"losers_as_text_without_braces": {merge(`"8;9"`), []string{"m 7", "m/8 8 into 7", "m/9 9 into 7"}},
		"one_loser_as_a_number":         {merge(`8`), []string{"m 7", "m/8 8 into 7"}},
		"the_winner_among_the_losers":   {merge(`[7, 8]`), []string{"m 7", "m/8 8 into 7"}},
		"no_losers":                     {merge(`[]`), []string{"m 7"}},
		"losers_unknown":                {merge(``), []string{"m 7"}},
		"losers_null":                   {merge(`null`), []string{"m 7"}},
		"words_for_losers":              {merge(`"none"`), []string{"m 7"}},
		"an_id_beyond_all_bounds":       {merge(`[99999999999999999999, 8]`), []string{"m 7", "m/8 8 into 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, cmp.Diff(c.want, touched(activityTouches([]marketo.Activity{c.activity}))))
		})
	}
	require.Empty(t, activityTouches(nil))
}

// TestTheStreams reads a page of each log and looks at what it asks for.
func TestTheStreams(t *testing.T) {
	t.Parallel()
	in := newInstance()
	in.pages = map[string]logPage{
		"lead_changes/A":  {rows: `[{"marketoGUID":"1","leadId":1,"activityTypeId":13,"fields":[{"name":"email"}]},{"marketoGUID":"2","leadId":2,"activityTypeId":13,"fields":[{"name":"leadScore"}]}]`},
		"activities/A":    {rows: `[{"marketoGUID":"3","leadId":3,"activityTypeId":32,"attributes":[{"name":"Merge IDs","value":[4]}]}]`, next: "B", more: true},
		"deleted_leads/A": {rows: `[{"marketoGUID":"5","leadId":5,"activityTypeId":37}]`},
	}
	b := syncOf(t, nil, in)
	got := map[string][]string{}
	for _, st := range b.streams(b.opened()) {
		touches, next, more, err := st.page(t.Context(), "A")
		require.NoError(t, err)
		got[st.name] = append(touched(touches), fmt.Sprint(next, " ", more))
	}
	require.Empty(t, cmp.Diff(map[string][]string{"lead_changes": {"1 1", "end false"}, "activities": {"3 3", "3/4 4 into 3", "B true"},
		"deleted_leads": {"5 5 deleted", "end false"}}, got))
	require.LessOrEqual(t, len(touchingTypes)+len(listTypes), marketo.MaxActivityTypes, "one call holds all types")
}

func TestTheActivitiesThatAreAskedFor(t *testing.T) {
	t.Parallel()
	for mode, want := range map[Mode]string{
		ModeOwnerField: "19,21,23,31,32,34,35", ModeCRMLinked: "19,21,23,31,32,34,35", ModeSmartList: "19,21,23,31,32,34,35",
		ModeStaticList: "19,21,23,31,32,34,35,24,25", // joins and leaves of a static list are logged
	} {
		in := newInstance()
		b := setup(t, nil, in, Rule{Mode: mode, ListID: 1}, clockwork.NewRealClock(), Config{})
		_, _, _, err := b.streams(b.opened())[1].page(t.Context(), "A")
		require.NoError(t, err)
		require.Equal(t, want, in.types, mode)
	}
}

// inbox are the touched people: what is known of each.
func (b *bundle) inbox() []string {
	b.t.Helper()
	return b.lines(`SELECT concat_ws(' ', person_id, CASE WHEN deleted THEN 'deleted' END, 'into ' || merged_into, CASE WHEN urgent THEN 'urgent' END,
		CASE WHEN misses > 0 THEN 'missed ' || misses END, CASE WHEN leased_until IS NOT NULL THEN 'claimed' END) FROM touched_people ORDER BY person_id`)
}

func (b *bundle) touchPeople(stream string, touches ...touch) {
	b.t.Helper()
	b.inTx(func(tx pgx.Tx) error { return touchPeople(b.t.Context(), tx, stream, touches, b.now()) })
}

func TestTheInboxTakesEachChangeOnce(t *testing.T) {
	t.Parallel()
	b := syncOf(t, newDB(t), nil)
	b.touchPeople("activities")
	require.Empty(t, b.inbox())
	b.touchPeople("activities", touch{guid: "a", id: 1}, touch{guid: "b", id: 2}, touch{guid: "a", id: 1}, touch{guid: "c", id: 1})
	require.Equal(t, []string{"1", "2"}, b.inbox())
	b.exec(`DELETE FROM touched_people`)

	b.touchPeople("activities", touch{guid: "a", id: 1}, touch{guid: "b", id: 2})
	require.Empty(t, b.inbox(), "they were read again meanwhile")
	b.touchPeople("lead_changes", touch{guid: "a", id: 1})
	require.Equal(t, []string{"1"}, b.inbox(), "another log numbers its rows for itself")
	b.touchPeople("activities", touch{guid: "a", id: 1}, touch{guid: "d", id: 3})
	require.Equal(t, []string{"1", "3"}, b.inbox(), "what is new in a page counts")
}

func TestTheInboxRemembersTheWeightiestHint(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for name, c := range map[string]struct {
		first, second []touch
		want          string
	}{
		"deleted_then_touched":        {[]touch{{guid: "1", id: 1, deleted: true}}, []touch{{guid: "2", id: 1}}, "1 deleted"},
		"touched_then_deleted":        {[]touch{{guid: "1", id: 1}}, []touch{{guid: "2", id: 1, deleted: true}}, "1 deleted"},
		"merged_then_touched":         {[]touch{{guid: "1", id: 1, mergedInto: 9}}, []touch{{guid: "2", id: 1}}, "1 into 9"},
		"merged_then_deleted":         {[]touch{{guid: "1", id: 1, mergedInto: 9}}, []touch{{guid: "2", id: 1, deleted: true}}, "1 deleted into 9"},
		"merged_again":                {[]touch{{guid: "1", id: 1, mergedInto: 9}}, []touch{{guid: "2", id: 1, mergedInto: 8}}, "1 into 8"},
		"all_in_one_page":             {[]touch{{guid: "1", id: 1, deleted: true}, {guid: "2", id: 1, mergedInto: 9}, {guid: "3", id: 1}}, nil, "1 deleted into 9"},
		"touched_twice":               {[]touch{{guid: "1", id: 1}}, []touch{{guid: "2", id: 1}}, "1"},
		"the_same_change_weighs_once": {[]touch{{guid: "1", id: 1}}, []touch{{guid: "1", id: 1, deleted: true}}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := syncOf(t, clean(t, db), nil)
			b.touchPeople("activities", c.first...)
			b.touchPeople("activities", c.second...)
			require.Equal(t, []string{c.want}, b.inbox())
		})
	}
}

func TestATouchMakesAPersonDue(t *testing.T) {
	t.Parallel()
	b := syncOf(t, newDB(t), nil)
	b.exec(`INSERT INTO touched_people (person_id, touched_at, due_at, misses) VALUES
		(1, clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 hour', 1), (2, clock_timestamp() - interval '1 hour', clock_timestamp() - interval '1 hour', 0),
		(3, clock_timestamp() - interval '1 hour', clock_timestamp() + interval '1 hour', 0)`)
	b.touchPeople("activities", touch{guid: "1", id: 1}, touch{guid: "2", id: 2})
	require.NoError(t, b.Touch(t.Context(), 3))
	require.NoError(t, b.Touch(t.Context(), 4))
	require.NoError(t, b.Touch(t.Context(), 4))
	require.Equal(t, []string{"1 missed 1", "2", "3 urgent", "4 urgent"}, b.inbox())
	require.Equal(t, []string{"1 t t", "2 t t", "3 t t", "4 t t"}, b.lines(`SELECT concat_ws(' ', person_id, due_at <= $1, touched_at > $1 - interval '30 minutes')
		FROM touched_people ORDER BY 1`, time.Now().Add(time.Minute)))
	require.Equal(t, []string{"2"}, b.lines(`SELECT person_id::text FROM touched_people WHERE due_at < $1`, time.Now().Add(-30*time.Minute)),
		"who was due before stays due since then")
	b.exec(`INSERT INTO touched_people (person_id) VALUES (5)`)
	b.touchPeople("activities", touch{guid: "3", id: 4})
	require.Equal(t, []string{"1 missed 1", "2", "3 urgent", "4 urgent", "5"}, b.inbox(), "who is urgent stays so")
}

func TestAHintOutlivesAReadThatBeganBeforeIt(t *testing.T) {
	t.Parallel()
	clock := clockwork.NewFakeClockAt(noon) // it stands still, and so do replicas behind others
	b := setup(t, newDB(t), nil, Rule{}, clock, Config{})
	for name, again := range map[string]func(id int64){
		"of_a_log":     func(id int64) { b.touchPeople("activities", touch{guid: "again", id: id}) },
		"of_a_webhook": func(id int64) { require.NoError(t, b.Touch(t.Context(), id)) },
		"of_a_lane": func(id int64) {
			batch := &pgx.Batch{}
			b.TouchAll(batch, []int64{id})
			require.NoError(t, b.db.Pool.SendBatch(t.Context(), batch).Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			b.exec(`DELETE FROM touched_people`)
			b.touchPeople("activities", touch{guid: "first " + name, id: 1}, touch{guid: "other " + name, id: 2})
			claims, err := b.claim(t.Context())
			require.NoError(t, err)
			require.Len(t, claims, 2)
			again(1)
			b.inTx(func(tx pgx.Tx) error { return settle(t.Context(), tx, claims, map[int64]bool{1: true, 2: true}) })
			require.Equal(t, []string{"1"}, b.lines(`SELECT person_id::text FROM touched_people WHERE leased_until IS NULL`))
		})
	}
}
