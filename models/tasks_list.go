package models

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// TaskOrder is how tasks are listed.
type TaskOrder string

// The orders.
const (
	TasksByDue  TaskOrder = "due"  // open ones, the first due first, those without a date last
	TasksByDone TaskOrder = "done" // complete ones, the last completed first
	TasksByID   TaskOrder = "id"   // all that fit, the oldest first
)

// TaskQuery says which tasks. Empty means all that are not deleted.
type TaskQuery struct {
	Order        TaskOrder // required
	Status       TaskStatus
	Kind         TaskKind
	RepEmail     string // in small letters
	PersonID     int64
	DueBefore    *time.Time // due on an earlier day
	UpdatedSince time.Time
	Cursor       string // from TaskPage, empty for the first page
	Limit        int    // default 50, most 500
}

// TaskPage is one page of a list.
type TaskPage struct {
	Tasks []Task
	Next  string // empty on the last page
}

// ListTasks returns a page of tasks. Errors: ErrBadCursor.
func ListTasks(ctx context.Context, db *gorm.DB, q TaskQuery) (TaskPage, error) {
	q.Limit = min(cmp.Or(max(q.Limit, 0), 50), 500)
	where, args, err := q.conditions()
	if err != nil {
		return TaskPage{}, err
	}
	args["limit"] = q.Limit + 1
	var rows []taskRow
	err = db.WithContext(ctx).Raw(`SELECT `+taskColumns+` FROM tasks t`+taskJoins+` WHERE t.deleted_at IS NULL`+and(where)+
		` ORDER BY `+q.order()+` LIMIT @limit`, args).Scan(&rows).Error
	if err != nil {
		return TaskPage{}, translate(err, "list tasks")
	}
	var page TaskPage
	for _, row := range rows[:min(len(rows), q.Limit)] {
		page.Tasks = append(page.Tasks, row.task())
	}
	if len(rows) > q.Limit {
		page.Next = cursorAfter(q.Order, page.Tasks[q.Limit-1]).String()
	}
	return page, nil
}

func (q TaskQuery) order() string {
	switch q.Order {
	case TasksByDone:
		return "t.completed_at DESC, t.id DESC"
	case TasksByDue:
		return "coalesce(t.due_on, 'infinity'), t.id"
	default:
		return "t.id"
	}
}

func (q TaskQuery) conditions() ([]string, map[string]any, error) {
	var where []string
	args := map[string]any{"status": q.Status, "kind": q.Kind, "rep": strings.ToLower(q.RepEmail), "person": q.PersonID,
		"before": q.DueBefore, "since": q.UpdatedSince}
	for _, c := range []struct {
		wanted    bool
		condition string
	}{
		{q.Order == TasksByDue, "t.status = 'open'"}, {q.Order == TasksByDone, "t.status = 'complete'"},
		{q.Status != "", "t.status = @status"}, {q.Kind != "", "t.kind = @kind"}, {q.RepEmail != "", "t.rep_email = @rep"},
		{q.PersonID != 0, "t.person_id = @person"}, {q.DueBefore != nil, "t.due_on < @before"},
		{!q.UpdatedSince.IsZero(), "t.updated_at >= @since"},
	} {
		if c.wanted {
			where = append(where, c.condition)
		}
	}
	if q.Cursor == "" {
		return where, args, nil
	}
	c, err := readTaskCursor(q.Order, q.Cursor)
	if err != nil {
		return nil, nil, err
	}
	args["at"], args["id"] = c.At, c.ID
	switch q.Order {
	case TasksByDone:
		where = append(where, "(t.completed_at, t.id) < (CAST(@at AS timestamptz), @id)")
	case TasksByDue:
		where = append(where, "(coalesce(t.due_on, 'infinity'), t.id) > (CAST(@at AS date), @id)")
	default:
		where = append(where, "t.id > @id")
	}
	return where, args, nil
}

// taskCursor is a place in an order of tasks.
type taskCursor struct {
	Order TaskOrder `json:"o"`
	At    string    `json:"at,omitempty"` // a day, "infinity", or a time
	ID    uuid.UUID `json:"id"`
}

func cursorAfter(order TaskOrder, last Task) taskCursor {
	c := taskCursor{Order: order, ID: last.ID}
	switch {
	case order == TasksByDone && last.CompletedAt != nil:
		c.At = last.CompletedAt.UTC().Format(time.RFC3339Nano)
	case order == TasksByDue && last.DueOn != nil:
		c.At = last.DueOn.Format(time.DateOnly)
	case order == TasksByDue:
		c.At = "infinity"
	}
	return c
}

func (c taskCursor) String() string {
	raw, err := json.Marshal(c)
	if err != nil { // texts and an id can always be written
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readTaskCursor(order TaskOrder, text string) (taskCursor, error) {
	var c taskCursor
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.Order != order || !c.sound() {
		return c, fmt.Errorf("read the cursor of tasks: %w", ErrBadCursor)
	}
	return c, nil
}

// sound says that the database can compare with it.
func (c taskCursor) sound() bool {
	var err error
	switch {
	case c.Order == TasksByDone:
		_, err = time.Parse(time.RFC3339Nano, c.At)
	case c.Order == TasksByDue && c.At != "infinity":
		_, err = time.Parse(time.DateOnly, c.At)
	}
	return err == nil
}

// TaskCounts is how many open tasks are in which part of the list.
type TaskCounts struct {
	Overdue, Today, Later, Undated int64
}

// CountOpenTasks counts the open tasks of a rep, or of everybody where it is empty,
// as they are on a day.
func CountOpenTasks(ctx context.Context, db *gorm.DB, rep string, today time.Time) (TaskCounts, error) {
	var n TaskCounts
	err := db.WithContext(ctx).Raw(`
		SELECT count(*) FILTER (WHERE due_on < @today) AS overdue, count(*) FILTER (WHERE due_on = @today) AS today,
			count(*) FILTER (WHERE due_on > @today) AS later, count(*) FILTER (WHERE due_on IS NULL) AS undated
		FROM tasks WHERE status = 'open' AND deleted_at IS NULL AND (@rep = '' OR rep_email = @rep)`,
		map[string]any{"today": today.Format(time.DateOnly), "rep": strings.ToLower(rep)}).Scan(&n).Error
	return n, translate(err, "count open tasks")
}
