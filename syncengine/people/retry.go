package people

import (
	"context"
	"time"

	"github.com/sethvargo/go-retry"

	"salesactions/syncengine/failure"
)

// maxBackoff is the longest wait between two tries of one call.
const maxBackoff = time.Minute

// retry makes a call again while its errors are of the kind that passes, with
// full jitter. The calls retried here only read, so trying again is free of doubt.
// The error of the last try is returned as it is.
func (s *Sync) retry(ctx context.Context, call func(ctx context.Context) error) error {
	return s.retryTimes(ctx, uint64(s.cfg.Retries), call)
}

func (s *Sync) retryTimes(ctx context.Context, times uint64, call func(ctx context.Context) error) error {
	backoff := retry.NewExponential(s.cfg.RetryBase)
	backoff = retry.WithJitterPercent(50, backoff)
	backoff = retry.WithCappedDuration(maxBackoff, backoff)
	backoff = retry.WithMaxRetries(times, backoff)
	return retry.Do(ctx, backoff, func(ctx context.Context) error {
		err := call(ctx)
		if err != nil && failure.Classify(err).Passing() {
			return retry.RetryableError(err)
		}
		return err
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
