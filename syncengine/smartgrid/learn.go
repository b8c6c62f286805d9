package smartgrid

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"salesactions/syncengine/marketo"
)

// learnTime is how long learning may take after everybody who asked has left.
const learnTime = 30 * time.Second

// learner knows an instance's activity types and the place "90 days ago" in its log,
// each asked for once a day. A page waits a few seconds only, so that on a slow Marketo
// it would never see the end of both: learning goes on without it, and the next page
// finds what came. Errors leave what is known as it is.
type learner struct {
	mu      sync.Mutex
	client  *marketo.Client
	since   time.Time
	types   map[int]wanted // nil: not known
	token   string         // serves for the day (Marketo REST: paging tokens); empty: not known
	lesson  *lesson        // in progress, for this client and day
	stopped bool
	cancels map[*lesson]context.CancelFunc
	running sync.WaitGroup
}

// lesson is one asking for what is not known.
type lesson struct {
	done chan struct{}
	err  error // once done
}

var errStopped = errors.New("the program is stopping")

// learn returns both, and asks for what is missing. One lesson serves all who wait.
func (l *learner) learn(ctx context.Context, client *marketo.Client, since time.Time) (map[int]wanted, string, error) {
	for {
		types, token, awaited, err := l.look(ctx, client, since)
		if err != nil || awaited == nil {
			return types, token, err
		}
		select {
		case <-ctx.Done():
			return nil, "", fmt.Errorf("wait for Marketo's activity types: %w", ctx.Err())
		case <-awaited.done:
			if awaited.err != nil {
				return nil, "", awaited.err
			}
		}
	}
}

// look returns what is known, or the lesson to wait for.
func (l *learner) look(ctx context.Context, client *marketo.Client, since time.Time) (map[int]wanted, string, *lesson, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != client || !l.since.Equal(since) {
		l.client, l.since, l.types, l.token, l.lesson = client, since, nil, "", nil
	}
	switch {
	case l.types != nil && l.token != "":
		return l.types, l.token, nil, nil
	case l.stopped:
		return nil, "", nil, errStopped
	case l.lesson == nil:
		l.begin(ctx, client, since)
	}
	return nil, "", l.lesson, nil
}

// begin asks for what is missing, both at once. It holds the lock.
func (l *learner) begin(ctx context.Context, client *marketo.Client, since time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), learnTime)
	began := &lesson{done: make(chan struct{})}
	var asking sync.WaitGroup
	var typesErr, tokenErr error
	if l.types == nil {
		asking.Go(func() { typesErr = l.askTypes(ctx, began, client) })
	}
	if l.token == "" {
		asking.Go(func() { tokenErr = l.askToken(ctx, began, client, since) })
	}
	if l.cancels == nil {
		l.cancels = map[*lesson]context.CancelFunc{}
	}
	l.lesson, l.cancels[began] = began, cancel
	l.running.Go(func() {
		asking.Wait()
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.cancels, began)
		if l.lesson == began {
			l.lesson = nil
		}
		began.err = errors.Join(typesErr, tokenErr)
		close(began.done)
	})
}

func (l *learner) askTypes(ctx context.Context, of *lesson, client *marketo.Client) error {
	has, err := client.ActivityTypes(ctx)
	if err != nil {
		return fmt.Errorf("read Marketo's activity types: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lesson == of {
		l.types = known(has)
	}
	return nil
}

func (l *learner) askToken(ctx context.Context, of *lesson, client *marketo.Client, since time.Time) error {
	token, err := client.PagingToken(ctx, since)
	if err != nil {
		return fmt.Errorf("find the place in Marketo's log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lesson == of {
		l.token = token
	}
	return nil
}

// forget asks for the place anew, which Marketo does not accept any more.
func (l *learner) forget(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == token {
		l.token = ""
	}
}

func (l *learner) stop() {
	l.mu.Lock()
	l.stopped = true
	for _, cancel := range l.cancels {
		cancel()
	}
	l.mu.Unlock()
	l.running.Wait()
}
