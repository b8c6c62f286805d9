package syncengine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"riverqueue.com/riverui"

	"salesactions/models"
	"salesactions/syncengine/activities"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/outbox"
)

// The job kinds.
const (
	jobExtract      = "people_extract"
	jobFollow       = "people_follow"
	jobReread       = "people_reread"
	jobCount        = "people_count"
	jobCheck        = "marketo_check"
	jobReconcile    = "reconcile_nightly"
	jobCleanUp      = "clean_up"
	jobMarketo      = "deliver_marketo"
	jobSalesforce   = "deliver_salesforce"
	jobResolve      = "resolve_activities"
	jobPullTasks    = "pull_tasks"
	jobUnsubscribes = "sync_unsubscribes"
)

// kinds is THE table of job kinds. A job's work is one function of a stage; how the
// work is kept to one process at a time, and how it goes on after a crash, is the
// stage's own affair. A periodic job looks for work that a crash left without its
// nudge, so a lost nudge costs one period.
func (e *Engine) kinds() []kind {
	return []kind{
		{name: jobExtract, schedule: every(5 * time.Second), work: e.people.Extract, gated: true},
		{name: jobFollow, schedule: every(e.cfg.PollInterval), work: e.people.Follow, gated: true},
		{name: jobReread, work: e.people.RereadSoon, gated: true},
		{name: jobCount, work: e.people.Count},
		{name: jobCheck, work: e.checkConnection},
		{name: jobReconcile, schedule: dailyAt(3), work: e.startNightlyReconcile},
		{name: jobMarketo, schedule: every(3 * time.Second), work: e.toMarketo.Run, closes: true},
		{name: jobSalesforce, schedule: every(3 * time.Second), work: e.toSalesforce.Run, closes: true},
		{name: jobPullTasks, schedule: every(e.cfg.TaskPoll), work: e.reading(e.tasks.Pull)},
		// At 20:00 Pacific both sides are compared; package unsubscribes knows when that is.
		{name: jobUnsubscribes, schedule: every(time.Minute), work: e.reading(e.watchUnsubscribes)},
		{name: jobResolve, schedule: every(5 * time.Second), work: e.resolve},
		{name: jobCleanUp, schedule: every(time.Hour), work: e.cleanUp},
	}
}

// kind is one kind of job.
type kind struct {
	name     string
	schedule schedule // nil: only when asked for
	work     func(context.Context) error
	gated    bool // waits while the people sync is in trouble; its errors are that trouble
	closes   bool // takes nothing up after jobTime, and ends its calls in the minute that it has left
}

// schedule says when a periodic job is due.
type schedule interface {
	river.PeriodicSchedule
	// onStart says that it is due as well when the program starts.
	onStart() bool
}

// every is due after each such time, and at the start. A short time is how soon work goes
// on whose nudge was lost or whose next try has come, and how soon another replica takes
// over.
type every time.Duration

// Next returns when it is due after a time at which it was.
func (d every) Next(now time.Time) time.Time { return now.Add(time.Duration(d)) }
func (d every) onStart() bool                { return true }

// dailyAt is due once a day, at an hour in UTC.
type dailyAt int

// Next returns the next such hour.
func (hour dailyAt) Next(now time.Time) time.Time {
	y, m, d := now.UTC().Date()
	next := time.Date(y, m, d, int(hour), 0, 0, 0, time.UTC)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}
func (hour dailyAt) onStart() bool { return false }

const (
	// jobTime is how long a job works before the next one takes over, so that the
	// row of a killed process's job does not look busy for long.
	jobTime = 10 * time.Minute
	// workers is how many jobs one process works on at a time.
	workers = 12
)

// nudge is a job's arguments: which kind of work to look at.
type nudge struct {
	Name string `json:"-"`
}

// Kind names the job.
func (n nudge) Kind() string { return n.Name }

// InsertOpts gives a job one attempt: what failed is noted with the work itself,
// and looked at again by the next job.
func (n nudge) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (e *Engine) newJobs() (*river.Client[pgx.Tx], error) {
	registry := river.NewWorkers()
	var periodic []*river.PeriodicJob
	for _, k := range e.kinds() {
		river.AddWorkerArgs(registry, nudge{Name: k.name}, &worker{engine: e, kind: k})
		if k.schedule != nil {
			construct := func() (river.JobArgs, *river.InsertOpts) { return nudge{Name: k.name}, nil }
			periodic = append(periodic, river.NewPeriodicJob(k.schedule, construct, &river.PeriodicJobOpts{RunOnStart: k.schedule.onStart()}))
		}
	}
	jobs, err := river.NewClient(riverpgxv5.New(e.queue), &river.Config{
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		Workers:                     registry,
		PeriodicJobs:                periodic,
		JobTimeout:                  jobTime + time.Minute,
		RescueStuckJobsAfter:        jobTime + 2*time.Minute,
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: 7 * 24 * time.Hour,
		FetchCooldown:               50 * time.Millisecond,
		Logger:                      e.log,
	})
	if err != nil {
		return nil, fmt.Errorf("set the background jobs up: %w", err)
	}
	return jobs, nil
}

