package models_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
)

func TestAPITokens(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	ctx := t.Context()
	plain, made, err := models.CreateAPIToken(ctx, db, noon(), " Dialer ", models.ScopeRecord, "cli")
	require.NoError(t, err)
	require.Equal(t, "Dialer", made.Name)
	require.Equal(t, "token:Dialer", made.Actor())
	require.Equal(t, noon(), made.CreatedAt)
	require.True(t, len(plain) > 20 && plain[:len(made.Hint)] == made.Hint)

	found, err := models.FindAPIToken(ctx, db, plain)
	require.NoError(t, err)
	require.Equal(t, made, found)
	for _, wrong := range []string{"", "sa_", plain[:len(plain)-1], plain + "A", string(made.TokenHash)} {
		_, err := models.FindAPIToken(ctx, db, wrong)
		require.ErrorIs(t, err, models.ErrNotFound)
	}

	require.NoError(t, models.SeeAPIToken(ctx, db, made.ID, noon()))
	tokens, err := models.ListAPITokens(ctx, db, 10)
	require.NoError(t, err)
	require.Len(t, tokens, 1)
	require.True(t, tokens[0].LastUsedAt.Equal(noon()))

	_, err = models.RevokeAPIToken(ctx, db, made.ID, noon())
	require.NoError(t, err)
	_, err = models.RevokeAPIToken(ctx, db, made.ID, noon())
	require.ErrorIs(t, err, models.ErrNotFound)
	_, err = models.FindAPIToken(ctx, db, plain)
	require.ErrorIs(t, err, models.ErrNotFound)
}

func TestScopes(t *testing.T) {
	t.Parallel()
	scopes := []models.Scope{models.ScopeRead, models.ScopeRecord, models.ScopeAdmin}
	for i, has := range scopes {
		for j, needs := range scopes {
			require.Equal(t, i >= j, has.Includes(needs), "%s for %s", has, needs)
		}
		require.False(t, has.Includes("superuser"))
		require.False(t, models.Scope("").Includes(has))
	}
}
