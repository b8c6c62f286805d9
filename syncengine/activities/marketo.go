package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/outbox"
)

// setupAge is how long what was found of the activity types is believed.
const setupAge = time.Hour

// toMarketo adds activities and finds out about those of unknown outcome.
type toMarketo struct {
	cfg    Config
	pool   *pgxpool.Pool
	outbox *outbox.Outbox
	client func(context.Context) (*marketo.Client, string, error) // with the instance's address
	pace   *outbox.Pace

	mu    sync.Mutex
	setup MarketoSetup
}

// NewMarketo returns the deliverer to Marketo. client gives the client of the
// connection in force and its address.
func NewMarketo(pool *pgxpool.Pool, o *outbox.Outbox, client func(context.Context) (*marketo.Client, string, error), cfg Config) *outbox.Deliverer {
	cfg = cfg.withDefaults()
	m := &toMarketo{cfg: cfg, pool: pool, outbox: o, client: client, pace: o.NewPace(marketoCreates, marketo.MaxAddActivities)}
	return o.NewDeliverer(models.ToMarketo, cfg.Config, m.prepare, m, (*marketoSettling)(m))
}

// prepare sees to it that our activity types are there and approved.
func (m *toMarketo) prepare(ctx context.Context) error {
	client, endpoint, err := m.client(ctx)
	if err != nil {
		return err
	}
	known, err := LoadMarketoSetup(ctx, m.pool)
	if err != nil {
		return err
	}
	if known == nil || known.Error != "" || known.Endpoint != endpoint || m.outbox.Clock().Since(known.At) > setupAge {
		made, err := SetUpMarketo(budget.For(ctx, budget.ActivityTypes), m.pool, m.outbox, client, endpoint)
		if err != nil {
			return err
		}
		known = &made
	}
	m.keep(*known)
	return nil
}

func (m *toMarketo) keep(setup MarketoSetup) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.setup = setup
}

func (m *toMarketo) types() MarketoSetup {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setup
}

// Round sends what is due in full batches, several at a time, and what is left when
// nothing more comes.
func (m *toMarketo) Round(ctx context.Context, run uuid.UUID) (int, error) {
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(m.cfg.Calls)
	moved := 0
	for sending.Err() == nil {
		n, err := m.pace.Ready(sending)
		if err != nil || n == 0 {
			return moved, errors.Join(group.Wait(), err)
		}
		started := m.outbox.Clock().Now()
		items, err := claim(sending, m.pool, m.outbox, run, marketoCreates, n, outbox.Narrow{})
		if err != nil || len(items) == 0 {
			return moved, errors.Join(group.Wait(), err)
		}
		moved += len(items)
		group.Go(func() error { return m.send(sending, run, items, started) })
	}
	return moved, group.Wait()
}

// send makes the calls for claimed rows and stores what became of each: one call,
// unless some have had no answer before.
func (m *toMarketo) send(ctx context.Context, run uuid.UUID, items []item, claimed time.Time) error {
	setup := m.types()
	var outcomes []outbox.Outcome
	batch := make([]addition, 0, len(items))
	size := 0
	for n, i := range items {
		activity := setup.Layout.newActivity(i, setup.typeID(i.Kind))
		bytes := marketo.EncodedSize(activity)
		if size+bytes > maxCallBytes { // what does not fit goes with the next call
			outcomes = append(outcomes, outbox.NotSent(items[n:])...)
			break
		}
		size += bytes
		batch = append(batch, addition{i, activity})
	}
	calls := outbox.SplitByDoubt(batch, marketo.MaxAddActivities)
	sent, err := outbox.Each(calls, func(call []addition) ([]outbox.Outcome, error) { return m.add(ctx, call, claimed) })
	return errors.Join(m.record(ctx, run, append(outcomes, sent...), items), err)
}

// addition is a claimed delivery with what is to be added.
type addition struct {
	item
	activity marketo.NewActivity
}

// add makes one call. Whatever happens there is an outcome for every row; an error
// besides means that nothing more can be sent now.
func (m *toMarketo) add(ctx context.Context, batch []addition, claimed time.Time) ([]outbox.Outcome, error) {
	client, _, err := m.client(ctx)
	if err != nil || m.outbox.Clock().Since(claimed) > m.cfg.Lease { // this process stood still: another run may know of these rows by now
		return outbox.NotSent(batch), err
	}
	activities := make([]marketo.NewActivity, len(batch))
	for n, a := range batch {
		activities[n] = a.activity
	}
	calling, cancel := outbox.WithStartLimit(budget.For(ctx, budget.Activities), m.outbox.Clock(), m.cfg.Lease)
	defer cancel()
	results, err := client.AddActivities(calling, activities)
	if err != nil {
		return m.failedCall(ctx, batch, claimed, err)
	}
	return m.added(ctx, client, batch, results)
}

// added decides what became of each activity of a call that Marketo carried out. A type
// that is gone is no mistake of the activities: they wait for it.
func (m *toMarketo) added(ctx context.Context, client *marketo.Client, batch []addition, results []marketo.AddResult) ([]outbox.Outcome, error) {
	outcomes := make([]outbox.Outcome, len(batch))
	suspect := false
	for n, a := range batch {
		outcomes[n] = result(a.item, results[n])
		suspect = suspect || isOfType(outcomes[n].Failure.Code)
	}
	if !suspect {
		return outcomes, nil
	}
	err := m.checkTypes(ctx, client)
	for n, a := range batch {
		if err != nil && isOfType(outcomes[n].Failure.Code) {
			outcomes[n] = outbox.Unsent(a.Claimed, 0)
		}
	}
	return outcomes, err
}

func result(i item, r marketo.AddResult) outbox.Outcome {
	if r.Added {
		return outbox.Delivered(i.Claimed, r.ID)
	}
	what := failure.OfMarketoRecord(r.Code, r.Message)
	if what.Heal == failure.HealFollowRecord && i.Times(what.Code) < followTries {
		return reread(i.Claimed, what)
	}
	return outbox.Refused(i.Claimed, what, 1, false)
}

// failedCall decides what a call that failed as a whole means for its rows. A type of
// ours that is gone is looked for first: it is no mistake of the activities.
func (m *toMarketo) failedCall(ctx context.Context, batch []addition, claimed time.Time, err error) ([]outbox.Outcome, error) {
	if !failure.Unanswered(err) && isOfType(failure.Classify(err).Code) {
		client, _, checkErr := m.client(ctx)
		if checkErr == nil {
			checkErr = m.checkTypes(ctx, client)
		}
		if checkErr != nil {
			return outbox.NotSent(batch), checkErr
		}
	}
	rules := outbox.Rules{Unanswered: func(c outbox.Claimed, what failure.Failure, records int) outbox.Outcome {
		return outbox.Unanswered(c, what, records, m.firstLook())
	}}
	return outbox.FailedCall(ctx, err, batch, rules, func(half []addition) ([]outbox.Outcome, error) { return m.add(ctx, half, claimed) })
}
