package models

import (
	"context"
	"strings"
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

// RecentActivities returns what was recorded about people, and about those who were merged
// into them, since a time, newest first and at most limit of it. All is in the name of the
// people asked for.
func RecentActivities(ctx context.Context, db *gorm.DB, people []int64, since time.Time, limit int) ([]Activity, error) {
	var activities []Activity
	err := db.WithContext(ctx).Raw(`WITH RECURSIVE `+mergedInto(`SELECT id FROM people WHERE id IN @people`)+`
		SELECT `+strings.Replace(activityColumns, "a.person_id", "whole.person AS person_id", 1)+`
		FROM (SELECT DISTINCT ON (id) id, person FROM whole ORDER BY id, person <> id) whole CROSS JOIN LATERAL (
			SELECT * FROM activities WHERE person_id = whole.id AND occurred_at >= @since ORDER BY occurred_at DESC, id DESC LIMIT @limit) a
		ORDER BY a.occurred_at DESC, a.id DESC LIMIT @limit`,
		map[string]any{"people": people, "since": since, "limit": limit}).Scan(&activities).Error
	return activities, translate(err, "list recent activities")
}
