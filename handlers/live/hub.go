package live

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jonboulle/clockwork"
)

// Config says how a Hub listens and how its streams behave. Zero values take the defaults.
type Config struct {
	Connection *pgx.ConnConfig // where to listen; required
	Clock      clockwork.Clock // required
	Log        *slog.Logger    // default: nothing is logged

	Gap        time.Duration // between two writes to one browser; default 250 ms
	Heartbeat  time.Duration // between signs of life on a quiet stream; default 20 s
	WriteLimit time.Duration // within which a browser must take a write; default 10 s
	// Lifetime is after how long a stream ends, so that a browser has to prove anew
	// who it is; it comes back by itself. Default 15 minutes.
	Lifetime time.Duration
}

// Hub hands notifications of the database to the streams of this replica. All of
// it is safe for concurrent use.
type Hub struct {
	cfg       Config
	listening func() // tests are told here that the database was asked to notify

	mu      sync.Mutex
	changes changes
	streams map[*Subscription]struct{}
	cancel  context.CancelFunc // nil before Start
	stopped bool

	ending  chan struct{} // closed by Stop
	running sync.WaitGroup
}

// New makes a hub. Subscriptions are accepted before Start, and hear nothing until then.
func New(cfg Config) (*Hub, error) {
	if cfg.Connection == nil {
		return nil, errors.New("live: Config.Connection is missing")
	}
	if cfg.Clock == nil {
		return nil, errors.New("live: Config.Clock is missing")
	}
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	cfg.Gap = cmp.Or(cfg.Gap, 250*time.Millisecond)
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, 20*time.Second)
	cfg.WriteLimit = cmp.Or(cfg.WriteLimit, 10*time.Second)
	cfg.Lifetime = cmp.Or(cfg.Lifetime, 15*time.Minute)
	return &Hub{
		cfg:       cfg,
		listening: func() {},
		changes:   newChanges(),
		streams:   map[*Subscription]struct{}{},
		ending:    make(chan struct{}),
	}, nil
}

// Start listens until Stop, or until ctx ends, and comes back by itself when the
// database went away. It returns at once; starting twice or after Stop does nothing.
func (h *Hub) Start(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || h.cancel != nil {
		return
	}
	ctx, h.cancel = context.WithCancel(ctx)
	h.running.Go(func() { h.listen(ctx) })
}

// Stop ends all streams and the connection, and waits for the latter. It is safe
// twice and before Start. Call it before the server waits for its requests, which
// the streams are.
func (h *Hub) Stop() {
	h.mu.Lock()
	if !h.stopped {
		h.stopped = true
		close(h.ending)
	}
	if h.cancel != nil {
		h.cancel()
	}
	h.mu.Unlock()
	h.running.Wait()
}

// Cursor is the place in the stream of changes. Whoever takes it, reads what there
// is, and then subscribes and catches up from there misses nothing.
func (h *Hub) Cursor() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changes.cursor()
}

// Subscribe returns a subscription to the topics; close it when done.
func (h *Hub) Subscribe(topics ...string) *Subscription {
	s := newSubscription(h, topics)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams[s] = struct{}{}
	return s
}

// publish marks a topic as changed for everyone who asked for it.
func (h *Hub) publish(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes.note(topic)
	for s := range h.streams {
		s.mark(topic)
	}
}

// publishAll marks every topic as changed: nobody knows what was missed.
func (h *Hub) publishAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes.noteMissed()
	for s := range h.streams {
		s.mark(s.topics...)
	}
}

func (h *Hub) since(cursor string, topics []string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changes.since(cursor, topics)
}

func (h *Hub) forget(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
}
