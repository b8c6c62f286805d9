package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// DueTasks are the open tasks of a rep that are due soon, or were.
type DueTasks struct {
	Overdue, Today, Tomorrow TaskShare
}

// TaskShare are the first tasks of a part, and how many it has.
type TaskShare struct {
	Tasks []Task
	Total int64
}

// ListDueTasks returns the first tasks of each part, as they are on a day: by day,
// urgent ones first. Each part has a limit of its own, so that many overdue tasks do
// not hide today's.
func ListDueTasks(ctx context.Context, db *gorm.DB, rep string, today time.Time, limit int) (DueTasks, error) {
	var rows []struct {
		Row   taskRow `gorm:"embedded"`
		Part  string
		Total int64
	}
	err := db.WithContext(ctx).Raw(`SELECT `+taskColumns+`, due.part, due.total FROM (
			SELECT id, part, count(*) OVER (PARTITION BY part) AS total,
				row_number() OVER (PARTITION BY part ORDER BY due_on, priority <> 'high', id) AS place
			FROM (SELECT id, due_on, priority,
					CASE WHEN due_on < @today THEN 'overdue' WHEN due_on = @today THEN 'today' ELSE 'tomorrow' END AS part
				FROM tasks WHERE rep_email = @rep AND status = 'open' AND deleted_at IS NULL
					AND coalesce(due_on, 'infinity') <= @tomorrow) soon) due
		JOIN tasks t ON t.id = due.id`+taskJoins+`
		WHERE due.place <= @limit ORDER BY due.part, due.place`,
		map[string]any{"rep": NormalEmail(rep), "today": today.Format(time.DateOnly), "tomorrow": today.AddDate(0, 0, 1).Format(time.DateOnly), "limit": limit}).Scan(&rows).Error
	if err != nil {
		return DueTasks{}, translate(err, "list due tasks")
	}
	var due DueTasks
	parts := map[string]*TaskShare{"overdue": &due.Overdue, "today": &due.Today, "tomorrow": &due.Tomorrow}
	for _, row := range rows {
		part := parts[row.Part]
		part.Tasks, part.Total = append(part.Tasks, row.Row.task()), row.Total
	}
	return due, nil
}
