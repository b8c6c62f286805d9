package outbox

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"time"

	"github.com/jonboulle/clockwork"
)

// ErrNotAdmitted says that a call was not made, because there was no room for it among
// the calls of its system for too long.
var ErrNotAdmitted = errors.New("the call waited too long for its turn")

// TurnPause is how long a row waits whose call had to wait too long.
const TurnPause = time.Second

// WithStartLimit returns a context whose call must be on its way within a limit, or is
// not made. A row counts as sent from its claim on: a call that waited on and on could be
// carried out after its record was declared absent. The time that the call itself
// takes does not count.
func WithStartLimit(ctx context.Context, clock clockwork.Clock, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := clock.AfterFunc(limit, func() { cancel(fmt.Errorf("%w: %w", ErrNotAdmitted, context.DeadlineExceeded)) })
	trace := &httptrace.ClientTrace{
		GetConn:              func(string) { timer.Stop() },
		GotFirstResponseByte: func() { timer.Reset(limit) }, // it may be made once more, with a new token
	}
	return httptrace.WithClientTrace(ctx, trace), func() {
		timer.Stop()
		cancel(nil)
	}
}
