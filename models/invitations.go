package models

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// CreateInvitation makes an invitation for a user and returns its token, which
// only its hash remembers. It replaces an invitation made before.
func CreateInvitation(ctx context.Context, db *gorm.DB, userID int64, now time.Time) (string, error) {
	token := rand.Text()
	err := db.WithContext(ctx).Exec(`
		INSERT INTO invitations (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE
		SET token_hash = excluded.token_hash, created_at = excluded.created_at, expires_at = excluded.expires_at`,
		hashToken(token), userID, now, now.Add(InvitationLife)).Error
	if err != nil {
		return "", translate(err, "create invitation")
	}
	return token, nil
}

// FindInvited returns the active user whom an unexpired invitation is for, or ErrNotFound.
func FindInvited(ctx context.Context, db *gorm.DB, token string, now time.Time) (User, error) {
	var u User
	err := db.WithContext(ctx).Where("deactivated_at IS NULL AND id = (?)",
		db.Table("invitations").Select("user_id").Where("token_hash = ? AND expires_at > ?", hashToken(token), now)).
		Take(&u).Error
	return u, translate(err, "find invitation")
}

// AcceptInvitation uses an invitation up: it sets the user's name and password
// hash and ends the sessions made with an earlier password. Of two acceptances at
// once one gets ErrNotFound.
func AcceptInvitation(ctx context.Context, db *gorm.DB, token, name, passwordHash string, now time.Time) (User, error) {
	var u User
	err := Tx(ctx, db, func(tx *gorm.DB) error {
		var err error
		if u, err = FindInvited(ctx, tx, token, now); err != nil {
			return err
		}
		used := tx.Exec("DELETE FROM invitations WHERE token_hash = ?", hashToken(token))
		if used.Error != nil {
			return translate(used.Error, "use an invitation")
		}
		if used.RowsAffected == 0 {
			return fmt.Errorf("use an invitation: %w", ErrNotFound)
		}
		u.Name, u.PasswordHash = name, &passwordHash
		err = changeUser(tx, u.ID, map[string]any{"name": name, "password_hash": passwordHash}, "accept an invitation")
		if err != nil {
			return err
		}
		return RevokeSessions(ctx, tx, u.ID, nil)
	})
	return u, err
}

// hashToken is what the database keeps of a token. The tokens are random and
// long, so a plain hash cannot be guessed back.
func hashToken(token string) blob {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
