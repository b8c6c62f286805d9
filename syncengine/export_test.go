package syncengine

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// Job is a kind of job as a test runs it.
type Job struct {
	Name    string
	Next    func(time.Time) time.Time // when it is due after a time; nil: only when asked for
	OnStart bool
	Run     func(context.Context) error
}

// Jobs are all kinds, in the order of their table.
func (e *Engine) Jobs() []Job {
	var jobs []Job
	for _, k := range e.kinds() {
		j := Job{Name: k.name, Run: func(ctx context.Context) error { return e.run(ctx, k) }}
		if k.schedule != nil {
			j.Next, j.OnStart = k.schedule.Next, k.schedule.onStart()
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// OnNudge hands the jobs that are asked for to a test in place of River.
func (e *Engine) OnNudge(asked func(name string)) {
	e.insert = func(_ context.Context, name string, _ *river.InsertOpts) error {
		asked(name)
		return nil
	}
}
