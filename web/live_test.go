package web

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/handlers/live"
	"salesactions/models"
)

// TestLivePagesMissNothingBetweenReadingAndFollowing changes each topic after a page
// was read and before it follows: it must be told, though it was not there yet.
func TestLivePagesMissNothingBetweenReadingAndFollowing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	shown := b.record(email(1, "Shown"))[0]
	v := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	listening := b.server.deps.Live.Cursor()
	b.server.deps.Live.Start(t.Context())
	t.Cleanup(b.server.deps.Live.Stop)
	b.heard(listening)

	for path, topic := range map[string]string{
		"/": "tasks", "/activity": "activity", "/activity/" + shown.String(): "activity", "/people/1": "activity",
		"/settings/diagnostics": "activity", "/settings/sync": "sync",
	} {
		stream, ok := v.get(path).status(http.StatusOK).doc.Find(`[hx-sse\:connect]`).Attr("hx-sse:connect")
		require.True(t, ok, path)
		before := b.server.deps.Live.Cursor()
		_, err := b.db.Pool.Exec(t.Context(), "SELECT pg_notify($1, $2)", live.Channel, topic)
		require.NoError(t, err)
		b.heard(before)
		require.Equal(t, topic, v.firstEvent(stream), path)
	}
}

// TestLivePartsPollNowAndThen looks whether each part that follows a topic is also
// brought up to date where no event ever comes.
func TestLivePartsPollNowAndThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addPeople(2)
	shown := b.record(email(1, "Shown"))[0].String()
	v := b.signedIn(b.addUser("ada@example.com", models.RoleAdmin))
	for _, path := range []string{"/", "/today/tasks", "/today/feed", "/today/chart", "/activity", "/activity?kind=call_received", "/activity/live", "/activity/" + shown, "/people/1", "/settings/diagnostics", "/settings/sync"} {
		parts := v.get(path).status(http.StatusOK).doc.Find(`[hx-trigger*="from:body"]`)
		require.NotZero(t, parts.Length(), path)
		parts.Each(func(_ int, s *selection) { require.Contains(t, s.AttrOr("hx-trigger", ""), ", every ", path) })
	}
}

// heard waits until the hub is past a cursor.
func (b *bundle) heard(cursor string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.server.deps.Live.Cursor() != cursor }, time.Minute, time.Millisecond)
}

// firstEvent follows a stream until its first event.
func (v *visitor) firstEvent(path string) string {
	v.b.t.Helper()
	ctx, cancel := context.WithTimeout(v.b.t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.b.site.URL+path, nil)
	require.NoError(v.b.t, err)
	response, err := v.client.Do(request)
	require.NoError(v.b.t, err)
	defer response.Body.Close()
	require.Equal(v.b.t, http.StatusOK, response.StatusCode)
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if event, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			return event
		}
	}
	require.NoError(v.b.t, lines.Err(), "the stream of %s told nothing", path)
	return ""
}
