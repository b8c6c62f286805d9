package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/clock"
)

// Channel is where the database's notifications arrive; the payload is the topic.
const Channel = "salesactions_live"

const (
	firstPause   = 200 * time.Millisecond // before the first try to connect again
	longestPause = 15 * time.Second
	quietLimit   = 30 * time.Second // without a word, the connection is asked whether it lives
	answerLimit  = 5 * time.Second
)

// listen keeps a connection that listens until ctx ends.
func (h *Hub) listen(ctx context.Context) {
	pause := firstPause
	for {
		heard, err := h.listenOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if heard {
			pause = firstPause
		}
		h.cfg.Log.WarnContext(ctx, "live updates are interrupted", slog.Any("error", err), slog.Duration("retry_in", pause))
		if clock.Sleep(ctx, h.cfg.Clock, pause/2+rand.N(pause/2)) != nil {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// listenOnce listens on one connection until it breaks. heard says whether it got
// as far as listening.
func (h *Hub) listenOnce(ctx context.Context) (heard bool, err error) {
	conn, err := h.connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerLimit)
		defer cancel()
		_ = conn.Close(closing) // nothing is lost with it
	}()
	h.publishAll()
	h.listening()
	for {
		if err := h.receive(ctx, conn); err != nil {
			return true, err
		}
	}
}

func (h *Hub) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, h.cfg.Connection.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to listen: %w", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+Channel); err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), conn.Close(ctx))
	}
	return conn, nil
}

// receive waits for one notification. A network that swallows packets looks like
// silence, so a long silence is tested.
func (h *Hub) receive(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, quietLimit)
	defer cancel()
	n, err := conn.WaitForNotification(waiting)
	if err == nil {
		h.publish(n.Payload)
		return nil
	}
	if ctx.Err() != nil || waiting.Err() == nil {
		return fmt.Errorf("wait for a notification: %w", err)
	}
	asking, cancelAsking := context.WithTimeout(ctx, answerLimit)
	defer cancelAsking()
	if err := conn.Ping(asking); err != nil {
		return fmt.Errorf("ask the quiet connection: %w", err)
	}
	return nil
}
