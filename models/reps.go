package models

import (
	"context"

	"gorm.io/gorm"
)

// SalesforceUserOf returns the user in Salesforce of a rep, as people name their
// owner; empty where none is known.
func SalesforceUserOf(ctx context.Context, db *gorm.DB, email string) (string, error) {
	var users []string
	err := db.WithContext(ctx).Raw(`SELECT user_id FROM salesforce_reps WHERE email = ? AND user_id IS NOT NULL`, NormalEmail(email)).Scan(&users).Error
	if err != nil || len(users) == 0 {
		return "", translate(err, "find a rep's user in Salesforce")
	}
	return NormalSalesforceID(users[0]), nil
}
