package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"salesactions/models"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// SalesforceClient gives the client of the connection in force, with the instance
// and the connected user's id.
type SalesforceClient func(context.Context) (client *salesforce.Client, instance, userID string, err error)

// toSalesforce creates Tasks. Creates of completed Tasks lock nothing and run side by
// side (Salesforce: Task, record locks).
type toSalesforce struct {
	cfg    Config
	pool   *pgxpool.Pool
	db     *gorm.DB
	client SalesforceClient
	pace   pace
	reps   reps

	mu      sync.Mutex
	setup   SalesforceSetup
	logging models.Logging
}

// NewSalesforce returns the deliverer to Salesforce.
func NewSalesforce(pool *pgxpool.Pool, db *gorm.DB, client SalesforceClient, cfg Config) *Deliverer {
	cfg = cfg.withDefaults()
	s := &toSalesforce{cfg: cfg, pool: pool, db: db, client: client,
		pace: pace{pool: pool, to: models.ToSalesforce, operation: models.Create, full: salesforce.MaxCollection}}
	updating := &salesforceUpdates{toSalesforce: s,
		pace: pace{pool: pool, to: models.ToSalesforce, operation: models.Update, full: salesforce.MaxCollection}}
	return &Deliverer{cfg: cfg, pool: pool, to: models.ToSalesforce, prepare: s.prepare, lanes: []lane{s, updating, (*salesforceSettling)(s)}}
}

// prepare learns what the org has.
func (s *toSalesforce) prepare(ctx context.Context) error {
	client, instance, userID, err := s.client(ctx)
	if err != nil {
		return err
	}
	logging, _, err := models.LoadLogging(ctx, s.db)
	if err != nil {
		return err
	}
	known, err := LoadSalesforceSetup(ctx, s.pool)
	if err != nil {
		return err
	}
	if known == nil || known.Error != "" || known.Instance != instance || known.UserID != userID || time.Since(known.At) > setupAge ||
		s.changed(logging) {
		made, err := SetUpSalesforce(purpose(ctx, "setup"), s.pool, client, instance, userID, logging)
		if err != nil {
			return err
		}
		known = &made
	}
	s.mu.Lock()
	s.setup, s.logging = *known, logging
	s.mu.Unlock()
	return Unpause(ctx, s.pool, models.ToSalesforce)
}

// changed says that the fields for our id are other ones now.
func (s *toSalesforce) changed(now models.Logging) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logging.KeyField != "" && (s.logging.KeyField != now.KeyField || s.logging.MarkerField != now.MarkerField)
}

// lookAnew describes the org again, because it refused a field that it had.
func (s *toSalesforce) lookAnew(ctx context.Context) error {
	client, instance, userID, err := s.client(ctx)
	if err != nil {
		return err
	}
	logging, _, err := models.LoadLogging(ctx, s.db)
	if err != nil {
		return err
	}
	made, err := SetUpSalesforce(purpose(ctx, "setup"), s.pool, client, instance, userID, logging)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.setup, s.logging = made, logging
	s.mu.Unlock()
	return nil
}

func (s *toSalesforce) now() (SalesforceSetup, models.Logging) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setup, s.logging
}

// round asks for the opportunities of contacts first, for many at once, and then
// creates Tasks in full batches, several at a time.
func (s *toSalesforce) round(ctx context.Context, run uuid.UUID) (int, error) {
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.Calls)
	moved := 0
	for sending.Err() == nil {
		n, err := s.pace.ready(sending, time.Now())
		if err != nil || n == 0 {
			return moved, errors.Join(group.Wait(), err)
		}
		started := time.Now()
		items, err := takeDue(sending, s.pool, run, models.ToSalesforce, n, knownOpportunity)
		if err != nil {
			return moved, errors.Join(group.Wait(), err)
		}
		asked := 0
		if len(items) < n {
			if asked, err = s.askOpportunities(sending); err != nil {
				outcomes := forAll(items, func(i item) outcome { return unsent(i.ID, 0) })
				return moved, errors.Join(group.Wait(), record(ctx, s.pool, run, outcomes), err)
			}
		}
		if len(items)+asked == 0 {
			return moved, group.Wait()
		}
		moved += len(items) + asked
		if len(items) > 0 {
			group.Go(func() error { return s.send(sending, run, items, started) })
		}
	}
	return moved, group.Wait()
}

