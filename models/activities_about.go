package models

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// PeopleNames returns how people are called, archived ones too, by their ids.
func PeopleNames(ctx context.Context, db *gorm.DB, ids []int64) (map[int64]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var people []Person
	err := db.WithContext(ctx).Select("id, first_name, last_name, email").Where("id IN ?", ids).Find(&people).Error
	if err != nil {
		return nil, translate(err, "read the names of people")
	}
	names := make(map[int64]string, len(people))
	for _, p := range people {
		names[p.ID] = p.Name()
	}
	return names, nil
}

// EmailSubjects returns the subjects of emails, those that have one.
func EmailSubjects(ctx context.Context, db *gorm.DB, emails []uuid.UUID) (map[uuid.UUID]string, error) {
	if len(emails) == 0 {
		return nil, nil
	}
	var rows []struct {
		ID      uuid.UUID
		Subject string
	}
	err := db.WithContext(ctx).Raw(`SELECT id, attributes->>'subject' AS subject FROM activities
		WHERE id IN ? AND attributes->>'subject' IS NOT NULL`, emails).Scan(&rows).Error
	if err != nil {
		return nil, translate(err, "read the subjects of emails")
	}
	subjects := make(map[uuid.UUID]string, len(rows))
	for _, row := range rows {
		subjects[row.ID] = row.Subject
	}
	return subjects, nil
}

// Engagement is how often one thing happened to an email.
type Engagement struct {
	EmailID uuid.UUID
	Kind    ActivityKind
	Times   int64
	Last    time.Time
	Failed  int64 // of Times: those that a destination did not take
}

// EngagementOf returns what happened to emails, each kind once, the newest last.
func EngagementOf(ctx context.Context, db *gorm.DB, emails []uuid.UUID) (map[uuid.UUID][]Engagement, error) {
	if len(emails) == 0 {
		return nil, nil
	}
	var rows []Engagement
	err := db.WithContext(ctx).Raw(`
		SELECT a.email_id, a.kind, count(*) AS times, max(a.occurred_at) AS last,
			count(*) FILTER (WHERE EXISTS (SELECT FROM deliveries d WHERE d.activity_id = a.id AND d.state = 'failed')) AS failed
		FROM activities a WHERE a.email_id IN ? GROUP BY 1, 2 ORDER BY last`, emails).Scan(&rows).Error
	if err != nil {
		return nil, translate(err, "count what happened to emails")
	}
	of := make(map[uuid.UUID][]Engagement, len(emails))
	for _, row := range rows {
		of[row.EmailID] = append(of[row.EmailID], row)
	}
	return of, nil
}

// EmailStory returns an email with what happened to it, oldest first and at most
// limit of them.
func EmailStory(ctx context.Context, db *gorm.DB, email uuid.UUID, limit int) ([]Activity, error) {
	var story []Activity
	err := db.WithContext(ctx).Raw(`SELECT `+activityColumns+` FROM activities a
		WHERE a.id = @email OR a.email_id = @email ORDER BY a.email_id IS NOT NULL, a.occurred_at, a.id LIMIT @limit`,
		map[string]any{"email": email, "limit": limit}).Scan(&story).Error
	return story, translate(err, "read what happened to an email")
}
