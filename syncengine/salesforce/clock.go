package salesforce

import (
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// clockAge is how long an answer's time is relied on: no two clocks go alike for ever.
const clockAge = 10 * time.Minute

// clock bounds Salesforce's clock from below. Answers tell it in whole seconds and on
// their way back, so that none says when a query read what it answers with; but it was
// at least as late as all earlier answers said, and as has passed since.
type clock struct {
	ours clockwork.Clock

	mu    sync.Mutex
	told  time.Time // by the answer that says most
	heard time.Time // when it was here
}

// hear learns from the head of an answer (RFC 9110: Date).
func (c *clock) hear(head http.Header) {
	told, err := http.ParseTime(head.Get("Date"))
	if err != nil {
		return
	}
	now := c.ours.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := now.Sub(c.heard); since > clockAge || told.After(c.told.Add(since)) {
		c.told, c.heard = told, now
	}
}

// now is the earliest that it can be there; zero where nothing was heard yet.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told.IsZero() {
		return time.Time{}
	}
	return c.told.Add(c.ours.Since(c.heard))
}
