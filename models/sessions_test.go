package models_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
)

func addSession(t *testing.T, db *gorm.DB, u models.User, id string, expires time.Time) {
	t.Helper()
	require.NoError(t, models.SaveSession(t.Context(), db, models.Session{
		IDHash: []byte(id), UserID: &u.ID, Data: []byte("{}"), CreatedAt: noon(), LastSeenAt: noon(), ExpiresAt: expires,
	}))
}

func TestSessions(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	ctx := t.Context()
	ada := addUser(t, db, "ada@example.com", models.RoleAdmin)
	rita := addUser(t, db, "rita@example.com", models.RoleRep)
	later := noon().Add(time.Hour)

	t.Run("a session is found with its user until it expires", func(t *testing.T) {
		addSession(t, db, ada, "a", later)
		session, user, err := models.FindSession(ctx, db, []byte("a"), noon())
		require.NoError(t, err)
		require.Equal(t, ada, user)
		require.Equal(t, []byte("a"), session.IDHash)
		require.True(t, session.ExpiresAt.Equal(later))
		_, _, err = models.FindSession(ctx, db, []byte("a"), later)
		require.ErrorIs(t, err, models.ErrNotFound)
	})
	t.Run("a new name ends the old one", func(t *testing.T) {
		addSession(t, db, ada, "old", later)
		require.NoError(t, models.RenameSession(ctx, db, []byte("old"), []byte("new"), []byte(`{"x":1}`)))
		_, _, err := models.FindSession(ctx, db, []byte("old"), noon())
		require.ErrorIs(t, err, models.ErrNotFound)
		session, _, err := models.FindSession(ctx, db, []byte("new"), noon())
		require.NoError(t, err)
		require.JSONEq(t, `{"x":1}`, string(session.Data))
		require.ErrorIs(t, models.RenameSession(ctx, db, []byte("old"), []byte("third"), nil), models.ErrNotFound)
	})
	t.Run("being seen moves the expiry and notes it of the user", func(t *testing.T) {
		addSession(t, db, rita, "seen", later)
		require.NoError(t, models.SeeSession(ctx, db, []byte("seen"), later, later.Add(time.Hour)))
		session, user, err := models.FindSession(ctx, db, []byte("seen"), later)
		require.NoError(t, err)
		require.True(t, session.LastSeenAt.Equal(later))
		require.True(t, user.LastSeenAt.Equal(later))
	})
	t.Run("a revoked session does not come back by being used", func(t *testing.T) {
		addSession(t, db, rita, "revoked", later)
		require.NoError(t, models.RevokeSessions(ctx, db, rita.ID, nil))
		require.NoError(t, models.SeeSession(ctx, db, []byte("revoked"), later, later.Add(time.Hour)))
		require.NoError(t, models.SetSessionData(ctx, db, []byte("revoked"), []byte("{}")))
		_, _, err := models.FindSession(ctx, db, []byte("revoked"), noon())
		require.ErrorIs(t, err, models.ErrNotFound)
	})
	t.Run("a new password ends the other sessions", func(t *testing.T) {
		addSession(t, db, rita, "this", later)
		addSession(t, db, rita, "other", later)
		require.NoError(t, models.SetPassword(ctx, db, rita.ID, "new hash", []byte("this")))
		_, _, err := models.FindSession(ctx, db, []byte("this"), noon())
		require.NoError(t, err)
		_, _, err = models.FindSession(ctx, db, []byte("other"), noon())
		require.ErrorIs(t, err, models.ErrNotFound)
	})
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	ctx := t.Context()
	u := models.User{Email: "new@example.com", Name: "new@example.com", Role: models.RoleRep}
	require.NoError(t, models.CreateUser(ctx, db, noon(), &u))

	first, err := models.CreateInvitation(ctx, db, u.ID, noon())
	require.NoError(t, err)
	token, err := models.CreateInvitation(ctx, db, u.ID, noon())
	require.NoError(t, err)

	_, err = models.FindInvited(ctx, db, first, noon())
	require.ErrorIs(t, err, models.ErrNotFound, "a new invitation replaces the one before")
	_, err = models.FindInvited(ctx, db, token, noon().Add(models.InvitationLife))
	require.ErrorIs(t, err, models.ErrNotFound, "it ends after its life")

	addSession(t, db, u, "earlier", noon().Add(time.Hour))
	accepted, err := models.AcceptInvitation(ctx, db, token, "Nia New", "a hash", noon())
	require.NoError(t, err)
	require.Equal(t, u.ID, accepted.ID)
	stored, err := models.FindUser(ctx, db, u.ID)
	require.NoError(t, err)
	require.Equal(t, "Nia New", stored.Name)
	require.Equal(t, "a hash", *stored.PasswordHash)
	_, _, err = models.FindSession(ctx, db, []byte("earlier"), noon())
	require.ErrorIs(t, err, models.ErrNotFound)

	_, err = models.AcceptInvitation(ctx, db, token, "Again", "another hash", noon())
	require.ErrorIs(t, err, models.ErrNotFound, "it is good for one time")
}
