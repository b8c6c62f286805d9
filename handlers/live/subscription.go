package live

import (
	"slices"
	"sync"
)

// Subscription collects which of its topics changed since they were last taken.
// A topic that changes a thousand times meanwhile is one entry, so a slow reader
// costs nothing and holds nobody up.
type Subscription struct {
	hub    *Hub
	topics []string
	ready  chan struct{}

	mu      sync.Mutex
	changed []string // each once, in the order of the first change
}

func newSubscription(h *Hub, topics []string) *Subscription {
	return &Subscription{hub: h, topics: slices.Clone(topics), ready: make(chan struct{}, 1)}
}

// Ready holds a value when there is something to take.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Ended is closed when the hub stops.
func (s *Subscription) Ended() <-chan struct{} { return s.hub.ending }

// Take returns the topics that changed, and forgets them.
func (s *Subscription) Take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := s.changed
	s.changed = nil
	return changed
}

// CatchUp counts as changed what did so after a cursor of the hub.
func (s *Subscription) CatchUp(cursor string) { s.mark(s.hub.since(cursor, s.topics)...) }

// Close ends the subscription. It is safe twice.
func (s *Subscription) Close() { s.hub.forget(s) }

// mark notes those of the topics that were subscribed to.
func (s *Subscription) mark(topics ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, topic := range topics {
		if slices.Contains(s.topics, topic) && !slices.Contains(s.changed, topic) {
			s.changed = append(s.changed, topic)
		}
	}
	if len(s.changed) == 0 {
		return
	}
	select {
	case s.ready <- struct{}{}:
	default: // it is told already
	}
}
