package syncengine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"
	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"salesactions/crypt"
	"salesactions/models"
	"salesactions/syncengine/activities"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/people"
	"salesactions/syncengine/sftask"
	"salesactions/syncengine/smartgrid"
	"salesactions/syncengine/tasks"
	"salesactions/syncengine/unsubscribes"
)

// What callers decide on.
var (
	ErrNotConnected   = errors.New("Marketo is not connected: enter its endpoint, client id and secret in Settings → Marketo")
	ErrAlreadyRunning = people.ErrAlreadyRunning
	ErrNotRunning     = people.ErrNotRunning
	ErrNotPaused      = people.ErrNotPaused
	ErrNeverCopied    = people.ErrNeverCopied
)

// InvalidError says what is wrong with one field of a form.
type InvalidError struct {
	Field   string
	Message string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Message }

// CopyMethod is how the initial sync reads people.
type CopyMethod = people.CopyMethod

// The methods.
const (
	CopyAuto  = people.CopyAuto
	CopyBulk  = people.CopyBulk
	CopyPaged = people.CopyPaged
)

// Config is what the engine is told from outside; zero values mean the defaults.
type Config struct {
	Box   *crypt.Box      // seals secrets at rest; required
	Clock clockwork.Clock // the time, for all that is decided by it; required
	Work  bool            // run background jobs; false for a replica that only serves pages

	Marketo          Credentials           // from the environment; then Settings shows them read-only
	WebhookSecrets   []string              // from the environment, likewise
	PollInterval     time.Duration         // between readings of Marketo's change logs; default 30 s
	SweepInterval    time.Duration         // between readings of their overlap; default 10 min
	ExportPoll       time.Duration         // between questions after a bulk job; default 60 s, Marketo's refresh
	Rate             int                   // Marketo calls per 20 s; default 50, half of what a subscription has
	Concurrency      int                   // Marketo calls in flight; default 5, half of what a subscription has
	DailyBudget      int64                 // Marketo calls per day; default 25,000, half of the usual quota
	Salesforce       SalesforceCredentials // from the environment, likewise
	SalesforceDaily  int64                 // Salesforce calls per day; default 50,000, half of the least that orgs with an API have
	MarketoSettle    time.Duration         // see activities.Config
	SalesforceSettle time.Duration         // likewise
	Linger           time.Duration         // how long a deliverer waits for more before its run ends; default 5 s

	TaskPoll  time.Duration // between readings of Salesforce's changes of tasks; default 30 s
	CheckTime time.Duration // how long the check before a send waits for Marketo; see unsubscribes.Config
	GridTime  time.Duration // how long a page waits for Marketo's smart grid; default 3 s, thrice that for an account
	Copy      CopyMethod    // how the initial sync reads people; default CopyAuto
	Exports   int           // bulk jobs in flight; default 5
	BatchRows int           // people stored in one transaction; default 5,000
	MissDelay time.Duration // before a person who was not found is asked for again; default 60 s
	UserAgent string
	HTTP      http.RoundTripper // default http.DefaultTransport
	Log       *slog.Logger      // default slog.Default()
}

// Deps are the handles that the engine shares with the rest of the program.
type Deps struct {
	Pool  *pgxpool.Pool // for the engine's own work
	Queue *pgxpool.Pool // for River, so that busy work cannot starve its leadership
	Gorm  *gorm.DB
}

// Engine runs the background work and answers questions about it. It is safe for
// concurrent use.
type Engine struct {
	cfg     Config
	pool    *pgxpool.Pool
	queue   *pgxpool.Pool
	db      *gorm.DB
	log     *slog.Logger
	clock   clockwork.Clock
	holder  string
	budget  *budget.Budget
	people  *people.Sync
	jobs    *river.Client[pgx.Tx]
	insert  func(ctx context.Context, name string, opts *river.InsertOpts) error // asks for a job
	clients clients

	grids            *smartgrid.Reader
	recorder         *activities.Recorder
	outbox           *outbox.Outbox
	toMarketo        *outbox.Deliverer
	toSalesforce     *outbox.Deliverer
	org              *org.Org
	tasks            *tasks.Sync
	unsubscribes     *unsubscribes.Keeper
	checks           checks
	salesforceBudget *budget.Budget
	salesforce       salesforceClients

	stopOnce sync.Once
	started  bool
}

// marketoZone is where Marketo's day starts (Marketo REST: integration best
// practices, "12:00AM CST").
const marketoZone = "America/Chicago"

// Salesforce has no limit of calls a second; of long ones, 25 may run at once
// (Salesforce REST: limits). Ours are short, and few at a time lock little.
const (
	salesforceRate        = 50 // a second
	salesforceConcurrency = 8
)

