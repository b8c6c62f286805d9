package models

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Role is what a user may do.
type Role string

// The roles.
const (
	RoleRep   Role = "rep"
	RoleAdmin Role = "admin"
)

// Valid says whether the role is one of the roles.
func (r Role) Valid() bool { return r == RoleRep || r == RoleAdmin }

// User is somebody who may sign in.
type User struct {
	ID            int64
	Email         string // in lower case
	Name          string
	Role          Role
	PasswordHash  *string // nil until the invitation is accepted
	CreatedAt     time.Time
	LastSeenAt    *time.Time
	DeactivatedAt *time.Time
}

// Active says whether the user may sign in.
func (u User) Active() bool { return u.DeactivatedAt == nil }

// Actor is the user's name in runs and in the audit log.
func (u User) Actor() string { return "user:" + u.Email }

// NormalEmail returns an address as users are found by it.
func NormalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// CreateUser adds a user and sets its id. Errors: ErrConflict when the address is taken.
func CreateUser(ctx context.Context, db *gorm.DB, now time.Time, u *User) error {
	u.Email = NormalEmail(u.Email)
	err := db.WithContext(ctx).Raw(`
		INSERT INTO users (email, name, role, password_hash, created_at) VALUES (?, ?, ?, ?, ?) RETURNING *`,
		u.Email, u.Name, u.Role, u.PasswordHash, now).Scan(u).Error
	return translate(err, "create user")
}

// FindUser returns a user by id, or ErrNotFound.
func FindUser(ctx context.Context, db *gorm.DB, id int64) (User, error) {
	var u User
	err := db.WithContext(ctx).Where("id = ?", id).Take(&u).Error
	return u, translate(err, "find user")
}

// FindUserByEmail returns a user by address in any case, or ErrNotFound.
func FindUserByEmail(ctx context.Context, db *gorm.DB, email string) (User, error) {
	var u User
	err := db.WithContext(ctx).Where("lower(email) = ?", NormalEmail(email)).Take(&u).Error
	return u, translate(err, "find user by address")
}

// UserSummary is a user as the list of users shows it.
type UserSummary struct {
	User                `gorm:"embedded"`
	Sessions            int        // that are not expired
	InvitationExpiresAt *time.Time // nil without an open invitation
}

// ListUsers returns the users by name, active ones first, at most limit of them.
func ListUsers(ctx context.Context, db *gorm.DB, now time.Time, limit int) ([]UserSummary, error) {
	var users []UserSummary
	err := db.WithContext(ctx).Raw(`
		SELECT u.id, u.email, u.name, u.role, u.password_hash, u.created_at, u.last_seen_at, u.deactivated_at,
			i.expires_at AS invitation_expires_at,
			(SELECT count(*) FROM sessions s WHERE s.user_id = u.id AND s.expires_at > @now) AS sessions
		FROM users u LEFT JOIN invitations i ON i.user_id = u.id AND i.expires_at > @now
		ORDER BY u.deactivated_at IS NOT NULL, lower(u.name), u.id LIMIT @limit`,
		map[string]any{"now": now, "limit": limit}).Scan(&users).Error
	return users, translate(err, "list users")
}

// SetRole changes what a user may do. Errors: ErrNotFound, ErrLastAdmin.
func SetRole(ctx context.Context, db *gorm.DB, id int64, role Role) error {
	return Tx(ctx, db, func(tx *gorm.DB) error {
		if role != RoleAdmin {
			if err := keepAnAdmin(tx, id); err != nil {
				return fmt.Errorf("change a role: %w", err)
			}
		}
		return changeUser(tx, id, map[string]any{"role": role}, "change a role")
	})
}

// Deactivate ends a user's access at once: the sessions and an open invitation go
// in the same transaction. Errors: ErrNotFound, ErrLastAdmin.
func Deactivate(ctx context.Context, db *gorm.DB, id int64, at time.Time) error {
	return Tx(ctx, db, func(tx *gorm.DB) error {
		if err := keepAnAdmin(tx, id); err != nil {
			return fmt.Errorf("deactivate a user: %w", err)
		}
		if err := changeUser(tx, id, map[string]any{"deactivated_at": at}, "deactivate a user"); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM invitations WHERE user_id = ?", id).Error; err != nil {
			return translate(err, "end invitations")
		}
		return RevokeSessions(ctx, tx, id, nil)
	})
}

// Activate lets a deactivated user sign in again. Errors: ErrNotFound.
func Activate(ctx context.Context, db *gorm.DB, id int64) error {
	return changeUser(db.WithContext(ctx), id, map[string]any{"deactivated_at": nil}, "activate a user")
}

// SetPassword stores the hash of a new password and ends all sessions of the user
// but the one with the given hash. Errors: ErrNotFound.
func SetPassword(ctx context.Context, db *gorm.DB, id int64, hash string, keepSession []byte) error {
	return Tx(ctx, db, func(tx *gorm.DB) error {
		if err := changeUser(tx, id, map[string]any{"password_hash": hash}, "set a password"); err != nil {
			return err
		}
		return RevokeSessions(ctx, tx, id, keepSession)
	})
}

// keepAnAdmin locks the admins who can sign in, so that two of them cannot remove
// each other at the same moment, and refuses to lose the last one.
func keepAnAdmin(tx *gorm.DB, losing int64) error {
	var admins []int64
	err := tx.Raw(`
		SELECT id FROM users WHERE role = 'admin' AND deactivated_at IS NULL AND password_hash IS NOT NULL
		ORDER BY id FOR UPDATE`).Scan(&admins).Error
	if err != nil {
		return translate(err, "lock the admins")
	}
	if len(admins) == 1 && slices.Contains(admins, losing) {
		return ErrLastAdmin
	}
	return nil
}

func changeUser(db *gorm.DB, id int64, changes map[string]any, doing string) error {
	changed := db.Model(&User{}).Where("id = ?", id).Updates(changes)
	if changed.Error == nil && changed.RowsAffected == 0 {
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	}
	return translate(changed.Error, doing)
}
