package marketo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptrace"
	"time"
)

// errSlow says that the server took longer than its documentation allows it. It is
// no context error, so that a slow server is told from a caller who gave up.
var errSlow = errors.New("no answer in time")

// withLimit returns a context that ends with errSlow when a request is not answered
// within a limit of its being sent, the timer that runs from then on, and what ends
// both. The time before, when the transport waits for a budget, does not count:
// otherwise a pause longer than the limit would look like a server that does not
// answer, and ask for the next pause.
func withLimit(ctx context.Context, limit time.Duration) (context.Context, *time.Timer, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w: %s have passed", errSlow, limit)) })
	timer.Stop()
	trace := &httptrace.ClientTrace{GetConn: func(string) { timer.Reset(limit) }}
	return httptrace.WithClientTrace(ctx, trace), timer, func() {
		timer.Stop()
		cancel(nil)
	}
}

// reason returns why a request failed: the context's cause if that ended it, and
// never an address, which may hold a secret.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return withoutURL(err)
}

func brokeOff(ctx context.Context, operation string, status int, err error) error {
	return &Error{Operation: operation, Kind: KindTransport, HTTPStatus: status, Message: "the answer broke off", Err: reason(ctx, err)}
}

// fileBody is a bulk file being read. Its errors are typed, a server that stops
// sending ends it, and its end is the call's end. The reader's own time between two
// reads does not count.
type fileBody struct {
	io.ReadCloser
	idle   *time.Timer
	broken func(error) error
	stop   context.CancelFunc
	ended  func(error) // told once
}

// Read implements io.Reader.
func (b *fileBody) Read(p []byte) (int, error) {
	b.idle.Reset(timeFile)
	n, err := b.ReadCloser.Read(p)
	b.idle.Stop()
	switch {
	case errors.Is(err, io.EOF):
		b.ended(nil)
	case err != nil:
		err = b.broken(err)
		b.ended(err)
	}
	return n, err
}

// Close implements io.Closer. A file given up before its end is no failed call.
func (b *fileBody) Close() error {
	b.stop()
	b.ended(nil)
	return b.ReadCloser.Close()
}
