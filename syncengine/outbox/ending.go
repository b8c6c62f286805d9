package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// ending makes the lanes of a run end together: one that has nothing to do stays for as
// long as another has, since nobody else would do what becomes due in it meanwhile.
type ending struct {
	clock  clockwork.Clock
	linger time.Duration

	mu    sync.Mutex
	busy  int       // lanes in a round
	moved time.Time // when a lane moved something last
	over  bool
}

func (e *ending) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy++
}

func (e *ending) end(moved bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy--
	if moved {
		e.moved = e.clock.Now()
	}
}

// now says that the run is over: no lane is at work, and none moved anything for a while.
func (e *ending) now() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = e.over || e.busy == 0 && e.clock.Since(e.moved) > e.linger
	return e.over
}

type untilKey struct{}

// until is when a run stops claiming, by which clock.
type until struct {
	clock clockwork.Clock
	at    time.Time
}

// Until returns a context whose runs claim nothing after a while. Calls that are under
// way then may end, so that nothing is in doubt only because a run gave way to the next.
func Until(ctx context.Context, clock clockwork.Clock, after time.Duration) context.Context {
	return context.WithValue(ctx, untilKey{}, until{clock, clock.Now().Add(after)})
}

// closing says that nothing more is to be claimed.
func closing(ctx context.Context) bool {
	u, limited := ctx.Value(untilKey{}).(until)
	return limited && !u.clock.Now().Before(u.at)
}
