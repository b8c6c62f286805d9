package people

import (
	"context"
	"math/rand/v2"
	"time"

	"salesactions/clock"
	"salesactions/syncengine/failure"
)

// maxBackoff is the longest wait between two tries of one call.
const maxBackoff = time.Minute

// retry makes a call again while its errors are of the kind that passes. The calls
// retried here only read, so trying again is free of doubt. The error of the last try
// is returned as it is.
func (s *Sync) retry(ctx context.Context, call func(ctx context.Context) error) error {
	for tries := 0; ; tries++ {
		err := call(ctx)
		if err == nil || tries >= s.cfg.Retries || !failure.Classify(err).Passing() {
			return err
		}
		if err := s.sleep(ctx, backoff(s.cfg.RetryBase, tries)); err != nil {
			return err
		}
	}
}

// backoff is the wait after a number of tries: twice as long each time, half of it
// shorter or longer by chance.
func backoff(base time.Duration, tries int) time.Duration {
	wait := min(base<<min(tries, 10), maxBackoff)
	return min(wait/2+rand.N(max(wait, 1)), maxBackoff)
}

// sleep waits by the sync's clock. Its error is the cause that ended ctx.
func (s *Sync) sleep(ctx context.Context, d time.Duration) error {
	if err := clock.Sleep(ctx, s.cfg.Clock, d); err != nil {
		return context.Cause(ctx)
	}
	return nil
}
