package models

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// ActivityQuery says which activities; the newest come first. Empty means all.
type ActivityQuery struct {
	Kind        ActivityKind
	PersonID    int64  // and all who were merged into this person
	RepEmail    string // in small letters
	State       DeliveryState
	Destination Destination // narrows State
	Since       time.Time   // occurred then or later
	Before      time.Time   // occurred before
	Waiting     bool        // whose person is not in the workspace (yet)
	Loose       bool        // without what happened to an email that is recorded here

	Cursor string // from ActivityPage, empty for the first page
	Limit  int    // default 50, most 500
}

// ActivityPage is one page of a list.
type ActivityPage struct {
	Activities []Activity
	Next       string // empty on the last page
}

// ListActivities returns a page of activities by when they occurred.
// Errors: ErrBadCursor.
func ListActivities(ctx context.Context, db *gorm.DB, q ActivityQuery) (ActivityPage, error) {
	q.Limit = min(cmp.Or(max(q.Limit, 0), 50), 500)
	where, args, err := q.conditions()
	if err != nil {
		return ActivityPage{}, err
	}
	args["limit"] = q.Limit + 1
	byDeliveries, err := q.byDeliveries(ctx, db, args)
	if err != nil {
		return ActivityPage{}, err
	}
	statement := q.ofActivities(where)
	if byDeliveries {
		statement = q.ofDeliveries(slices.DeleteFunc(slices.Clone(where), func(c string) bool { return c == ofKind })) // the deliveries have it
	}
	var rows []Activity
	if err := db.WithContext(ctx).Raw(statement, args).Scan(&rows).Error; err != nil {
		return ActivityPage{}, translate(err, "list activities")
	}
	page := ActivityPage{Activities: rows}
	if len(rows) > q.Limit {
		page.Activities = rows[:q.Limit]
		last := page.Activities[q.Limit-1]
		page.Next = activityCursor{last.OccurredAt, last.ID}.String()
	}
	return page, nil
}

// fewDeliveries is how many deliveries may be looked through for a page.
const fewDeliveries = 1000

// byDeliveries says whether to find a page by the order of deliveries instead of by that
// of activities. The index of deliveries has their state, kind and time; with other
// conditions it is walked only where few are in the state. Else many are, and a page of
// the activities that fulfil the conditions is soon full of them.
func (q ActivityQuery) byDeliveries(ctx context.Context, db *gorm.DB, args map[string]any) (bool, error) {
	if q.State == "" || q.PersonID != 0 { // one person's are so few that they are walked
		return false, nil
	}
	if q.RepEmail == "" && !q.Waiting && !q.Loose {
		return true, nil
	}
	var found int
	for _, part := range q.partsOfDeliveries() {
		var n int
		err := db.WithContext(ctx).Raw(`SELECT count(*) FROM (SELECT FROM deliveries d WHERE `+part+
			q.within("d.occurred_at", "d.activity_id")+fmt.Sprintf(` LIMIT %d) few`, fewDeliveries), args).Scan(&n).Error
		if err != nil {
			return false, translate(err, "count deliveries")
		}
		if found += n; found >= fewDeliveries {
			return false, nil
		}
	}
	return true, nil
}

// partsOfDeliveries are the conditions of the stretches of the index in which the
// deliveries are, each in the order of time.
func (q ActivityQuery) partsOfDeliveries() []string {
	destinations, kinds := []Destination{ToMarketo, ToSalesforce}, ActivityKinds()
	if q.Destination != "" {
		destinations = []Destination{q.Destination}
	}
	if q.Kind != "" {
		kinds = []ActivityKind{q.Kind}
	}
	var parts []string
	for _, to := range destinations {
		for _, kind := range kinds {
			parts = append(parts, `d.destination = '`+string(to)+`' AND d.state = @state AND d.kind = '`+string(kind)+`'`)
		}
	}
	return parts
}

