package people

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/marketo"
)

// claims are the ids of the people that a claim takes.
func (b *bundle) claims() []int64 {
	b.t.Helper()
	claims, err := b.claim(b.t.Context())
	require.NoError(b.t, err)
	taken := make([]int64, len(claims))
	for i, c := range claims {
		taken[i] = c.PersonID
	}
	slices.Sort(taken)
	return taken
}

func TestClaim(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	for name, c := range map[string]struct {
		inbox string // rows of person, due, leased, urgent
		want  []int64
	}{
		"an_empty_inbox":               {``, []int64{}},
		"who_is_due":                   {`(1, now() - interval '1 minute', NULL::timestamptz, false), (2, now() + interval '1 minute', NULL, false)`, []int64{1}},
		"who_is_urgent_but_not_due":    {`(1, now() + interval '1 minute', NULL::timestamptz, true)`, []int64{}},
		"who_is_claimed_by_another":    {`(1, now() - interval '1 minute', now() + interval '1 minute', false), (2, now() - interval '1 minute', NULL, false)`, []int64{2}},
		"whose_claim_ended":            {`(1, now() - interval '1 minute', now() - interval '1 second', false)`, []int64{1}},
		"an_ended_claim_waits_for_due": {`(1, now() + interval '1 minute', now() - interval '1 second', false)`, []int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := syncOf(t, clean(t, db), nil)
			if c.inbox != "" {
				b.exec(`INSERT INTO touched_people (person_id, due_at, leased_until, urgent) SELECT * FROM (VALUES ` + c.inbox + `) AS v (person_id, due_at, leased_until, urgent)`)
			}
			require.Equal(t, c.want, b.claims())
			require.Empty(t, b.claims(), "who is claimed stays so for a while")
		})
	}
}

func TestTheUrgentAreClaimedFirst(t *testing.T) {
	t.Parallel()
	b := syncOf(t, newDB(t), nil)
	b.exec(`INSERT INTO touched_people (person_id, due_at, urgent)
		SELECT n, now() - interval '1 hour' - n * interval '1 second', n <= 10 FROM generate_series(1, 700) n`)
	require.Equal(t, append(ids(1, 10), ids(411, 700)...), b.claims(), "then those who wait longest, as many as one call reads")
	require.Len(t, b.claims(), marketo.MaxBatch)
	require.Equal(t, ids(11, 110), b.claims())
	require.Empty(t, b.claims())
}

func TestClaimsOfTwoProcessesDoNotOverlap(t *testing.T) {
	t.Parallel()
	b := syncOf(t, newDB(t), nil)
	b.exec(`INSERT INTO touched_people (person_id) SELECT generate_series(1, 1500)`)
	b.exec(`UPDATE touched_people SET due_at = now() - interval '1 hour'`)
	var (
		claiming sync.WaitGroup
		mu       sync.Mutex
		taken    []int64
	)
	for range 4 {
		claiming.Go(func() {
			for {
				claims, err := b.claim(t.Context())
				if err != nil || len(claims) == 0 {
					return
				}
				mu.Lock()
				for _, c := range claims {
					taken = append(taken, c.PersonID)
				}
				mu.Unlock()
			}
		})
	}
	claiming.Wait()
	slices.Sort(taken)
	require.Equal(t, ids(1, 1500), taken)
}

