package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Time limits. A call may run for ten minutes at Salesforce (Salesforce REST: API
// request limits); one that takes longer than ours is in doubt, not failed.
const (
	timeCall  = 150 * time.Second
	timeToken = time.Minute
)

// errSlow says that Salesforce took longer than we wait. It is no context error, so
// that a slow server is told from a caller who gave up.
var errSlow = errors.New("no answer in time")

// withLimit returns a context that ends with errSlow when a request is not answered
// within a limit of its being sent, and what ends it. The time before, when the
// transport waits for a budget, does not count.
func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w: %s have passed", errSlow, limit)) })
	timer.Stop()
	trace := &httptrace.ClientTrace{GetConn: func(string) { timer.Reset(limit) }}
	return httptrace.WithClientTrace(ctx, trace), func() {
		timer.Stop()
		cancel(nil)
	}
}

// withSent returns a context that notices when a connection is taken for a call,
// and what writes that down in the call's error. A connection counts and not the
// headers on it, which another goroutine writes while this one may give up: an error
// in this direction costs a look-up, one in the other a Task that is there twice.
func withSent(ctx context.Context, write bool) (context.Context, func(error) error) {
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	return httptrace.WithClientTrace(ctx, trace), func(err error) error {
		var call *Error
		if errors.As(err, &call) {
			call.RequestSent, call.Write = sent.Load(), write
		}
		return err
	}
}

// reason returns why a request failed: the context's cause if that ended it, and
// never an address, which may hold a query.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var addressed *url.Error
	if errors.As(err, &addressed) {
		return addressed.Err
	}
	return err
}
