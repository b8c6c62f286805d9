package models

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Scope is what an API token may do; each scope includes the ones before it.
type Scope string

// The scopes, in their order.
const (
	ScopeRead   Scope = "read"
	ScopeRecord Scope = "record"
	ScopeAdmin  Scope = "admin"
)

func (s Scope) rank() int {
	switch s {
	case ScopeRead:
		return 1
	case ScopeRecord:
		return 2
	case ScopeAdmin:
		return 3
	default:
		return 0
	}
}

// Valid says whether the scope is one of the scopes.
func (s Scope) Valid() bool { return s.rank() > 0 }

// Includes says whether a token of this scope may do what needs the other.
func (s Scope) Includes(needed Scope) bool { return needed.Valid() && s.rank() >= needed.rank() }

// APIToken is the key of a program. The program has the token, the database only
// its SHA-256.
type APIToken struct {
	ID         int64
	Name       string
	Scope      Scope
	TokenHash  []byte
	Hint       string // the token's first letters, to tell tokens apart
	CreatedBy  string // as AuditEvent.Actor
	CreatedAt  time.Time
	LastUsedAt *time.Time
	RevokedAt  *time.Time
}

// TableName names the table.
func (APIToken) TableName() string { return "api_tokens" }

// Actor is the token's name in runs and in the audit log.
func (t APIToken) Actor() string { return "token:" + t.Name }

// tokenPrefix lets people and secret scanners recognise a token.
const tokenPrefix = "sa_"

// CreateAPIToken makes a token and returns it in plain text, this once.
func CreateAPIToken(ctx context.Context, db *gorm.DB, now time.Time, name string, scope Scope, by string) (string, APIToken, error) {
	plain := tokenPrefix + rand.Text()
	var t APIToken
	err := db.WithContext(ctx).Raw(`
		INSERT INTO api_tokens (name, scope, token_hash, hint, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?) RETURNING *`,
		strings.TrimSpace(name), scope, hashToken(plain), plain[:len(tokenPrefix)+4], by, now).Scan(&t).Error
	return plain, t, translate(err, "create API token")
}

// FindAPIToken returns the token that is not revoked, or ErrNotFound.
func FindAPIToken(ctx context.Context, db *gorm.DB, plain string) (APIToken, error) {
	var t APIToken
	if !strings.HasPrefix(plain, tokenPrefix) {
		return t, fmt.Errorf("find API token: %w", ErrNotFound)
	}
	err := db.WithContext(ctx).Where("token_hash = ? AND revoked_at IS NULL", hashToken(plain)).Take(&t).Error
	return t, translate(err, "find API token")
}

// SeeAPIToken notes that a token was used.
func SeeAPIToken(ctx context.Context, db *gorm.DB, id int64, at time.Time) error {
	err := db.WithContext(ctx).Exec("UPDATE api_tokens SET last_used_at = ? WHERE id = ?", at, id).Error
	return translate(err, "see API token")
}

// ListAPITokens returns the tokens, newest first, revoked ones last, at most limit of them.
func ListAPITokens(ctx context.Context, db *gorm.DB, limit int) ([]APIToken, error) {
	var tokens []APIToken
	err := db.WithContext(ctx).Order("revoked_at IS NOT NULL, id DESC").Limit(limit).Find(&tokens).Error
	return tokens, translate(err, "list API tokens")
}

// RevokeAPIToken ends a token and returns it; ending it twice is ErrNotFound.
func RevokeAPIToken(ctx context.Context, db *gorm.DB, id int64, at time.Time) (APIToken, error) {
	var t APIToken
	err := db.WithContext(ctx).Raw("UPDATE api_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL RETURNING *",
		at, id).Scan(&t).Error
	if err == nil && t.ID == 0 {
		err = gorm.ErrRecordNotFound
	}
	return t, translate(err, "revoke API token")
}