// TestWhatComesOfAHint: one person is in the workspace; a hint and Marketo's answer
// decide what becomes of them and of the hint.
func TestWhatComesOfAHint(t *testing.T) {
	t.Parallel()
	db := newDB(t)
	there := map[string]string{"sfdcLeadOwnerId": "005A", "title": "new"}
	list := Rule{Mode: ModeStaticList, ListID: 1}
	for name, c := range map[string]struct {
		hint   string // columns of the inbox: misses, deleted, merged_into
		rule   Rule
		answer map[string]string // nil: nobody has the id
		people string
		inbox  []string
	}{
		"changed":                             {"0, false, NULL", Rule{}, there, "1 new", nil},
		"not_found_at_first_is_asked_again":   {"0, false, NULL", Rule{}, nil, "1 old", []string{"1 missed 1"}},
		"not_found_again":                     {"1, false, NULL", Rule{}, nil, "1 old not_found", nil},
		"found_after_a_miss":                  {"1, false, NULL", Rule{}, there, "1 new", nil},
		"deleted":                             {"0, true, NULL", Rule{}, nil, "1 old deleted", nil},
		"said_to_be_deleted_but_there":        {"0, true, NULL", Rule{}, there, "1 new", nil},
		"merged":                              {"0, false, 9", Rule{}, nil, "1 old merged 9", nil},
		"merged_says_more_than_deleted":       {"0, true, 9", Rule{}, nil, "1 old merged 9", nil},
		"said_to_be_merged_but_there":         {"0, false, 9", Rule{}, there, "1 new", nil},
		"the_owner_is_lost":                   {"0, false, NULL", Rule{}, map[string]string{"title": "new"}, "1 old owner_lost", nil},
		"on_a_list_the_owner_does_not_decide": {"0, false, NULL", list, map[string]string{"title": "new"}, "1 new", nil},
		"gone_from_a_list":                    {"0, true, NULL", list, nil, "1 old deleted", nil},
		"linked_people_need_a_record":         {"0, false, NULL", Rule{Mode: ModeCRMLinked}, there, "1 old owner_lost", nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInstance()
			if c.answer != nil {
				in.leads[1] = c.answer
			}
			b := setup(t, clean(t, db), in, c.rule, clockwork.NewRealClock(), Config{})
			run := b.run(models.RunFollow)
			b.store(storeOptions{runID: run.ID, now: b.now()}, titled(1, "old", time.Now().Add(-time.Hour)))
			b.exec(`INSERT INTO touched_people (person_id, misses, deleted, merged_into) VALUES (1, ` + c.hint + `)`)
			claims, err := b.claim(t.Context())
			require.NoError(t, err)
			require.NoError(t, b.rereadBatch(t.Context(), b.opened(), run.ID, claims))
			require.Equal(t, []string{c.people}, b.lines(`SELECT concat_ws(' ', id, title, archive_reason, merged_into) FROM people`))
			require.ElementsMatch(t, c.inbox, b.inbox())
			gone := b.lines(`SELECT concat_ws(' ', processed, created, updated, archived) FROM sync_runs`)
			require.Len(t, gone, 1)
			require.Equal(t, "1 0", gone[0][:3])
		})
	}
}

func TestAPersonWhoIsMissedIsAskedForLater(t *testing.T) {
	t.Parallel()
	b := setup(t, newDB(t), newInstance(), Rule{}, clockwork.NewRealClock(), Config{MissDelay: time.Hour})
	run := b.run(models.RunFollow)
	require.NoError(t, b.Touch(t.Context(), 1))
	claims, err := b.claim(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.rereadBatch(t.Context(), b.opened(), run.ID, claims))
	require.Equal(t, []string{"t"}, b.lines(`SELECT left((due_at BETWEEN $1 AND $2)::text, 1) FROM touched_people`,
		time.Now().Add(50*time.Minute), time.Now().Add(70*time.Minute)))
	require.Empty(t, b.claims())
	require.NoError(t, b.Touch(t.Context(), 1))
	require.Equal(t, []int64{1}, b.claims(), "unless another hint comes")
}

// TestAHintThatArrivesDuringTheReadStays: the read may have seen the person as they
// were before that change.
func TestAHintThatArrivesDuringTheReadStays(t *testing.T) {
	t.Parallel()
	for name, found := range map[string]bool{"of_a_person_who_is_there": true, "of_a_person_who_is_gone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInstance()
			if found {
				in.leads[1] = map[string]string{"sfdcLeadOwnerId": "005A"}
			}
			b := syncOf(t, newDB(t), in)
			run := b.run(models.RunFollow)
			b.touchPeople("deleted_leads", touch{guid: "1", id: 1, deleted: true}, touch{guid: "2", id: 2, deleted: true})
			in.during = func(operation string) {
				if operation == "leads" {
					b.touchPeople("activities", touch{guid: "3", id: 1})
				}
			}
			claims, err := b.claim(t.Context())
			require.NoError(t, err)
			require.Len(t, claims, 2)
			require.NoError(t, b.rereadBatch(t.Context(), b.opened(), run.ID, claims))
			require.Equal(t, []string{"1 deleted"}, b.inbox())
			require.Equal(t, []int64{1}, b.claims(), "and is free at once")
		})
	}
}

