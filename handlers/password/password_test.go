package password_test

import (
	"context"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/require"

	"salesactions/handlers/password"
)

// cheap makes hashes that take no time worth speaking of.
func cheap() *argon2id.Params {
	return &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, password string
		fine           bool
	}{
		{"nine characters", "ninechars", false},
		{"ten characters", "tencharact", true},
		{"ten characters of many bytes", "žluťoučký!", true},
		{"one letter ten times", "aaaaaaaaaa", true},
		{"too long", strings.Repeat("x", password.MaxLength+1), false},
		{"the address", "Ada@Example.com", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.fine, password.Problem(tt.password, "ada@example.com") == "")
		})
	}
}

func TestHasher(t *testing.T) {
	t.Parallel()
	h, err := password.New(password.Config{Params: cheap()})
	require.NoError(t, err)
	hash, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.NotContains(t, hash, "correct")
	again, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "each hash has its salt")

	for _, tt := range []struct {
		name, password string
		hash           *string
		match          bool
	}{
		{"the right one", "correct horse", &hash, true},
		{"a wrong one", "correct horsf", &hash, false},
		{"somebody without a password", "correct horse", nil, false},
		{"the decoy's own password", "nobody has this password", nil, false},
		{"one that is longer than any can be", strings.Repeat("x", 1<<20), &hash, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			match, err := h.Match(t.Context(), tt.password, tt.hash)
			require.NoError(t, err)
			require.Equal(t, tt.match, match)
		})
	}
}

func TestAHashThatNobodyWaitsForIsNotMade(t *testing.T) {
	t.Parallel()
	h, err := password.New(password.Config{Params: cheap(), Concurrent: 1})
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Hash(gone, "correct horse")
	require.ErrorIs(t, err, context.Canceled)
}