// ofActivities reads by the order of activities; of a person and those who were merged
// into them, a page of each.
func (q ActivityQuery) ofActivities(where []string) string {
	if q.State != "" {
		of := ""
		if q.Destination != "" {
			of = " AND d.destination = @destination"
		}
		where = append(where, `EXISTS (SELECT FROM deliveries d WHERE d.activity_id = a.id AND d.state = @state`+of+`)`)
	}
	const newest = ` ORDER BY a.occurred_at DESC, a.id DESC LIMIT @limit`
	where = append(where, "true"+q.within("a.occurred_at", "a.id"))
	if q.PersonID == 0 {
		return `SELECT ` + activityColumns + ` FROM activities a WHERE ` + strings.Join(where, " AND ") + newest
	}
	where = append(where, "a.person_id = whole.id")
	return `WITH RECURSIVE ` + mergedInto(`SELECT CAST(@person AS bigint)`) + `
		SELECT ` + activityColumns + ` FROM whole CROSS JOIN LATERAL (
			SELECT * FROM activities a WHERE ` + strings.Join(where, " AND ") + newest + `) a` + newest
}

// ofDeliveries reads by the order of deliveries, a page of each part. An activity may
// have two deliveries to one destination.
func (q ActivityQuery) ofDeliveries(where []string) string {
	activity := ""
	if len(where) > 0 {
		activity = ` AND EXISTS (SELECT FROM activities a WHERE a.id = d.activity_id` + and(where) + `)`
	}
	parts := q.partsOfDeliveries()
	for i, part := range parts {
		parts[i] = `(SELECT DISTINCT d.occurred_at, d.activity_id FROM deliveries d WHERE ` + part + q.within("d.occurred_at", "d.activity_id") + activity + `
				ORDER BY d.occurred_at DESC, d.activity_id DESC LIMIT @limit)`
	}
	return `SELECT ` + activityColumns + ` FROM (SELECT * FROM (` + strings.Join(parts, " UNION ") + `) either
			ORDER BY occurred_at DESC, activity_id DESC LIMIT @limit) found
		JOIN activities a ON a.id = found.activity_id ORDER BY a.occurred_at DESC, a.id DESC`
}

const ofKind = "a.kind = @kind"

// conditions are those on an activity itself.
func (q ActivityQuery) conditions() ([]string, map[string]any, error) {
	var where []string
	args := map[string]any{"kind": q.Kind, "person": q.PersonID, "rep": strings.ToLower(q.RepEmail), "state": q.State,
		"destination": q.Destination, "since": q.Since, "until": q.Before}
	for condition, wanted := range map[string]bool{
		ofKind: q.Kind != "", "a.rep_email = @rep": q.RepEmail != "",
		"a.person_id IS NULL": q.Waiting, "a.email_id IS NULL": q.Loose,
	} {
		if wanted {
			where = append(where, condition)
		}
	}
	slices.Sort(where)
	if q.Cursor != "" {
		c, err := readActivityCursor(q.Cursor)
		if err != nil {
			return nil, nil, err
		}
		args["at"], args["id"] = c.At, c.ID
	}
	return where, args, nil
}

// within limits the time, and goes on after the cursor.
func (q ActivityQuery) within(at, id string) string {
	var b strings.Builder
	if !q.Since.IsZero() {
		b.WriteString(" AND " + at + " >= @since")
	}
	if !q.Before.IsZero() {
		b.WriteString(" AND " + at + " < @until")
	}
	if q.Cursor != "" {
		b.WriteString(" AND (" + at + ", " + id + ") < (@at, @id)")
	}
	return b.String()
}

func and(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " AND " + strings.Join(conditions, " AND ")
}

// activityCursor is a place in the order of activities.
type activityCursor struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

func (c activityCursor) String() string {
	raw, err := json.Marshal(c)
	if err != nil { // a time and an id can always be written
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readActivityCursor(text string) (activityCursor, error) {
	var c activityCursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.At.IsZero() {
		return c, fmt.Errorf("read the cursor of activities: %w", ErrBadCursor)
	}
	return c, nil
}