// insertJob asks River for a job. The engine asks through its field insert, so that a
// test can do the jobs itself.
func (e *Engine) insertJob(ctx context.Context, name string, opts *river.InsertOpts) error {
	if _, err := e.jobs.Insert(ctx, nudge{Name: name}, opts); err != nil {
		return fmt.Errorf("ask for the job %s: %w", name, err)
	}
	return nil
}

// nudge asks for work to be looked at now.
func (e *Engine) nudge(ctx context.Context, name string) error { return e.insert(ctx, name, nil) }

// nudgeReread asks for the inbox to be read, once for all hints of a second: the
// job waits that long before it looks.
func (e *Engine) nudgeReread(ctx context.Context) error {
	return e.insert(ctx, jobReread, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: time.Second}})
}

// nudgeDeliveries asks for deliveries to be made now. A run of this process sees them
// by itself.
func (e *Engine) nudgeDeliveries(ctx context.Context) error {
	for name, to := range map[string]*outbox.Deliverer{jobMarketo: e.toMarketo, jobSalesforce: e.toSalesforce} {
		if to.Running() {
			continue
		}
		if err := e.nudge(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// resolve gives what waits for people those who arrived, lets go what waits for people
// who were read again, and has it delivered.
func (e *Engine) resolve(ctx context.Context) error {
	var moved int64
	for _, step := range []func(context.Context) (int64, error){
		func(ctx context.Context) (int64, error) { return activities.Resolve(ctx, e.pool, e.outbox) },
		func(ctx context.Context) (int64, error) { return activities.Release(ctx, e.pool, e.outbox) },
		e.unsubscribes.Resolve,
	} {
		n, err := step(ctx)
		if err != nil {
			return err
		}
		moved += n
	}
	if err := e.tasks.Resolve(ctx); err != nil || moved == 0 {
		return err
	}
	return e.nudgeDeliveries(ctx)
}

// reading is work that reads Salesforce: it waits while nothing is sent there, and what
// no other call would survive pauses what is sent, too.
func (e *Engine) reading(work func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		waits, err := e.outbox.Paused(ctx, models.ToSalesforce)
		if err != nil || waits {
			return err
		}
		err = work(ctx)
		var said *failure.PausedError
		if err != nil && ctx.Err() == nil && (errors.As(err, &said) || failure.Classify(err).Pauses()) {
			return e.outbox.Pause(ctx, models.ToSalesforce, err)
		}
		return err
	}
}

// worker hands a job of River to the engine.
type worker struct {
	river.WorkerDefaults[nudge]
	engine *Engine
	kind   kind
}

// Work does the kind's work. What failed is not tried again as this job, but by the next.
func (w *worker) Work(ctx context.Context, _ *river.Job[nudge]) error {
	if err := w.engine.run(ctx, w.kind); err != nil {
		return river.JobCancel(err)
	}
	return nil
}

// run does the work of a kind once. It is the edge at which a job's error is handled:
// noted for Settings to show, logged once, and left for the next job.
func (e *Engine) run(ctx context.Context, k kind) error {
	if k.gated {
		waiting, err := e.people.InTrouble(ctx)
		if err != nil || waiting {
			return err
		}
	}
	// River ends a job by real time, and so does this.
	working, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	if k.closes {
		working = outbox.Until(ctx, e.clock, jobTime)
	}
	err := k.work(working)
	switch {
	case err == nil:
		return nil
	case working.Err() != nil:
		return nil // handed over, or stopping: the next job goes on at the checkpoint
	case errors.Is(err, ErrNotConnected):
		return nil
	}
	e.log.ErrorContext(ctx, "Background work failed", "job", k.name, "error", err)
	if k.gated {
		err = errors.Join(err, e.people.NoteTrouble(ctx, err))
	}
	return err
}

// JobsHandler serves River's own pages about jobs under a prefix. The caller
// guards them. Its background refresh ends with ctx.
func (e *Engine) JobsHandler(ctx context.Context, prefix string) (http.Handler, error) {
	handler, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(e.jobs, nil), Logger: e.log, Prefix: prefix,
	})
	if err == nil {
		err = handler.Start(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("set the pages about jobs up: %w", err)
	}
	return handler, nil
}

// cleanUp removes what nobody can use any more. Each table is cleaned by its owner.
func (e *Engine) cleanUp(ctx context.Context) error {
	now := e.clock.Now()
	const day = 24 * time.Hour
	return errors.Join(
		models.ForgetSessions(ctx, e.db, now),
		models.ForgetSigninFailures(ctx, e.db, now.Add(-day)),
		models.ForgetInvitations(ctx, e.db, now.Add(-30*day)),
		models.ForgetLeases(ctx, e.pool, now.Add(-day)),
		budget.Forget(ctx, e.pool, now.Add(-400*day)),
		e.forgetAuthorizations(ctx, now),
	)
}
