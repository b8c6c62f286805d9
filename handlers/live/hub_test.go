package live

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
)

// startHub starts a hub on the test's database and returns when it listens. Each
// time that it listens again, the channel gets a value.
func startHub(t *testing.T, db *postgres.DB) (*Hub, <-chan struct{}) {
	t.Helper()
	h, err := New(Config{Clock: clockwork.NewRealClock(), Connection: db.Pool.Config().ConnConfig})
	require.NoError(t, err)
	listening := make(chan struct{}, 16)
	h.listening = func() { listening <- struct{}{} }
	h.Start(t.Context())
	t.Cleanup(h.Stop)
	<-listening
	return h, listening
}

func notify(t *testing.T, db *postgres.DB, topic string) {
	t.Helper()
	_, err := db.Pool.Exec(t.Context(), "SELECT pg_notify($1, $2)", Channel, topic)
	require.NoError(t, err)
}

func TestHub(t *testing.T) {
	t.Parallel()

	t.Run("a notification reaches those who asked for its topic, in every replica", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		here, _ := startHub(t, db)
		there, _ := startHub(t, db)
		sync, other, people := here.Subscribe("sync"), there.Subscribe("sync", "people"), here.Subscribe("people")

		notify(t, db, "sync")
		<-sync.Ready()
		require.Equal(t, []string{"sync"}, sync.Take())
		<-other.Ready()
		require.Equal(t, []string{"sync"}, other.Take())
		require.Empty(t, people.Take())
	})

	t.Run("a change that is rolled back is not told", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		h, _ := startHub(t, db)
		sub := h.Subscribe("sync", "people")

		tx, err := db.Pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "SELECT pg_notify($1, 'sync')", Channel)
		require.NoError(t, err)
		require.NoError(t, tx.Rollback(t.Context()))
		notify(t, db, "people")

		<-sub.Ready()
		require.Equal(t, []string{"people"}, sub.Take())
	})

	t.Run("after a break it listens again, and everything counts as changed", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		h, listening := startHub(t, db)
		sub := h.Subscribe("people", "sync")

		_, err := db.Pool.Exec(t.Context(), `
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND query = 'LISTEN ' || $1::text`, Channel)
		require.NoError(t, err)
		<-sub.Ready()
		require.Equal(t, []string{"people", "sync"}, sub.Take())

		<-listening
		notify(t, db, "sync")
		<-sub.Ready()
		require.Equal(t, []string{"sync"}, sub.Take())
	})

	t.Run("an unreachable database does not keep it from stopping", func(t *testing.T) {
		t.Parallel()
		config, err := pgx.ParseConfig("postgres://nobody@/nothing?host=" + t.TempDir())
		require.NoError(t, err)
		h, err := New(Config{Clock: clockwork.NewRealClock(), Connection: config})
		require.NoError(t, err)
		h.Start(t.Context())
		h.Stop()
	})

	t.Run("it stops twice, before start, and with its context", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		h, err := New(Config{Clock: clockwork.NewRealClock(), Connection: db.Pool.Config().ConnConfig})
		require.NoError(t, err)
		h.Stop()
		h.Stop()
		h.Start(t.Context())
		<-h.Subscribe("sync").Ended()

		h, _ = startHub(t, db)
		h.Stop()
		h.Stop()

		ctx, cancel := context.WithCancel(t.Context())
		h, err = New(Config{Clock: clockwork.NewRealClock(), Connection: db.Pool.Config().ConnConfig})
		require.NoError(t, err)
		h.Start(ctx)
		cancel()
		h.running.Wait()
	})

	t.Run("a hub without a connection is refused", func(t *testing.T) {
		t.Parallel()
		_, err := New(Config{})
		require.Error(t, err)
	})
}

func TestEventsOverHTTP(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	h, _ := startHub(t, db)
	e := echo.New()
	e.GET("/events", h.Events)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events?topic=sync", nil)
	require.NoError(t, err)
	answer, err := server.Client().Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, answer.Body.Close()) })
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "text/event-stream; charset=utf-8", answer.Header.Get("Content-Type"))
	require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	lines := bufio.NewScanner(answer.Body)
	for _, want := range []string{"retry: 2000", "id: 0", ""} {
		require.True(t, lines.Scan())
		require.Equal(t, want, lines.Text())
	}

	notify(t, db, "sync")
	for _, want := range []string{"event: sync", "data: changed", ""} {
		require.True(t, lines.Scan())
		require.Equal(t, want, lines.Text())
	}

	h.Stop()
	require.False(t, lines.Scan(), "the stream ends with the hub")
	require.NoError(t, lines.Err())
}
