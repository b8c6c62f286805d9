package budget

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"salesactions/clock"
)

// Transport returns an http.RoundTripper that sends a request once the budget
// admits it, and counts the call as running until its answer was read or closed.
// Requests for which metered is false go through at once.
func (b *Budget) Transport(base http.RoundTripper, metered func(*http.Request) bool) http.RoundTripper {
	return &transport{budget: b, base: base, metered: metered}
}

type transport struct {
	budget  *Budget
	base    http.RoundTripper
	metered func(*http.Request) bool
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.metered(req) {
		return t.base.RoundTrip(req)
	}
	ctx := req.Context()
	place, err := t.budget.enter(ctx)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		place.leave()
		return nil, err
	}
	resp.Body = &countedBody{ReadCloser: resp.Body, leave: place.leave}
	return resp, nil
}

// place is a call in flight.
type place struct {
	leave func()
}

// enter waits for this process's own places first, so that waiting calls do not
// all ask the database, then for the database's.
func (b *Budget) enter(ctx context.Context) (*place, error) {
	i := intentOf(ctx)
	a, local, err := b.admit(ctx, i)
	if err != nil {
		return nil, err
	}
	stop := b.keepAlive(ctx, a.slot)
	leave := sync.OnceFunc(func() {
		stop()
		if err := b.release(ctx, a.slot); err != nil {
			// The place frees itself when its lease ends.
			slog.WarnContext(ctx, "A call's place was not given back", "system", b.limits.System, "error", err)
		}
		local()
	})
	if err := clock.Sleep(ctx, b.clock, a.wait); err != nil {
		leave()
		return nil, err
	}
	if i.calls != nil {
		i.calls.Add(1)
	}
	return &place{leave: leave}, nil
}

// admit lets one background call at a time wait for a place and the clock.
func (b *Budget) admit(ctx context.Context, i intent) (admission, func(), error) {
	if i.class != Interactive {
		if err := b.turn.Acquire(ctx, 1); err != nil {
			return admission{}, nil, err
		}
		defer b.turn.Release(1)
	}
	local, err := b.enterLocal(ctx, i)
	if err != nil {
		return admission{}, nil, err
	}
	a, err := b.acquire(ctx, i)
	if err != nil {
		local()
		return admission{}, nil, err
	}
	return a, local, nil
}

func (b *Budget) enterLocal(ctx context.Context, i intent) (func(), error) {
	if i.class != Interactive {
		if err := b.background.Acquire(ctx, 1); err != nil {
			return nil, err
		}
	}
	leave := func() {
		if i.class != Interactive {
			b.background.Release(1)
		}
	}
	if err := b.all.Acquire(ctx, 1); err != nil {
		leave()
		return nil, err
	}
	return func() { b.all.Release(1); leave() }, nil
}

// keepAlive renews a place's lease until it is stopped; long downloads outlive one.
func (b *Budget) keepAlive(ctx context.Context, slot int) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := b.clock.NewTicker(b.limits.Lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.Chan():
				if err := b.renew(ctx, slot); err != nil && ctx.Err() == nil {
					slog.WarnContext(ctx, "A call's place was not kept", "system", b.limits.System, "error", err)
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

type countedBody struct {
	io.ReadCloser
	leave func()
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil {
		c.leave()
	}
	return n, err
}

func (c *countedBody) Close() error {
	err := c.ReadCloser.Close()
	c.leave()
	return err
}
