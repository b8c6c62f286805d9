package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Colleagues returns the ids of the other people of an account who are in the
// workspace, at most limit of them, and their names by id.
func Colleagues(ctx context.Context, db *gorm.DB, account string, except int64, limit int) ([]int64, map[int64]string, error) {
	var people []Person
	err := db.WithContext(ctx).Raw(`SELECT id, first_name, last_name, email FROM people
		WHERE salesforce_account_id = ? AND archived_at IS NULL AND id <> ? ORDER BY id LIMIT ?`, account, except, limit).Scan(&people).Error
	ids, names := make([]int64, len(people)), make(map[int64]string, len(people))
	for i, p := range people {
		ids[i], names[p.ID] = p.ID, p.Name()
	}
	return ids, names, translate(err, "list an account's people")
}

// RecentActivities returns what was recorded about people since a time, newest first,
// at most limit of it.
func RecentActivities(ctx context.Context, db *gorm.DB, people []int64, since time.Time, limit int) ([]Activity, error) {
	var activities []Activity
	err := db.WithContext(ctx).Raw(`SELECT * FROM activities WHERE person_id IN ? AND occurred_at >= ?
		ORDER BY occurred_at DESC, id DESC LIMIT ?`, people, since, limit).Scan(&activities).Error
	return activities, translate(err, "list recent activities")
}
