package models_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
)

// noon is the time of tests that set the time.
func noon() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// addUser adds somebody who can sign in.
func addUser(t *testing.T, db *gorm.DB, email string, role models.Role) models.User {
	t.Helper()
	hash := "hash of " + email
	u := models.User{Email: email, Name: email, Role: role, PasswordHash: &hash}
	require.NoError(t, models.CreateUser(t.Context(), db, noon(), &u))
	require.NotZero(t, u.ID)
	return u
}

func TestUsers(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	ctx := t.Context()
	ada := addUser(t, db, "Ada@Example.com ", models.RoleAdmin)
	rita := addUser(t, db, "rita@example.com", models.RoleRep)

	t.Run("an address names one user, in any case", func(t *testing.T) {
		err := models.CreateUser(ctx, db, noon(), &models.User{Email: "ADA@example.com", Name: "Another", Role: models.RoleRep})
		require.ErrorIs(t, err, models.ErrConflict)
		found, err := models.FindUserByEmail(ctx, db, " aDa@example.com")
		require.NoError(t, err)
		require.Equal(t, ada, found)
		_, err = models.FindUserByEmail(ctx, db, "nobody@example.com")
		require.ErrorIs(t, err, models.ErrNotFound)
	})
	t.Run("the last admin stays one", func(t *testing.T) {
		require.ErrorIs(t, models.SetRole(ctx, db, ada.ID, models.RoleRep), models.ErrLastAdmin)
		require.ErrorIs(t, models.Deactivate(ctx, db, ada.ID, noon()), models.ErrLastAdmin)
		found, err := models.FindUser(ctx, db, ada.ID)
		require.NoError(t, err)
		require.Equal(t, models.RoleAdmin, found.Role)
		require.True(t, found.Active())
	})
	t.Run("deactivating ends sessions and invitations, activating brings none back", func(t *testing.T) {
		addSession(t, db, rita, "one", noon().Add(time.Hour))
		token, err := models.CreateInvitation(ctx, db, rita.ID, noon())
		require.NoError(t, err)
		require.NoError(t, models.Deactivate(ctx, db, rita.ID, noon()))
		require.NoError(t, models.Activate(ctx, db, rita.ID))
		_, _, err = models.FindSession(ctx, db, []byte("one"), noon())
		require.ErrorIs(t, err, models.ErrNotFound)
		_, err = models.FindInvited(ctx, db, token, noon())
		require.ErrorIs(t, err, models.ErrNotFound)
	})
	t.Run("nobody is changed who is not there", func(t *testing.T) {
		require.ErrorIs(t, models.SetRole(ctx, db, 4711, models.RoleRep), models.ErrNotFound)
		require.ErrorIs(t, models.Activate(ctx, db, 4711), models.ErrNotFound)
		require.ErrorIs(t, models.SetPassword(ctx, db, 4711, "x", nil), models.ErrNotFound)
	})
	t.Run("the list counts sessions and shows open invitations", func(t *testing.T) {
		addSession(t, db, ada, "live", noon().Add(time.Hour))
		addSession(t, db, ada, "over", noon())
		_, err := models.CreateInvitation(ctx, db, rita.ID, noon())
		require.NoError(t, err)
		users, err := models.ListUsers(ctx, db, noon(), 10)
		require.NoError(t, err)
		require.Len(t, users, 2)
		require.Equal(t, ada.ID, users[0].ID)
		require.Equal(t, 1, users[0].Sessions)
		require.Nil(t, users[0].InvitationExpiresAt)
		require.Zero(t, users[1].Sessions)
		require.True(t, users[1].InvitationExpiresAt.Equal(noon().Add(models.InvitationLife)))
	})
}

func TestTwoAdminsCannotRemoveEachOther(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	admins := []models.User{addUser(t, db, "a@example.com", models.RoleAdmin), addUser(t, db, "b@example.com", models.RoleAdmin)}
	errs := make([]error, len(admins))
	var wg sync.WaitGroup
	for i, admin := range admins {
		wg.Go(func() { errs[i] = models.SetRole(context.WithoutCancel(t.Context()), db, admin.ID, models.RoleRep) })
	}
	wg.Wait()
	if errs[0] == nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	require.ErrorIs(t, errs[0], models.ErrLastAdmin)
	require.NoError(t, errs[1])
}