// send makes the call for claimed rows and stores what became of each.
func (s *toSalesforce) send(ctx context.Context, run uuid.UUID, items []item, claimed time.Time) error {
	setup, logging := s.now()
	targets, err := s.targets(ctx, items)
	if err != nil {
		return errors.Join(record(ctx, s.pool, run, forAll(items, func(i item) outcome { return unsent(i.ID, 0) })), err)
	}
	var (
		outcomes []outcome
		tasks    []map[string]any
		of       []item
	)
	for n, i := range items {
		if targets[n].whoID == "" {
			outcomes = append(outcomes, skipped(i.ID, models.SkippedNoRecord))
			continue
		}
		i.WhoID = &targets[n].whoID
		of, tasks = append(of, i), append(tasks, setup.newTask(i, targets[n], logging.SubjectTemplate))
	}
	if err := s.noteSent(ctx, run, of, setup.Scheme); err != nil {
		return err
	}
	sent, err := s.create(ctx, of, tasks, claimed)
	return errors.Join(record(ctx, s.pool, run, append(outcomes, sent...)), err)
}

// noteSent keeps how the Tasks can be found again, before they are sent.
func (s *toSalesforce) noteSent(ctx context.Context, run uuid.UUID, items []item, scheme Scheme) error {
	ids, whos := make([]int64, len(items)), make([]string, len(items))
	for n, i := range items {
		ids[n], whos[n] = i.ID, *i.WhoID
	}
	_, err := s.pool.Exec(ctx, `UPDATE deliveries d SET scheme = $3, who_id = t.who FROM unnest($1::bigint[], $2::text[]) AS t (id, who)
		WHERE d.id = t.id AND d.sender = $4`, ids, whos, scheme, run)
	if err != nil {
		return fmt.Errorf("note how Tasks can be found again: %w", err)
	}
	return nil
}

// create makes one call. An error besides the outcomes means that nothing more can
// be sent now.
func (s *toSalesforce) create(ctx context.Context, items []item, tasks []map[string]any, claimed time.Time) ([]outcome, error) {
	if len(items) == 0 {
		return nil, nil
	}
	client, _, _, err := s.client(ctx)
	if err != nil || time.Since(claimed) > s.cfg.Lease { // this process stood still: another run may know of these rows by now
		return forAll(items, func(i item) outcome { return unsent(i.ID, 0) }), err
	}
	results, err := client.CreateMany(purpose(ctx, "activities"), "Task", tasks)
	if err != nil {
		return s.failedCall(ctx, items, tasks, claimed, err)
	}
	return s.results(ctx, items, results)
}

// failedCall decides what a call that failed as a whole means for its rows.
func (s *toSalesforce) failedCall(ctx context.Context, items []item, tasks []map[string]any, claimed time.Time, err error) ([]outcome, error) {
	what := failure.Classify(err)
	var call *salesforce.Error
	setup, _ := s.now()
	switch {
	case errors.As(err, &call) && call.Ambiguous():
		return forAll(items, func(i item) outcome { return s.doubtful(i, setup.Scheme) }), nil
	case ctx.Err() != nil:
		return forAll(items, func(i item) outcome { return unsent(i.ID, 0) }), nil
	case halts(what):
		return forAll(items, func(i item) outcome { return unsent(i.ID, 0) }), err
	case what.Retry == failure.Soon:
		return forAll(items, func(i item) outcome { return again(i.ID, i.Attempts, what) }), nil
	case refreshesSetup(what) && items[0].Attempts < healAttempts:
		// A field that is gone or hidden fails the whole call.
		return forAll(items, func(i item) outcome { return later(i.ID, what, time.Second) }), s.lookAnew(ctx)
	case len(items) == 1:
		return []outcome{parked(items[0].ID, what)}, nil
	}
	return halve(items, tasks, func(items []item, tasks []map[string]any) ([]outcome, error) {
		return s.create(ctx, items, tasks, claimed)
	})
}

// doubtful is a Task of which nobody knows whether it was created. With a key field
// it can be sent again at once: Salesforce refuses the second.
func (s *toSalesforce) doubtful(i item, scheme Scheme) outcome {
	if scheme == SchemeKey {
		return outcome{id: i.ID, state: models.Pending, wait: backoff(i.Attempts)}
	}
	return unknown(i.ID, s.lookWait(0))
}

// lookShares are when a Task of unknown outcome is looked for after it was sent, as
// shares of the time after which it may be sent again.
var lookShares = []float64{0.05, 0.2, 0.5, 1}

func (s *toSalesforce) lookWait(looks int) time.Duration {
	before := 0.0
	if looks > 0 {
		before = lookShares[min(looks, len(lookShares))-1]
	}
	share := lookShares[min(looks, len(lookShares)-1)] - before
	return max(time.Duration(share*float64(s.cfg.SalesforceSettle)), 100*time.Millisecond)
}
