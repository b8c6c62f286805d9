package models

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// FailureGroup is all deliveries to one destination that failed for one reason.
type FailureGroup struct {
	Destination Destination
	Code        string
	Class       string
	Remedy      string
	Example     string // what happened to the newest of them
	Deliveries  int64
	People      int64
	First       time.Time
	Last        time.Time
	Retrying    bool // passing errors, which are tried again by themselves
}

// ListFailures returns what failed, grouped by destination and code; what is tried
// again by itself comes last.
func ListFailures(ctx context.Context, db *gorm.DB) ([]FailureGroup, error) {
	var groups []FailureGroup
	err := db.WithContext(ctx).Raw(`
		SELECT d.destination, coalesce(d.error_code, '') AS code, d.state <> 'failed' AS retrying,
			(array_agg(coalesce(d.error_class, 'other') ORDER BY d.updated_at DESC))[1] AS class,
			(array_agg(coalesce(d.error_remedy, '') ORDER BY d.updated_at DESC))[1] AS remedy,
			(array_agg(coalesce(d.error_text, '') ORDER BY d.updated_at DESC))[1] AS example,
			count(*) AS deliveries, count(DISTINCT coalesce(a.person_id, t.person_id, u.person_id)) AS people,
			min(d.updated_at) AS first, max(d.updated_at) AS last
		FROM deliveries d` + subjectJoins + `
		WHERE d.state = 'failed' OR d.state = 'pending' AND d.error_code IS NOT NULL OR d.state = 'sending' AND d.sender IS NULL AND d.error_code IS NOT NULL
		GROUP BY 1, 2, 3 ORDER BY 3, deliveries DESC, 1, 2`).Scan(&groups).Error
	return groups, translate(err, "group what failed")
}

// subjectJoins find what a delivery "d" is about: an activity, a task or an unsubscribe.
const subjectJoins = ` LEFT JOIN activities a ON a.id = d.activity_id LEFT JOIN tasks t ON t.id = d.task_id LEFT JOIN unsubscribes u ON u.id = d.unsubscribe_id`

// FailureQuery says which failed deliveries.
type FailureQuery struct {
	Destination Destination // empty: both
	Code        string      // with Destination
	AnyCode     bool        // Code says nothing
	Cursor      string
	Limit       int // default 50, most 500
}

// FailedDelivery is a failed delivery with whom and what it is about: one of the three
// ids is set.
type FailedDelivery struct {
	ID            int64
	ActivityID    *uuid.UUID
	TaskID        *uuid.UUID
	UnsubscribeID *int64
	Destination   Destination
	Operation     Operation
	Kind          ActivityKind // of an activity
	OccurredAt    time.Time
	PersonID      *int64
	PersonName    string
	RepEmail      string
	ErrorCode     string
	ErrorClass    string
	ErrorText     string
	ErrorRemedy   string
	Attempts      int
	UpdatedAt     time.Time
}

// Subject is what the delivery is about, in words.
func (d FailedDelivery) Subject() string {
	switch {
	case d.TaskID != nil:
		return "Reminder task"
	case d.UnsubscribeID != nil:
		return "Opt-out"
	default:
		return d.Kind.Name()
	}
}

// FailurePage is one page of failed deliveries, newest first.
type FailurePage struct {
	Deliveries []FailedDelivery
	Next       string
}

// ListFailedDeliveries returns a page of failed deliveries. Errors: ErrBadCursor.
func ListFailedDeliveries(ctx context.Context, db *gorm.DB, q FailureQuery) (FailurePage, error) {
	limit := min(cmp.Or(max(q.Limit, 0), 50), 500)
	args := map[string]any{"destination": q.Destination, "code": q.Code, "limit": limit + 1}
	where := ""
	if q.Destination != "" {
		where += " AND d.destination = @destination"
	}
	if !q.AnyCode {
		where += " AND coalesce(d.error_code, '') = @code"
	}
	if q.Cursor != "" {
		before, err := strconv.ParseInt(q.Cursor, 10, 64)
		if err != nil || before <= 0 {
			return FailurePage{}, ErrBadCursor
		}
		args["before"] = before
		where += " AND d.id < @before"
	}
	var rows []struct {
		FailedDelivery `gorm:"embedded"`
		FirstName      *string
		LastName       *string
		Email          *string
	}
	err := db.WithContext(ctx).Raw(`
		SELECT d.id, d.activity_id, d.task_id, d.unsubscribe_id, d.destination, d.operation, coalesce(a.kind, '') AS kind, d.occurred_at,
			coalesce(a.person_id, t.person_id, u.person_id) AS person_id, coalesce(a.rep_email, t.rep_email, '') AS rep_email, coalesce(d.error_code, '') AS error_code, coalesce(d.error_class, '') AS error_class,
			coalesce(d.error_text, '') AS error_text, coalesce(d.error_remedy, '') AS error_remedy, d.attempts, d.updated_at,
			p.first_name, p.last_name, coalesce(p.email, a.person_email, u.person_email) AS email
		FROM (SELECT * FROM deliveries d WHERE d.state = 'failed'`+where+` ORDER BY d.id DESC LIMIT @limit) d`+subjectJoins+`
		LEFT JOIN people p ON p.id = coalesce(a.person_id, t.person_id, u.person_id) ORDER BY d.id DESC`, args).Scan(&rows).Error
	if err != nil {
		return FailurePage{}, translate(err, "list what failed")
	}
	var page FailurePage
	for _, row := range rows[:min(len(rows), limit)] {
		row.PersonName = Person{FirstName: row.FirstName, LastName: row.LastName, Email: row.Email}.Name()
		page.Deliveries = append(page.Deliveries, row.FailedDelivery)
	}
	if len(rows) > limit {
		page.Next = strconv.FormatInt(page.Deliveries[limit-1].ID, 10)
	}
	return page, nil
}

// DeliveryCounts is how many deliveries of a destination are on their way.
type DeliveryCounts struct {
	Destination Destination
	Pending     int64 // wait for their turn or their next try
	Held        int64 // wait for their person, their record or their email
	Sending     int64
	Unknown     int64 // of Sending: the outcome is being looked for
	Failed      int64
	OldestDue   *time.Time // since when the oldest of Pending could be sent
}

// CountDeliveries returns the counts of both destinations, from the indexes of the
// rows that are not done.
func CountDeliveries(ctx context.Context, db *gorm.DB) ([]DeliveryCounts, error) {
	var counts []DeliveryCounts
	err := db.WithContext(ctx).Raw(`
		SELECT x.name AS destination,
			(SELECT count(*) FROM deliveries d WHERE d.destination = x.name AND d.state = 'pending' AND d.hold IS NULL) AS pending,
			(SELECT count(*) FROM deliveries d WHERE d.destination = x.name AND d.hold IS NOT NULL) AS held,
			(SELECT count(*) FROM deliveries d WHERE d.destination = x.name AND d.state = 'sending') AS sending,
			(SELECT count(*) FROM deliveries d WHERE d.destination = x.name AND d.state = 'sending' AND d.sender IS NULL) AS unknown,
			(SELECT count(*) FROM deliveries d WHERE d.destination = x.name AND d.state = 'failed') AS failed,
			(SELECT min(d.due_at) FROM deliveries d WHERE d.destination = x.name AND d.state = 'pending' AND d.hold IS NULL) AS oldest_due
		FROM destinations x ORDER BY x.name`).Scan(&counts).Error
	return counts, translate(err, "count deliveries")
}
