package models

import (
	"context"
	"database/sql/driver"
	"time"

	"gorm.io/gorm"
)

// Session is one sign-in of a user in one browser. The browser has the id, the
// database only its SHA-256.
type Session struct {
	IDHash     []byte `gorm:"primaryKey"`
	UserID     *int64
	Data       []byte
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
	Address    string
	UserAgent  string
}

// FindSession returns a session that has not expired, with its user when that one
// is active. Errors: ErrNotFound.
func FindSession(ctx context.Context, db *gorm.DB, idHash []byte, now time.Time) (Session, User, error) {
	var found struct {
		Session Session `gorm:"embedded;embeddedPrefix:s_"`
		User    User    `gorm:"embedded;embeddedPrefix:u_"`
	}
	err := db.WithContext(ctx).Raw(`
		SELECT s.id_hash AS s_id_hash, s.user_id AS s_user_id, s.data AS s_data, s.created_at AS s_created_at,
			s.last_seen_at AS s_last_seen_at, s.expires_at AS s_expires_at, s.address AS s_address, s.user_agent AS s_user_agent,
			u.id AS u_id, u.email AS u_email, u.name AS u_name, u.role AS u_role, u.password_hash AS u_password_hash,
			u.created_at AS u_created_at, u.last_seen_at AS u_last_seen_at, u.deactivated_at AS u_deactivated_at
		FROM sessions s JOIN users u ON u.id = s.user_id AND u.deactivated_at IS NULL
		WHERE s.id_hash = ? AND s.expires_at > ?`, idHash, now).Take(&found).Error
	return found.Session, found.User, translate(err, "find session")
}

// SaveSession adds a session, or replaces its data and times.
func SaveSession(ctx context.Context, db *gorm.DB, s Session) error {
	err := db.WithContext(ctx).Exec(`
		INSERT INTO sessions (id_hash, user_id, data, created_at, last_seen_at, expires_at, address, user_agent)
		VALUES (@id, @user, @data, @created, @seen, @expires, @address, @agent)
		ON CONFLICT (id_hash) DO UPDATE
		SET data = excluded.data, last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at`,
		map[string]any{
			"id": blob(s.IDHash), "user": s.UserID, "data": blob(s.Data), "created": s.CreatedAt, "seen": s.LastSeenAt,
			"expires": s.ExpiresAt, "address": s.Address, "agent": s.UserAgent,
		}).Error
	return translate(err, "save session")
}

// SeeSession notes that a session and its user were active, and moves the expiry.
// A session that was revoked meanwhile stays revoked.
func SeeSession(ctx context.Context, db *gorm.DB, idHash []byte, at, expires time.Time) error {
	err := db.WithContext(ctx).Exec(`
		WITH seen AS (UPDATE sessions SET last_seen_at = @at, expires_at = @expires WHERE id_hash = @id RETURNING user_id)
		UPDATE users SET last_seen_at = @at FROM seen WHERE users.id = seen.user_id`,
		map[string]any{"at": at, "expires": expires, "id": idHash}).Error
	return translate(err, "see session")
}

// SetSessionData replaces what a session holds. A session that was revoked
// meanwhile stays revoked.
func SetSessionData(ctx context.Context, db *gorm.DB, idHash, data []byte) error {
	err := db.WithContext(ctx).Exec("UPDATE sessions SET data = ? WHERE id_hash = ?", data, idHash).Error
	return translate(err, "set a session's data")
}

// RenameSession gives a session a new id, so that the old one is worth nothing.
// Errors: ErrNotFound when it was revoked meanwhile.
func RenameSession(ctx context.Context, db *gorm.DB, oldHash, newHash, data []byte) error {
	renamed := db.WithContext(ctx).Exec("UPDATE sessions SET id_hash = ?, data = ? WHERE id_hash = ?", newHash, data, oldHash)
	if renamed.Error == nil && renamed.RowsAffected == 0 {
		return translate(gorm.ErrRecordNotFound, "rename session")
	}
	return translate(renamed.Error, "rename session")
}

// DeleteSession ends a session; ending it twice is no error.
func DeleteSession(ctx context.Context, db *gorm.DB, idHash []byte) error {
	return translate(db.WithContext(ctx).Exec("DELETE FROM sessions WHERE id_hash = ?", idHash).Error, "end session")
}

// RevokeSessions ends all sessions of a user but the one with the given hash, if any.
func RevokeSessions(ctx context.Context, db *gorm.DB, userID int64, keep []byte) error {
	err := db.WithContext(ctx).Exec("DELETE FROM sessions WHERE user_id = ? AND id_hash IS DISTINCT FROM CAST(? AS bytea)",
		userID, blob(keep)).Error
	return translate(err, "revoke sessions")
}

// blob hands bytes to PostgreSQL as one parameter; after a parenthesis GORM would
// spread them into a list.
type blob []byte

// Value implements driver.Valuer.
func (b blob) Value() (driver.Value, error) {
	if b == nil {
		return nil, nil
	}
	return []byte(b), nil
}
