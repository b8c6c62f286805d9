package live

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// maxTopics is how many topics one stream may follow.
const maxTopics = 8

// Events streams to a browser which of the wanted topics changed, as server-sent
// events named after the topic (HTML Standard: server-sent events):
//
//	GET /events?topic=sync&topic=people&since=1x5tqpmd7vkjb.42
//
//	event: sync
//	data: changed
//
// With since, a cursor of before the page was read, it tells at once what changed
// meanwhile.
//
// A browser is written to at most once each Config.Gap, however often a topic
// changes, and dropped when it takes no write within Config.WriteLimit. Errors:
// echo.HTTPError 400 for wrong topics, 503 while the program stops.
func (h *Hub) Events(c echo.Context) error {
	topics, ok := wanted(c.QueryParams()["topic"])
	if !ok {
		return echo.NewHTTPError(http.StatusBadRequest, "Say which topics to follow: ?topic=sync, at most eight, in small letters.")
	}
	sub := h.Subscribe(topics...)
	defer sub.Close()
	select {
	case <-sub.Ended():
		return echo.NewHTTPError(http.StatusServiceUnavailable, "The program is stopping.")
	default:
	}
	if c.Request().Header.Get("Last-Event-ID") != "" {
		sub.mark(topics...) // it was away, and may have missed some
	} else if since := c.QueryParam("since"); since != "" {
		sub.CatchUp(since)
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream; charset=utf-8")
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx: proxy_buffering, switched off for this answer
	c.Response().WriteHeader(http.StatusOK)
	newStream(c.Response(), h.cfg).run(c.Request().Context(), sub)
	return nil
}

// wanted checks the names of topics: short, in small letters, digits and separators.
func wanted(topics []string) ([]string, bool) {
	if len(topics) == 0 || len(topics) > maxTopics {
		return nil, false
	}
	for _, topic := range topics {
		if topic == "" || len(topic) > 64 || strings.Trim(topic, "abcdefghijklmnopqrstuvwxyz0123456789_:-") != "" {
			return nil, false
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics), true
}

// stream is one browser's answer that does not end.
type stream struct {
	w       *echo.Response
	control *http.ResponseController
	cfg     Config
}

func newStream(w *echo.Response, cfg Config) *stream {
	return &stream{w: w, control: http.NewResponseController(w.Writer), cfg: cfg}
}

// run writes until the browser or the hub goes, or the lifetime is over. That a
// browser went away is the usual end, so no error is returned.
func (s *stream) run(ctx context.Context, sub *Subscription) {
	// The server's time limits are for requests that end.
	_ = s.control.SetReadDeadline(time.Time{})
	defer func() { _ = s.control.SetWriteDeadline(time.Time{}) }()
	heartbeat := s.cfg.Clock.NewTicker(s.cfg.Heartbeat)
	defer heartbeat.Stop()
	lifetime := s.cfg.Clock.NewTimer(s.cfg.Lifetime)
	defer lifetime.Stop()
	gap := s.cfg.Clock.NewTimer(s.cfg.Gap)
	gap.Stop()
	defer gap.Stop()

	// An id alone is no event, but the browser sends it back as Last-Event-ID when
	// it reconnects.
	text, ready := "retry: 2000\nid: 0\n\n", sub.Ready()
	for s.write(text) {
		select {
		case <-ctx.Done():
			return
		case <-sub.Ended():
			return
		case <-lifetime.Chan():
			return
		case <-heartbeat.Chan():
			text = ": quiet\n\n"
		case <-ready:
			text = events(sub.Take())
			ready = nil
			gap.Reset(s.cfg.Gap)
		case <-gap.Chan():
			text, ready = "", sub.Ready()
		}
	}
}

// write sends the text at once and says whether the browser took it.
func (s *stream) write(text string) bool {
	if text == "" {
		return true
	}
	// Not every writer can have a deadline; then the server's own applies. Deadlines of
	// connections are kept by the system, on its clock.
	_ = s.control.SetWriteDeadline(time.Now().Add(s.cfg.WriteLimit))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

func events(topics []string) string {
	var b strings.Builder
	for _, topic := range topics {
		b.WriteString("event: " + topic + "\ndata: changed\n\n")
	}
	return b.String()
}
