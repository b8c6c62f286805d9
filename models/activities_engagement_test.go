package models_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestListEngagement(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	now := time.Now().Truncate(time.Second)
	o.happened(models.EmailSent, 1, rita, now)
	mine := o.happened(models.EmailOpened, 1, "otto@example.com", now.Add(-3*time.Minute))
	both := o.happened(models.EmailReplied, 1, rita, now.Add(-2*time.Minute))
	emailed := o.happened(models.EmailClicked, 2, rita, now.Add(-1*time.Minute))
	o.happened(models.EmailClicked, 2, "otto@example.com", now)
	o.happened(models.EmailBounced, 1, rita, now)
	o.happened(models.EmailOpened, 1, rita, now.AddDate(0, 0, -20))
	o.person(3, ritaID)
	o.happened(models.EmailOpened, 3, "otto@example.com", now)
	o.exec(`UPDATE people SET archived_at = now(), archive_reason = 'deleted' WHERE id = 3`)
	ids := func(owner string, limit int) []uuid.UUID {
		rows, err := models.ListEngagement(t.Context(), o.db.Gorm, models.EngagementQuery{RepEmail: rita, OwnerID: owner, Since: now.AddDate(0, 0, -14), Limit: limit})
		require.NoError(t, err)
		var ids []uuid.UUID
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		return ids
	}
	require.Equal(t, []uuid.UUID{emailed, both, mine}, ids(ritaID, 20), "of the people and of the emails, each once")
	require.Equal(t, []uuid.UUID{emailed, both}, ids("", 20), "without a user in Salesforce only of the emails")
	require.Equal(t, []uuid.UUID{emailed}, ids(ritaID, 1))
}

func TestListEngagementFindsTheFewAmongTheMany(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	now := time.Now().Truncate(time.Second)
	o.exec(`INSERT INTO activities (id, token_id, key, kind, occurred_at, person_id, rep_email)
		SELECT gen_random_uuid(), 1, 'many-' || i, 'email_opened', $1::timestamptz - i * interval '1 second', 2, 'otto@example.com' FROM generate_series(1, 12000) i`, now)
	rare := o.happened(models.EmailReplied, 1, "otto@example.com", now.AddDate(0, 0, -2))
	rows, err := models.ListEngagement(t.Context(), o.db.Gorm, models.EngagementQuery{RepEmail: rita, OwnerID: ritaID, Since: now.AddDate(0, 0, -14), Limit: 20})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, rare, rows[0].ID)
}

func TestCountByDay(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	auckland, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	// The clocks go back on the second of these days, which has 25 hours.
	begin := time.Date(2026, 4, 4, 0, 0, 0, 0, auckland)
	days := []time.Time{begin, begin.AddDate(0, 0, 1), begin.AddDate(0, 0, 2)}
	o.happened(models.EmailSent, 1, rita, begin.Add(-time.Second))
	o.happened(models.EmailSent, 1, rita, begin)
	o.happened(models.CallReceived, 1, rita, days[1].Add(-time.Second))
	o.happened(models.EmailOpened, 1, rita, days[1])
	o.happened(models.EmailReplied, 1, rita, days[1].Add(24*time.Hour+30*time.Minute))
	o.happened(models.EmailReplied, 1, rita, days[2])
	o.happened(models.EmailSent, 1, "otto@example.com", days[1])
	counts, err := models.CountByDay(t.Context(), o.db.Gorm, rita, days)
	require.NoError(t, err)
	require.Equal(t, []models.DayCount{{Sent: 1, Calls: 1}, {Engaged: 2}}, counts)
}
