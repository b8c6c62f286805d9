package outbox

import (
	"context"
	"sync"
	"time"
)

// ending lets the lanes of a run end together: one that has nothing to do stays for as
// long as another has, since nobody else would do what becomes due in it meanwhile.
type ending struct {
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
		e.moved = time.Now()
	}
}

// now says that the run is over: no lane is at work, and none moved anything for a while.
func (e *ending) now() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = e.over || e.busy == 0 && time.Since(e.moved) > e.linger
	return e.over
}

type untilKey struct{}

// Until returns a context whose runs claim nothing after a time. Calls that are under
// way then may end, so that nothing is in doubt only because a run gave way to the next.
func Until(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, untilKey{}, at)
}

// closing says that nothing more is to be claimed.
func closing(ctx context.Context) bool {
	at, limited := ctx.Value(untilKey{}).(time.Time)
	return limited && !time.Now().Before(at)
}