func TestAReadThatFailsGivesItsPeopleBack(t *testing.T) {
	t.Parallel()
	in := newInstance(1, 2)
	in.refuse = refusals(map[string][]string{"leads": {"603", "Access denied"}})
	b := syncOf(t, newDB(t), in)
	run := b.run(models.RunFollow)
	b.touchPeople("activities", touch{guid: "1", id: 1}, touch{guid: "2", id: 2})
	claims, err := b.claim(t.Context())
	require.NoError(t, err)
	require.ErrorContains(t, b.rereadBatch(t.Context(), b.opened(), run.ID, claims), "read 2 people again")
	require.Equal(t, []string{"1", "2"}, b.inbox())
	require.Equal(t, ids(1, 2), b.claims(), "nobody waits for the end of the claim")
}

func TestArchive(t *testing.T) {
	t.Parallel()
	b, o := keeper(t, models.RunFollow)
	id := int64(0)
	for _, c := range []struct{ before, now, want string }{
		{"", "deleted", "deleted"}, {"", "not_found", "not_found"}, {"", "merged", "merged 99"}, {"", "unqualified", "unqualified"},
		{"not_found", "deleted", "deleted"}, {"not_found", "merged", "merged 99"}, {"not_found", "not_found", "not_found"},
		{"deleted", "merged", "merged 99"}, {"deleted", "not_found", "deleted"}, {"deleted", "deleted", "deleted"},
		{"owner_lost", "merged", "merged 99"}, {"owner_lost", "deleted", "deleted"}, {"owner_lost", "not_found", "owner_lost"},
		{"unqualified", "merged", "merged 99"}, {"unqualified", "not_found", "unqualified"},
		{"merged", "deleted", "merged 98"}, {"merged", "not_found", "merged 98"}, {"merged", "merged", "merged 98"},
	} {
		t.Run(c.before+"/"+c.now, func(t *testing.T) {
			id++
			b.store(o, titled(id, "Dr", noon))
			gone := func(reason string, winner int64, sent time.Time) (archived int64) {
				winners := []*int64{nil}
				if reason == "merged" {
					winners[0] = &winner
				}
				b.inTx(func(tx pgx.Tx) (err error) {
					archived, err = b.archive(t.Context(), tx, o.runID, []int64{id}, []string{reason}, winners, sent)
					return err
				})
				return archived
			}
			require.Zero(t, gone(c.now, 99, noon.Add(-time.Second)), "a read from before the last one says nothing")
			if c.before != "" {
				require.Equal(t, int64(1), gone(c.before, 98, noon.Add(time.Second)))
			}
			since := b.lines(`SELECT archived_at::text FROM people WHERE id = $1 AND archived_at IS NOT NULL`, id)
			archived := gone(c.now, 99, noon.Add(2*time.Second))
			require.Equal(t, c.before == "", archived == 1, "who is archived already is not counted again")
			require.Equal(t, []string{c.want}, b.lines(`SELECT concat_ws(' ', archive_reason, merged_into) FROM people WHERE id = $1`, id))
			lines := []string{}
			if c.before != "" {
				require.Equal(t, since, b.lines(`SELECT archived_at::text FROM people WHERE id = $1`, id), "they are archived since the first time")
				lines = append(lines, "> "+c.before)
			}
			if reason := strings.Fields(c.want)[0]; reason != c.before {
				lines = append(lines, strings.TrimPrefix(c.before+" > "+reason, " "))
			}
			require.Empty(t, cmp.Diff(lines, b.lines(`SELECT concat_ws(' ', old, '>', new) FROM person_changes WHERE person_id = $1 ORDER BY id`, id)))
			b.totals(0, id)
		})
	}
}
