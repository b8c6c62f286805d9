package models

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"gorm.io/gorm"
)

// UnsubscribeQuery says which unsubscribes; the newest come first. Empty means all
// that hold.
type UnsubscribeQuery struct {
	PersonID int64
	Source   UnsubscribeSource
	Stuck    bool // that could not be pushed to Salesforce, or not yet
	Cleared  bool // those that were undone too
	Since    time.Time
	Cursor   string
	Limit    int // default 50, most 500
}

// UnsubscribePage is one page of a list.
type UnsubscribePage struct {
	Unsubscribes []Unsubscribe
	Next         string // empty on the last page
}

// ListUnsubscribes returns a page of unsubscribes. Errors: ErrBadCursor.
func ListUnsubscribes(ctx context.Context, db *gorm.DB, q UnsubscribeQuery) (UnsubscribePage, error) {
	limit := min(cmp.Or(max(q.Limit, 0), 50), 500)
	args := map[string]any{"person": q.PersonID, "source": q.Source, "since": q.Since, "limit": limit + 1}
	var where []string
	for _, c := range []struct {
		wanted    bool
		condition string
	}{
		{q.PersonID != 0, "u.person_id = @person"}, {q.Source != "", "u.source = @source"}, {!q.Cleared, "u.cleared_at IS NULL"},
		{!q.Since.IsZero(), "u.at >= @since"},
		{q.Stuck, "u.id IN (SELECT s.unsubscribe_id FROM deliveries s WHERE s.unsubscribe_id IS NOT NULL AND s.state IN ('pending', 'sending', 'failed'))"},
	} {
		if c.wanted {
			where = append(where, c.condition)
		}
	}
	if q.Cursor != "" {
		before, err := strconv.ParseInt(q.Cursor, 10, 64)
		if err != nil || before <= 0 {
			return UnsubscribePage{}, ErrBadCursor
		}
		args["before"] = before
		where = append(where, "u.id < @before")
	}
	var rows []unsubscribeRow
	err := db.WithContext(ctx).Raw(`SELECT `+unsubscribeColumns+` FROM unsubscribes u`+unsubscribeJoins+` WHERE true`+and(where)+`
		ORDER BY u.id DESC LIMIT @limit`, args).Scan(&rows).Error
	if err != nil {
		return UnsubscribePage{}, translate(err, "list unsubscribes")
	}
	page := UnsubscribePage{Unsubscribes: unsubscribesOf(rows[:min(len(rows), limit)])}
	if len(rows) > limit {
		page.Next = strconv.FormatInt(rows[limit-1].ID, 10)
	}
	return page, nil
}

// UnsubscribeRun is one comparison of both sides.
type UnsubscribeRun struct {
	ID         int64
	StartedBy  string
	StartedAt  time.Time
	FinishedAt *time.Time
	Outcome    *RunOutcome
	Error      *string
	Remedy     *string
	Read       int64 // opted-out records in Salesforce
	Taken      int64 // those that were new here
	Pushed     int64 // unsubscribes that Salesforce did not have, and that were queued
}

// RecentUnsubscribeRuns returns the last runs, newest first.
func RecentUnsubscribeRuns(ctx context.Context, db *gorm.DB, limit int) ([]UnsubscribeRun, error) {
	var runs []UnsubscribeRun
	err := db.WithContext(ctx).Raw(`SELECT * FROM unsubscribe_runs ORDER BY started_at DESC LIMIT ?`, limit).Scan(&runs).Error
	return runs, translate(err, "list the runs of unsubscribes")
}

// UnsubscribeCounts is how many unsubscribes hold, and how far Salesforce knows.
type UnsubscribeCounts struct {
	Here       int64 // collected here
	Salesforce int64 // known from there
	Waiting    int64 // on their way there
	Failed     int64
	NoRecord   int64 // their person has no record there
	NoPerson   int64 // nobody here yet
}

// CountUnsubscribes counts them.
func CountUnsubscribes(ctx context.Context, db *gorm.DB) (UnsubscribeCounts, error) {
	var n UnsubscribeCounts
	err := db.WithContext(ctx).Raw(`
		SELECT (SELECT count(*) FROM unsubscribes WHERE cleared_at IS NULL AND source <> 'salesforce') AS here,
			(SELECT count(*) FROM unsubscribes WHERE cleared_at IS NULL AND source = 'salesforce') AS salesforce,
			count(*) FILTER (WHERE hold IS NULL AND state <> 'failed') AS waiting, count(*) FILTER (WHERE state = 'failed') AS failed,
			count(*) FILTER (WHERE hold = 'record') AS no_record, count(*) FILTER (WHERE hold = 'person') AS no_person
		FROM deliveries WHERE unsubscribe_id IS NOT NULL AND state IN ('pending', 'sending', 'failed')`).Scan(&n).Error
	return n, translate(err, "count unsubscribes")
}
