package live

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

const (
	opening = "retry: 2000\nid: 0\n\n"
	changed = "event: sync\ndata: changed\n\n"
)

// quietHub is a hub that nobody started: tests publish themselves.
func quietHub(t *testing.T) *Hub {
	t.Helper()
	h, err := New(Config{Clock: clockwork.NewRealClock(), Connection: &pgx.ConnConfig{}})
	require.NoError(t, err)
	return h
}

// browse asks for events until ctx ends, and closes over when the answer is over.
func browse(ctx context.Context, h *Hub, w http.ResponseWriter, header http.Header, query ...string) (over <-chan error) {
	values := url.Values{"topic": {"sync"}}
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events?"+values.Encode(), nil)
	request.Header = header
	done := make(chan error, 1)
	go func() { done <- h.Events(echo.New().NewContext(request, w)) }()
	return done
}

func TestEvents(t *testing.T) {
	t.Parallel()

	t.Run("the first change is told at once, more of them four times a second", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, w := quietHub(t), httptest.NewRecorder()
			ctx, cancel := context.WithCancel(t.Context())
			over := browse(ctx, h, w, nil)
			synctest.Wait()
			require.Equal(t, opening, w.Body.String())

			h.publish("sync")
			synctest.Wait()
			require.Equal(t, opening+changed, w.Body.String())
			for range 1000 {
				h.publish("sync")
				time.Sleep(time.Millisecond)
			}
			synctest.Wait()
			require.InDelta(t, 5, strings.Count(w.Body.String(), changed), 1)

			time.Sleep(time.Second)
			after := w.Body.Len()
			time.Sleep(time.Second)
			require.Equal(t, after, w.Body.Len(), "the last change was told, and then nothing")
			cancel()
			require.NoError(t, <-over)
			require.Empty(t, h.streams)
		})
	})

	t.Run("a quiet stream shows signs of life and ends after its lifetime", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, w := quietHub(t), httptest.NewRecorder()
			begin := time.Now()
			over := browse(t.Context(), h, w, nil)
			h.publish("people")
			require.NoError(t, <-over)
			require.Equal(t, 15*time.Minute, time.Since(begin))
			beats := strings.TrimPrefix(w.Body.String(), opening)
			require.Empty(t, strings.ReplaceAll(beats, ": quiet\n\n", ""))
			require.InDelta(t, 15*3, strings.Count(beats, "\n\n"), 1, "one each 20 s")
		})
	})

	t.Run("a browser that comes back is told of all its topics", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, w := quietHub(t), httptest.NewRecorder()
			ctx, cancel := context.WithCancel(t.Context())
			over := browse(ctx, h, w, http.Header{"Last-Event-Id": {"0"}})
			synctest.Wait()
			require.Equal(t, opening+changed, w.Body.String())
			cancel()
			require.NoError(t, <-over)
		})
	})

	t.Run("a page is told at once what changed between its reading and its following", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			before, between func(h *Hub)
			since           func(cursor string) string
			want            string
		}{
			"nothing":                        {want: opening},
			"its topic":                      {between: func(h *Hub) { h.publish("sync") }, want: opening + changed},
			"its topic, before":              {before: func(h *Hub) { h.publish("sync") }, want: opening},
			"another topic":                  {between: func(h *Hub) { h.publish("people") }, want: opening},
			"nobody knows what":              {between: (*Hub).publishAll, want: opening + changed},
			"nobody knows what, before":      {before: (*Hub).publishAll, want: opening},
			"of what another replica counts": {since: func(string) string { return (&Hub{changes: newChanges()}).Cursor() }, want: opening + changed},
			"since a cursor that is none":    {since: func(string) string { return "x" }, want: opening + changed},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					h, w := quietHub(t), httptest.NewRecorder()
					if tt.before != nil {
						tt.before(h)
					}
					cursor := h.Cursor()
					if tt.between != nil {
						tt.between(h)
					}
					if tt.since != nil {
						cursor = tt.since(cursor)
					}
					ctx, cancel := context.WithCancel(t.Context())
					over := browse(ctx, h, w, nil, "since", cursor)
					synctest.Wait()
					require.Equal(t, tt.want, w.Body.String())
					cancel()
					require.NoError(t, <-over)
				})
			})
		}
	})

	t.Run("a browser that takes nothing is dropped", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h := quietHub(t)
			ours, theirs := net.Pipe()
			defer ours.Close()
			defer theirs.Close()
			begin := time.Now()
			require.NoError(t, <-browse(t.Context(), h, pipeWriter{ours}, nil))
			require.Equal(t, 10*time.Second, time.Since(begin))
			require.Empty(t, h.streams)
		})
	})

	t.Run("streams end when the hub stops, and none begins afterwards", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h := quietHub(t)
			over := browse(t.Context(), h, httptest.NewRecorder(), nil)
			synctest.Wait()
			h.Stop()
			require.NoError(t, <-over)

			err := <-browse(t.Context(), h, httptest.NewRecorder(), nil)
			var refused *echo.HTTPError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, http.StatusServiceUnavailable, refused.Code)
		})
	})
}

func TestEventsRefusesWrongTopics(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"", "topic=", "topic=Sync", "topic=a%0Adata:b", "topic=" + strings.Repeat("a", 65),
		strings.Repeat("topic=sync&", 9),
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events?"+query, nil)
			err := quietHub(t).Events(echo.New().NewContext(request, httptest.NewRecorder()))
			var refused *echo.HTTPError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, http.StatusBadRequest, refused.Code)
		})
	}
}

// pipeWriter is an answer to somebody who may not read; net.Pipe has no buffer.
type pipeWriter struct{ net.Conn }

func (pipeWriter) Header() http.Header { return http.Header{} }
func (pipeWriter) WriteHeader(int)     {}
func (pipeWriter) Flush()              {}
