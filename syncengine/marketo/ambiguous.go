package marketo

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
)

// Ambiguous says whether a write that failed with err may have been carried out
// all the same. Such a write is never repeated blindly: Marketo knows no key that
// would make a second one harmless (Marketo REST: add custom activities).
//
// A call for which no connection was taken was surely not made: the budget or the
// caller's context ended it before, or no token was to be had. One that was sent
// is in doubt when no whole answer came back, when a gateway answered instead of
// Marketo, and when Marketo says that it did not come to an end (500, 502, 604 and
// 611; Marketo REST: error codes). All other codes say that nothing was done.
func Ambiguous(err error) bool {
	var call *Error
	if !errors.As(err, &call) || !call.Sent {
		return false
	}
	switch call.Kind {
	case KindTransport, KindBadAnswer:
		return true
	case KindAPI:
		return call.HTTPStatus >= 500 || isUnfinished(call.Code)
	default:
		return false
	}
}

func isUnfinished(code string) bool {
	return code == CodeInternal || code == CodeGateway || code == CodeTimeout || code == CodeSystem
}

// withSent returns a context that notices when a connection is taken for a call,
// and what writes that down in the call's error. A connection counts and not the
// first byte on it: an error in this direction costs a look-up, one in the other
// an activity that is there twice.
func withSent(ctx context.Context) (context.Context, func(error) error) {
	var sent atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	return httptrace.WithClientTrace(ctx, trace), func(err error) error {
		var call *Error
		if errors.As(err, &call) {
			call.Sent = sent.Load()
		}
		return err
	}
}
