package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

func TestPrivateShare(t *testing.T) {
	t.Parallel()

	t.Run("a second program uses the server of the first", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		owner := launch(t, dir, false)
		require.True(t, owner.owner)
		second := start(t, postgres.Config{Dir: dir})
		require.True(t, second.Shared())
		require.Equal(t, 1, query(t, second.URL(), "SELECT 1"))
		stop(t, second)
		require.Equal(t, 1, query(t, second.URL(), "SELECT 1"), "the owner's server goes on")
	})

	for name, end := range map[string]func(*program){"stops": (*program).stop, "is killed": (*program).kill} {
		t.Run("a second program takes over when the first "+name, func(t *testing.T) {
			t.Parallel()
			dir := postgrestest.DataDir(t)
			owner := launch(t, dir, false)
			second := start(t, postgres.Config{Dir: dir})
			execute(t, second.URL(), "CREATE TABLE kept AS SELECT 42 AS answer")
			end(owner)
			require.Eventually(t, func() bool { return !second.Shared() }, patience, poll)
			require.Equal(t, 42, query(t, second.URL(), "SELECT answer FROM kept"))
		})
	}

	t.Run("of many that start at once one owns", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.EmptyDir(t)
		programs := make([]*program, 4)
		var all sync.WaitGroup
		for i := range programs {
			all.Go(func() { programs[i] = launchAs(t, dir, false, nil) })
		}
		all.Wait()
		owners := 0
		for _, program := range programs {
			require.Empty(t, program.failure)
			if !program.shares() {
				owners++
			}
		}
		require.Equal(t, 1, owners)
	})

	t.Run("a long-lived program waits for a short-lived owner", func(t *testing.T) {
		t.Parallel()
		dir := postgrestest.DataDir(t)
		short := launch(t, dir, true)
		require.True(t, short.owner)

		another := start(t, postgres.Config{Dir: dir, ShortLived: true})
		require.True(t, another.Shared(), "a short-lived one need not wait")
		stop(t, another)

		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := postgres.Start(soon, postgres.Config{Dir: dir})
		require.ErrorIs(t, err, context.DeadlineExceeded, "it waits rather than shares")

		short.stop()
		require.False(t, start(t, postgres.Config{Dir: dir}).Shared())
	})
}
