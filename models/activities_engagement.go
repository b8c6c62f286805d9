package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// What people do with emails, as SQL; a bounce is none of theirs.
const engaged = `('email_opened', 'email_clicked', 'email_replied')`

// EngagementQuery says whose people.
type EngagementQuery struct {
	RepEmail string // whose emails, too
	OwnerID  string // the rep's user in Salesforce; empty: owns nobody
	Since    time.Time
	Limit    int
}

const (
	// walkActivities is how many of the newest activities are looked at for those of
	// an owner. Who is not found among so many has few, so that looking up the
	// owner's people one by one is soon done.
	walkActivities = 5_000
	// ownedPeople is how many people are looked up at most.
	ownedPeople = 10_000
)

// ListEngagement returns the opens, clicks and replies of a rep's emails and of the
// people whom the rep owns, with those who were merged into them, the newest first.
func ListEngagement(ctx context.Context, db *gorm.DB, q EngagementQuery) ([]Activity, error) {
	walk := walkActivities
	if q.OwnerID == "" {
		walk = 0
	}
	var rows []Activity
	err := db.WithContext(ctx).Raw(`
		WITH RECURSIVE recent AS MATERIALIZED (
			SELECT id, kind, occurred_at, person_id FROM activities
			WHERE occurred_at >= @since ORDER BY occurred_at DESC, id DESC LIMIT @walk),
		walked AS MATERIALIZED (
			SELECT r.id FROM recent r JOIN people named ON named.id = r.person_id
			LEFT JOIN people winner ON winner.id = CASE WHEN named.merged_into IS NOT NULL THEN person_now(named.id) END
			WHERE r.kind IN `+engaged+` AND CASE WHEN named.merged_into IS NULL
				THEN named.owner_id = @owner AND named.archived_at IS NULL ELSE winner.owner_id = @owner AND winner.archived_at IS NULL END
			ORDER BY r.occurred_at DESC, r.id DESC LIMIT @limit),
		`+mergedInto(`SELECT id FROM people WHERE owner_id = @owner AND archived_at IS NULL LIMIT @people`)+`,
		looked_up AS MATERIALIZED (
			SELECT a.id FROM whole p
			CROSS JOIN LATERAL (
				SELECT id, occurred_at FROM activities
				WHERE person_id = p.id AND occurred_at >= @since AND kind IN `+engaged+`
				ORDER BY occurred_at DESC, id DESC LIMIT @limit) a
			WHERE (SELECT count(*) FROM recent) = @walk AND (SELECT count(*) FROM walked) < @limit
			ORDER BY a.occurred_at DESC, a.id DESC LIMIT @limit),
		emailed AS MATERIALIZED (
			SELECT id FROM activities WHERE rep_email = @rep AND occurred_at >= @since AND kind IN `+engaged+`
			ORDER BY occurred_at DESC, id DESC LIMIT @limit)
		SELECT `+activityColumns+` FROM activities a
		WHERE a.id IN (SELECT id FROM walked UNION SELECT id FROM looked_up UNION SELECT id FROM emailed)
		ORDER BY a.occurred_at DESC, a.id DESC LIMIT @limit`,
		map[string]any{"rep": NormalEmail(q.RepEmail), "owner": q.OwnerID, "since": q.Since, "limit": q.Limit,
			"walk": walk, "people": ownedPeople}).Scan(&rows).Error
	return rows, translate(err, "list engagement")
}

// DayCount is what a rep did on a day, and what happened to the rep's emails.
type DayCount struct {
	Sent, Calls, Engaged int64
}

// CountByDay counts a rep's activities of each day. The days are where they begin, and
// where the last ends: only the caller knows the zone.
func CountByDay(ctx context.Context, db *gorm.DB, rep string, days []time.Time) ([]DayCount, error) {
	begins := make(textArray, len(days))
	for i, day := range days {
		begins[i] = day.UTC().Format(time.RFC3339)
	}
	var rows []struct {
		DayCount `gorm:"embedded"`
		Day      int // from 1 on
	}
	err := db.WithContext(ctx).Raw(`
		SELECT width_bucket(occurred_at, CAST(@begins AS timestamptz[])) AS day, count(*) FILTER (WHERE kind = 'email_sent') AS sent,
			count(*) FILTER (WHERE kind = 'call_received') AS calls, count(*) FILTER (WHERE kind IN `+engaged+`) AS engaged
		FROM activities WHERE rep_email = @rep AND occurred_at >= @since AND occurred_at < @until GROUP BY 1`,
		map[string]any{"begins": begins, "rep": NormalEmail(rep), "since": days[0], "until": days[len(days)-1]}).Scan(&rows).Error
	if err != nil {
		return nil, translate(err, "count activities by day")
	}
	counts := make([]DayCount, len(days)-1)
	for _, row := range rows {
		counts[row.Day-1] = row.DayCount
	}
	return counts, nil
}
