// Package password decides which passwords are good enough, hashes them and
// checks them, few at a time, because each hash takes 64 MiB of memory.
package password

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"golang.org/x/sync/semaphore"
)

// MinLength and MaxLength are in characters. Length is the only rule, besides not
// being the address: rules of composition make passwords worse.
const (
	MinLength = 10
	MaxLength = 256
)

// Problem says in a sentence why a password cannot be used, or nothing.
func Problem(password, email string) string {
	switch n := utf8.RuneCountInString(password); {
	case n < MinLength:
		return fmt.Sprintf("Use at least %d characters.", MinLength)
	case n > MaxLength:
		return fmt.Sprintf("Use at most %d characters.", MaxLength)
	case strings.EqualFold(strings.TrimSpace(password), strings.TrimSpace(email)):
		return "Choose something other than your e-mail address."
	default:
		return ""
	}
}

// defaultParams are the cost of one hash: well above the least that OWASP's
// "Password Storage" sheet asks of argon2id (19 MiB, two passes). The library's own
// default takes every processor for one sign-in.
func defaultParams() argon2id.Params {
	return argon2id.Params{Memory: 64 * 1024, Iterations: 2, Parallelism: 2, SaltLength: 16, KeyLength: 32}
}

// Config of a Hasher. Zero values stand for the defaults.
type Config struct {
	Concurrent int64            // hashes at the same time; default 4
	Params     *argon2id.Params // for tests; default as above
}

// Hasher hashes and checks passwords. It is safe for concurrent use.
type Hasher struct {
	slots  *semaphore.Weighted
	params argon2id.Params
	decoy  string
}

// New makes a Hasher.
func New(cfg Config) (*Hasher, error) {
	if cfg.Concurrent <= 0 {
		cfg.Concurrent = 4
	}
	params := defaultParams()
	if cfg.Params != nil {
		params = *cfg.Params
	}
	decoy, err := argon2id.CreateHash("nobody has this password", &params)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	return &Hasher{slots: semaphore.NewWeighted(cfg.Concurrent), params: params, decoy: decoy}, nil
}

// Hash returns the hash to store. It waits for a slot, as long as ctx lasts.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("wait to hash a password: %w", err)
	}
	defer h.slots.Release(1)
	hash, err := argon2id.CreateHash(password, &h.params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return hash, nil
}

// Match says whether a password belongs to a hash. A nil hash, of somebody unknown
// or without a password, takes as long as any other and never matches.
func (h *Hasher) Match(ctx context.Context, password string, hash *string) (bool, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return false, fmt.Errorf("wait to check a password: %w", err)
	}
	defer h.slots.Release(1)
	against := h.decoy
	if hash != nil {
		against = *hash
	}
	if utf8.RuneCountInString(password) > MaxLength {
		password = ""
	}
	match, err := argon2id.ComparePasswordAndHash(password, against)
	if err != nil {
		return false, fmt.Errorf("check a password: %w", err)
	}
	return match && hash != nil, nil
}
