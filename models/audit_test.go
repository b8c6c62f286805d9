package models_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	ctx := t.Context()
	for i := range 7 {
		actor := "user:ada@example.com"
		if i%2 == 1 {
			actor = "token:Dialer"
		}
		require.NoError(t, models.RecordAudit(ctx, db, noon(), models.AuditEvent{
			Actor: actor, Action: "sync.start", Subject: fmt.Sprint(i), Details: json.RawMessage(`{"n": 1}`),
		}))
	}
	require.NoError(t, models.RecordAudit(ctx, db, noon(), models.AuditEvent{Actor: "cli", Action: "synchrony"}))

	t.Run("pages hold every event once, newest first", func(t *testing.T) {
		var subjects []string
		query := models.AuditQuery{Action: "sync", Limit: 3}
		for {
			page, err := models.ListAudit(ctx, db, query)
			require.NoError(t, err)
			for _, e := range page.Events {
				subjects = append(subjects, e.Subject)
			}
			if query.Cursor = page.Next; query.Cursor == "" {
				break
			}
		}
		require.Equal(t, []string{"6", "5", "4", "3", "2", "1", "0"}, subjects)
	})
	t.Run("an actor is found by the address or the name alone", func(t *testing.T) {
		for _, actor := range []string{"Dialer", "token:Dialer"} {
			page, err := models.ListAudit(ctx, db, models.AuditQuery{Actor: actor})
			require.NoError(t, err)
			require.Len(t, page.Events, 3)
			require.JSONEq(t, `{"n":1}`, string(page.Events[0].Details))
		}
	})
	t.Run("an event keeps its time and needs no details", func(t *testing.T) {
		page, err := models.ListAudit(ctx, db, models.AuditQuery{Actor: "cli"})
		require.NoError(t, err)
		require.Len(t, page.Events, 1)
		require.True(t, page.Events[0].At.Equal(noon()))
		require.JSONEq(t, `{}`, string(page.Events[0].Details))
	})
	t.Run("a cursor that is none is refused", func(t *testing.T) {
		for _, cursor := range []string{"x", "-1", "0", "1;--"} {
			_, err := models.ListAudit(ctx, db, models.AuditQuery{Cursor: cursor})
			require.ErrorIs(t, err, models.ErrBadCursor)
		}
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t).Gorm
	ctx := t.Context()
	type group struct{ Name string }

	loaded := group{Name: "default"}
	version, err := models.LoadSetting(ctx, db, "g", &loaded)
	require.NoError(t, err)
	require.Zero(t, version)
	require.Equal(t, "default", loaded.Name)

	require.ErrorIs(t, models.SaveSetting(ctx, db, "g", group{"x"}, 3, "cli"), models.ErrConflict, "a version of nothing")
	require.NoError(t, models.SaveSetting(ctx, db, "g", group{"one"}, 0, "cli"))
	require.ErrorIs(t, models.SaveSetting(ctx, db, "g", group{"x"}, 0, "cli"), models.ErrConflict, "somebody made it meanwhile")

	version, err = models.LoadSetting(ctx, db, "g", &loaded)
	require.NoError(t, err)
	require.Equal(t, "one", loaded.Name)
	require.NoError(t, models.SaveSetting(ctx, db, "g", group{"two"}, version, "cli"))
	require.ErrorIs(t, models.SaveSetting(ctx, db, "g", group{"x"}, version, "cli"), models.ErrConflict, "somebody changed it meanwhile")
	require.NoError(t, models.SaveSetting(ctx, db, "g", group{"three"}, models.AnyVersion, "cli"))

	version, err = models.LoadSetting(ctx, db, "g", &loaded)
	require.NoError(t, err)
	require.EqualValues(t, 3, version)
	require.Equal(t, "three", loaded.Name)
}
