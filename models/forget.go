package models

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
)

// ForgetSessions removes the sessions that ended before a time.
func ForgetSessions(ctx context.Context, db *gorm.DB, before time.Time) error {
	err := db.WithContext(ctx).Exec(`DELETE FROM sessions WHERE expires_at < ?`, before).Error
	return translate(err, "forget sessions")
}

// ForgetSigninFailures removes the failed sign-ins that happened before a time.
func ForgetSigninFailures(ctx context.Context, db *gorm.DB, before time.Time) error {
	err := db.WithContext(ctx).Exec(`DELETE FROM signin_failures WHERE at < ?`, before).Error
	return translate(err, "forget failed sign-ins")
}

// ForgetInvitations removes the invitations that ended before a time.
func ForgetInvitations(ctx context.Context, db *gorm.DB, before time.Time) error {
	err := db.WithContext(ctx).Exec(`DELETE FROM invitations WHERE expires_at < ?`, before).Error
	return translate(err, "forget invitations")
}

// ForgetLeases removes the leases that ended before a time. Give one that is well in the
// past: a lease goes by the time of the database.
func ForgetLeases(ctx context.Context, pool *pgxpool.Pool, before time.Time) error {
	if _, err := pool.Exec(ctx, `DELETE FROM leases WHERE expires_at < $1`, before); err != nil {
		return fmt.Errorf("forget leases: %w", err)
	}
	return nil
}
