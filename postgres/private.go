package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

const (
	// turnWait is how long a long-lived program waits for a short-lived command to
	// end rather than share its server, which is about to stop.
	turnWait = 15 * time.Second
	// answerWait is how long the server of another program may take to answer, its
	// first set-up or recovery included.
	answerWait = 2 * time.Minute
	// pollEvery is how often a server, a lock or a process is looked at.
	pollEvery = 50 * time.Millisecond
	// takeOverEvery is how often one who shares looks whether the owner has gone.
	takeOverEvery = 200 * time.Millisecond
	// restartWait and restartWaitMost bound the pause before a server that ended by
	// itself is started again; it doubles each time.
	restartWait     = time.Second
	restartWaitMost = 30 * time.Second
)

// Config says where the private server lives.
type Config struct {
	// Dir is the data folder, made when missing: the database goes to its folder
	// "postgres", the socket to "run" (or, when that path is too long for a socket,
	// to a folder of its own below the temporary one).
	Dir string
	// BinDir holds PostgreSQL's programs; default: they are looked for.
	BinDir string
	Log    *slog.Logger // default: nothing is logged
	// ShortLived is for a command that ends soon: a long-lived program that starts
	// meanwhile waits for its end and then runs the server itself.
	ShortLived bool
	// Settings are added to the server's, by PostgreSQL's names, for tests.
	Settings map[string]string
}

// Private is a PostgreSQL server for this program and others of the same data
// folder. One of them owns it, that is, holds the lock and runs the server; the rest
// share it, and the first to notice that the owner has gone becomes the owner. Its
// methods may be called concurrently.
//
// The server ends with its owner, however that ends, kill -9 included; what it had
// committed is there at the next start.
type Private struct {
	place  place
	config Config
	lock   *fileLock

	mu     sync.Mutex
	shared bool

	cancel context.CancelFunc
	hurry  chan struct{} // closed when Stop's context has ended
	once   sync.Once     // guards hurry
	done   chan struct{} // closed when the server is down and the lock given back
}

// Start returns when the database answers, which includes making it the first time
// and recovering it after a crash. Every error is one sentence for people.
func Start(ctx context.Context, config Config) (*Private, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	place, err := newPlace(config.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := openLock(filepath.Join(place.dir, "postgres.lock"))
	if err != nil {
		return nil, folderError(place.dir, err)
	}
	p := &Private{place: place, config: config, lock: lock, hurry: make(chan struct{}), done: make(chan struct{})}
	server, err := p.join(ctx)
	if err != nil {
		lock.close()
		return nil, err
	}
	// The server outlives the start's deadline; Stop ends it.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	go p.supervise(life, server)
	return p, nil
}

// URL is a standard one, the same for every program of the data folder, and good for
// psql too.
func (p *Private) URL() string { return p.place.url(databaseName) }

// Shared tells whether another program runs the server at the moment.
func (p *Private) Shared() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shared
}

// Stop ends the server if it is ours, in an orderly way until the context ends and
// then at once, which loses nothing but makes the next start recover. It is safe to
// call twice.
func (p *Private) Stop(ctx context.Context) error {
	p.cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	p.once.Do(func() { close(p.hurry) })
	<-p.done
	return fmt.Errorf("stop the private database in time: %w", ctx.Err())
}

// join makes this program the owner, returning the running server, or finds the
// server of another, returning nil.
func (p *Private) join(ctx context.Context) (*server, error) {
	started := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		owner, err := p.lock.try(p.config.ShortLived)
		if err != nil {
			return nil, folderError(p.place.dir, err)
		}
		if owner {
			return p.serve(ctx)
		}
		waited := time.Since(started)
		holder := p.lock.holder()
		if p.config.ShortLived || !holder.shortLived || waited > turnWait {
			if ping(ctx, p.place.url(databaseName)) == nil {
				p.setShared(true)
				return nil, nil
			}
		}
		if waited > answerWait {
			return nil, fmt.Errorf("process %d uses the data folder %s and its database does not answer: end that process and start again", holder.pid, p.place.dir)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the database in %s: %w", p.place.dir, ctx.Err())
		case <-tick.C:
		}
	}
}

// supervise keeps a server running until the context ends: it takes over from an
// owner that has gone, and starts again a server that ended by itself.
func (p *Private) supervise(ctx context.Context, running *server) {
	defer close(p.done)
	defer p.lock.close()
	wait := restartWait
	for {
		if running == nil {
			if running = p.takeOver(ctx); running == nil {
				return
			}
			wait = restartWait
		}
		select {
		case <-ctx.Done():
			p.setShared(false)
			running.stop(p.hurry)
			p.place.removeShortSocketDir()
			return
		case <-running.exited:
		}
		p.config.Log.ErrorContext(ctx, "private database ended by itself", "cause", running.cause())
		running = p.revive(ctx, wait)
		wait = min(2*wait, restartWaitMost)
		if running == nil {
			return
		}
	}
}

// takeOver waits for the lock and then for a server of our own; nil when the context
// ended first.
func (p *Private) takeOver(ctx context.Context) *server {
	tick := time.NewTicker(takeOverEvery)
	defer tick.Stop()
	for {
		owner, err := p.lock.try(p.config.ShortLived)
		if err != nil {
			p.config.Log.WarnContext(ctx, "lock of the private database unreadable", "error", err)
		}
		if owner {
			p.config.Log.InfoContext(ctx, "taking over the private database")
			running := p.revive(ctx, 0)
			if running != nil {
				p.setShared(false)
			}
			return running
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// revive starts the server after a pause, until it runs; nil when the context ended
// first.
func (p *Private) revive(ctx context.Context, wait time.Duration) *server {
	for {
		pause := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
		running, err := p.serve(ctx)
		if err == nil {
			return running
		}
		if ctx.Err() == nil {
			p.config.Log.ErrorContext(ctx, "private database does not start", "error", err)
		}
		wait = min(max(2*wait, restartWait), restartWaitMost)
	}
}

func (p *Private) setShared(shared bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shared = shared
}
