package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Pause is why nothing is sent to a destination at present.
type Pause struct {
	Destination Destination `gorm:"column:name"`
	Class       string      `gorm:"column:paused_class"` // of package failure
	Code        string      `gorm:"column:paused_code"`
	Text        string      `gorm:"column:paused_text"`
	Remedy      string      `gorm:"column:paused_remedy"`
	Since       time.Time   `gorm:"column:paused_since"`
	RetryAt     *time.Time  // when it is tried again by itself
}

// Passing says that it ends by itself: others end when somebody acts, though it is
// looked every now and then whether somebody did.
func (p Pause) Passing() bool { return p.Class == "intermittent" || p.Class == "limit" }

// ListPauses returns the destinations to which nothing is sent, with the reason.
func ListPauses(ctx context.Context, db *gorm.DB) ([]Pause, error) {
	var pauses []Pause
	err := db.WithContext(ctx).Raw(`SELECT name, paused_class, paused_code, paused_text, paused_remedy, paused_since, retry_at
		FROM destinations WHERE paused_class IS NOT NULL ORDER BY name`).Scan(&pauses).Error
	return pauses, translate(err, "read the pauses")
}
