package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jonboulle/clockwork"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/marketo"
)

// Source is what the sync asks of whoever keeps the connection and the settings.
type Source interface {
	// Marketo returns the client of the connection in force.
	Marketo(ctx context.Context) (*marketo.Client, error)
	// Rule returns the rule that selects people.
	Rule(ctx context.Context) (Rule, error)
}

// Config tunes the sync; zero values mean the defaults, but for the clock.
type Config struct {
	ExportPoll time.Duration   // between questions after a bulk job's status; default 60 s, Marketo's refresh
	SweepEvery time.Duration   // between readings of the streams' overlap; default 10 min
	MissDelay  time.Duration   // before a person who was not found is asked for again; default 60 s
	Lease      time.Duration   // after which a killed process's work is taken over; default 10 s
	BatchRows  int             // rows stored in one transaction; default 5,000
	Exports    int             // bulk jobs in flight; default 5 of the 10 that a subscription may queue
	Readers    int             // batches of ids in flight; default 4
	Copy       CopyMethod      // how everybody is read; default CopyAuto
	Retries    int             // of a call that met an intermittent error, before the run waits; default 5
	RetryBase  time.Duration   // first delay of those, doubling; default 1 s
	Clock      clockwork.Clock // required
}

// CopyMethod is how a copy reads everybody.
type CopyMethod string

// The methods.
const (
	CopyAuto  CopyMethod = "auto"  // by whichever needs fewer calls
	CopyBulk  CopyMethod = "bulk"  // by bulk extract, while it is to be had
	CopyPaged CopyMethod = "paged" // in batches of ids
)

// Sync keeps people in step with Marketo. It is safe for concurrent use.
type Sync struct {
	pool   *pgxpool.Pool
	source Source
	cfg    Config

	mu      sync.Mutex
	mapped  Mapping
	mapping struct {
		client *marketo.Client
		rule   string
		at     time.Time
	}
}

// New returns a sync; it does nothing until its methods are called.
func New(pool *pgxpool.Pool, source Source, cfg Config) *Sync {
	cfg.ExportPoll = cmp.Or(cfg.ExportPoll, time.Minute)
	cfg.SweepEvery = cmp.Or(cfg.SweepEvery, 10*time.Minute)
	cfg.MissDelay = cmp.Or(cfg.MissDelay, time.Minute)
	cfg.Lease = cmp.Or(cfg.Lease, 10*time.Second)
	cfg.BatchRows = cmp.Or(cfg.BatchRows, 5000)
	cfg.Exports = cmp.Or(cfg.Exports, 5)
	cfg.Readers = cmp.Or(cfg.Readers, 4)
	cfg.Copy = cmp.Or(cfg.Copy, CopyAuto)
	cfg.Retries = cmp.Or(cfg.Retries, 5)
	cfg.RetryBase = cmp.Or(cfg.RetryBase, time.Second)
	return &Sync{pool: pool, source: source, cfg: cfg}
}

func (s *Sync) now() time.Time { return s.cfg.Clock.Now() }

// session is what one piece of work goes by: the client, the rule and the fields
// as the instance has them, all of one moment.
type session struct {
	client  *marketo.Client
	rule    Rule
	mapping Mapping
	// everybody who is read belongs to the workspace, because a list said so.
	everybody bool
}

// describeEvery is how long an instance's fields are remembered; Marketo advises
// a day or more (Marketo REST: integration best practices).
const describeEvery = 24 * time.Hour

func (s *Sync) session(ctx context.Context) (session, error) {
	client, err := s.source.Marketo(ctx)
	if err != nil {
		return session{}, err
	}
	rule, err := s.source.Rule(ctx)
	if err != nil {
		return session{}, err
	}
	mapping, err := s.fields(ctx, client, rule)
	return session{client: client, rule: rule, mapping: mapping}, err
}

func (s *Sync) fields(ctx context.Context, client *marketo.Client, rule Rule) (Mapping, error) {
	key := fmt.Sprint(rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapping.client == client && s.mapping.rule == key && s.now().Sub(s.mapping.at) < describeEvery {
		return s.mapped, nil
	}
	var known []marketo.Field
	err := s.retry(ctx, func(ctx context.Context) (err error) {
		known, err = client.Fields(ctx)
		return err
	})
	if err != nil {
		return Mapping{}, fmt.Errorf("ask Marketo for its fields: %w", err)
	}
	mapped := Resolve(rule, known)
	if mapped.Names["marketo_id"] == "" {
		return Mapping{}, errors.New("this Marketo instance does not show the field id, without which people cannot be told apart")
	}
	s.mapped = mapped
	s.mapping.client, s.mapping.rule, s.mapping.at = client, key, s.now()
	return mapped, nil
}

// tx runs fn in a transaction whose commit tells live pages that something changed.
func (s *Sync) tx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_notify('salesactions_live', 'sync')`); err != nil {
			return fmt.Errorf("tell live pages: %w", err)
		}
		return nil
	})
}

// runPurpose is the purpose of a run's calls.
func runPurpose(kind models.RunKind) budget.Purpose {
	switch kind {
	case models.RunCopy:
		return budget.InitialSync
	case models.RunReconcile:
		return budget.Reconciliation
	default:
		return budget.IncrementalSync
	}
}
