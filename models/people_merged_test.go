package models_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// merged is an office in which person 4 was merged into 3, and 3 into 1, whom Rita owns.
type merged struct {
	*office
	now                             time.Time
	winner, between, loser, another uuid.UUID // opens of the emails to 1, 3, 4 and 2, the oldest first
}

func newMerged(t *testing.T) merged {
	o := newOffice(t)
	o.person(3, othersID)
	o.person(4, othersID)
	m := merged{office: o, now: time.Now().Truncate(time.Second)}
	m.winner = o.happened(models.EmailOpened, 1, "otto@example.com", m.now.Add(-3*time.Minute))
	m.between = o.happened(models.EmailOpened, 3, "otto@example.com", m.now.Add(-2*time.Minute))
	m.loser = o.happened(models.EmailOpened, 4, "otto@example.com", m.now.Add(-1*time.Minute))
	m.another = o.happened(models.EmailOpened, 2, "otto@example.com", m.now)
	o.exec(`UPDATE people SET archived_at = now(), archive_reason = 'merged', merged_into = CASE id WHEN 3 THEN 1 ELSE 3 END WHERE id IN (3, 4)`)
	return m
}

func idsOf(activities []models.Activity) (ids []uuid.UUID) {
	for _, a := range activities {
		ids = append(ids, a.ID)
	}
	return ids
}

func TestPeopleWhoWereMerged(t *testing.T) {
	t.Parallel()
	m := newMerged(t)
	about := func(t *testing.T, q models.ActivityQuery) []uuid.UUID {
		t.Helper()
		page, err := models.ListActivities(t.Context(), m.db.Gorm, q)
		require.NoError(t, err)
		return idsOf(page.Activities)
	}

	t.Run("the_winner_has_what_was_recorded_about_the_losers", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []uuid.UUID{m.loser, m.between, m.winner}, about(t, models.ActivityQuery{PersonID: 1}))
		require.Equal(t, []uuid.UUID{m.loser, m.between, m.winner}, about(t, models.ActivityQuery{PersonID: 1, Kind: models.EmailOpened, RepEmail: "otto@example.com"}))
		require.Empty(t, about(t, models.ActivityQuery{PersonID: 1, Kind: models.CallReceived}))
	})

	t.Run("page_by_page", func(t *testing.T) {
		t.Parallel()
		var all []uuid.UUID
		q := models.ActivityQuery{PersonID: 1, Limit: 1}
		for range 3 {
			page, err := models.ListActivities(t.Context(), m.db.Gorm, q)
			require.NoError(t, err)
			all, q.Cursor = append(all, idsOf(page.Activities)...), page.Next
		}
		require.Empty(t, q.Cursor)
		require.Equal(t, []uuid.UUID{m.loser, m.between, m.winner}, all)
	})

	t.Run("a_loser_keeps_what_was_recorded_about_them", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []uuid.UUID{m.loser}, about(t, models.ActivityQuery{PersonID: 4}))
		require.Equal(t, []uuid.UUID{m.loser, m.between}, about(t, models.ActivityQuery{PersonID: 3}))
		require.Equal(t, []uuid.UUID{m.another}, about(t, models.ActivityQuery{PersonID: 2}))
	})

	t.Run("the_last_days_have_all_once_in_the_name_of_the_winner", func(t *testing.T) {
		t.Parallel()
		recent, err := models.RecentActivities(t.Context(), m.db.Gorm, []int64{1, 2}, m.now.AddDate(0, 0, -90), 10)
		require.NoError(t, err)
		require.Equal(t, []uuid.UUID{m.another, m.loser, m.between, m.winner}, idsOf(recent))
		var people []int64
		for _, a := range recent {
			people = append(people, *a.PersonID)
		}
		require.Equal(t, []int64{2, 1, 1, 1}, people)

		recent, err = models.RecentActivities(t.Context(), m.db.Gorm, []int64{4, 1}, m.now.AddDate(0, 0, -90), 10)
		require.NoError(t, err)
		require.Equal(t, []uuid.UUID{m.loser, m.between, m.winner}, idsOf(recent))
		require.Equal(t, int64(4), *recent[0].PersonID, "who is asked for keeps their own")
	})

	t.Run("the_winner's_owner_sees_who_opens", func(t *testing.T) {
		t.Parallel()
		rows, err := models.ListEngagement(t.Context(), m.db.Gorm, models.EngagementQuery{RepEmail: rita, OwnerID: ritaID, Since: m.now.AddDate(0, 0, -14), Limit: 20})
		require.NoError(t, err)
		require.Equal(t, []uuid.UUID{m.loser, m.between, m.winner}, idsOf(rows))
	})
}

func TestTheWinnersOwnerSeesTheFewAmongTheMany(t *testing.T) {
	t.Parallel()
	m := newMerged(t)
	m.exec(`INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id, rep_email)
		SELECT gen_random_uuid(), 1, 'many-' || i, 'email_opened', $1::timestamptz - i * interval '1 millisecond', 2, 'otto@example.com' FROM generate_series(1, 6000) i`, m.now)
	rows, err := models.ListEngagement(t.Context(), m.db.Gorm, models.EngagementQuery{RepEmail: rita, OwnerID: ritaID, Since: m.now.AddDate(0, 0, -14), Limit: 20})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{m.loser, m.between, m.winner}, idsOf(rows))
}