// New returns an engine; Start begins its background work.
func New(ctx context.Context, cfg Config, deps Deps) (*Engine, error) {
	if cfg.Box == nil {
		return nil, errors.New("the engine needs a box to seal secrets with")
	}
	if cfg.Clock == nil {
		return nil, errors.New("the engine needs a clock")
	}
	cfg.PollInterval = cmp.Or(cfg.PollInterval, 30*time.Second)
	cfg.Rate = cmp.Or(cfg.Rate, 50)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 5)
	cfg.DailyBudget = cmp.Or(cfg.DailyBudget, 25_000)
	cfg.TaskPoll = cmp.Or(cfg.TaskPoll, 30*time.Second)
	cfg.GridTime = cmp.Or(cfg.GridTime, 3*time.Second)
	cfg.SalesforceDaily = cmp.Or(cfg.SalesforceDaily, 50_000)
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultTransport
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	zone, err := time.LoadLocation(marketoZone)
	if err != nil {
		return nil, fmt.Errorf("find the time zone of Marketo's quota: %w", err)
	}
	e := &Engine{cfg: cfg, pool: deps.Pool, queue: deps.Queue, db: deps.Gorm, log: cfg.Log, clock: cfg.Clock, holder: uuid.NewString()}
	e.budget, err = budget.New(ctx, deps.Pool, cfg.Clock, e.holder, budget.Limits{
		System: "marketo", Rate: cfg.Rate, Window: 20 * time.Second, Concurrency: cfg.Concurrency, Daily: cfg.DailyBudget, Zone: zone,
	})
	if err != nil {
		return nil, err
	}
	e.people = people.New(deps.Pool, e, people.Config{
		ExportPoll: cfg.ExportPoll, SweepEvery: cfg.SweepInterval, MissDelay: cfg.MissDelay,
		Copy: cfg.Copy, Exports: cfg.Exports, BatchRows: cfg.BatchRows, Clock: cfg.Clock,
	})
	e.salesforceBudget, err = budget.New(ctx, deps.Pool, cfg.Clock, e.holder, budget.Limits{
		System: "salesforce", Rate: salesforceRate, Window: time.Second, Concurrency: salesforceConcurrency, Daily: cfg.SalesforceDaily,
	})
	if err != nil {
		return nil, err
	}
	e.grids = smartgrid.NewReader(cfg.Clock)
	e.outbox = outbox.New(deps.Pool, cfg.Clock)
	e.org = org.New(deps.Pool, deps.Gorm, e.outbox, e.Salesforce)
	writer := sftask.New(e.outbox, e.org)
	e.tasks = tasks.New(deps.Pool, deps.Gorm, e.outbox, e.org, writer, tasks.Config{Settle: cfg.SalesforceSettle})
	e.unsubscribes = unsubscribes.New(deps.Pool, deps.Gorm, cfg.Box, e.outbox, e.org, e.Marketo, unsubscribes.Config{CheckTime: cfg.CheckTime})
	e.recorder = activities.NewRecorder(deps.Pool, e.outbox, e.unsubscribeBounced)
	how := activities.Config{Config: outbox.Config{Log: cfg.Log, Linger: cfg.Linger}, MarketoSettle: cfg.MarketoSettle, SalesforceSettle: cfg.SalesforceSettle, Reread: e.people.TouchAll}
	e.toMarketo = activities.NewMarketo(deps.Pool, e.outbox, e.marketoFor, how)
	e.toSalesforce = activities.NewSalesforce(deps.Pool, e.outbox, e.org, writer, how, unsubscribes.Push{Keeper: e.unsubscribes}, tasks.Push{Sync: e.tasks})
	e.insert = e.insertJob
	e.jobs, err = e.newJobs()
	return e, err
}

// Start begins the background work, if this process does any. Stop ends it.
func (e *Engine) Start(ctx context.Context) error {
	if !e.cfg.Work {
		return nil
	}
	// The jobs live until Stop, whatever ends ctx.
	if err := e.jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the background jobs: %w", err)
	}
	e.started = true
	test, err := e.LastMarketoTest(ctx)
	if err != nil || test != nil {
		return err
	}
	return e.nudge(ctx, jobCheck) // a connection from the environment was never saved
}

// stopGrace is how long jobs may go on to their next checkpoint.
const stopGrace = 2 * time.Second

// Stop ends the background work: jobs get a moment, then their contexts end and
// they stop at their last checkpoint. It is safe to call twice and before Start.
func (e *Engine) Stop(ctx context.Context) error {
	var err error
	e.stopOnce.Do(func() {
		defer e.grids.Stop()
		if !e.started {
			return
		}
		soft, cancel := context.WithTimeout(ctx, stopGrace)
		defer cancel()
		if err = e.jobs.Stop(soft); err == nil || ctx.Err() != nil {
			return
		}
		err = e.jobs.StopAndCancel(ctx)
	})
	if err != nil {
		return fmt.Errorf("stop the background jobs: %w", err)
	}
	return nil
}

// audit writes what an admin did.
func (e *Engine) audit(ctx context.Context, actor, action, subject string, details []byte) error {
	return models.RecordAudit(ctx, e.db, e.clock.Now(), models.AuditEvent{Actor: actor, Action: action, Subject: subject, Details: details})
}
