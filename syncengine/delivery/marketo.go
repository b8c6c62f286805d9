package delivery

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
	client func(context.Context) (*marketo.Client, string, error) // with the instance's address
	pace   *outbox.Pace

	mu    sync.Mutex
	setup MarketoSetup
}

// NewMarketo returns the deliverer to Marketo. client gives the client of the
// connection in force and its address.
func NewMarketo(pool *pgxpool.Pool, client func(context.Context) (*marketo.Client, string, error), cfg Config) *outbox.Deliverer {
	cfg = cfg.withDefaults()
	m := &toMarketo{cfg: cfg, pool: pool, client: client,
		pace: outbox.NewPace(pool, models.ToMarketo, models.Create, marketo.MaxAddActivities)}
	return outbox.New(pool, models.ToMarketo, cfg.Config, m.prepare, m, (*marketoSettling)(m))
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
	if known == nil || known.Error != "" || known.Endpoint != endpoint || time.Since(known.At) > setupAge {
		made, err := SetUpMarketo(budget.For(ctx, budget.ActivityTypes), m.pool, client, endpoint)
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
		n, err := m.pace.Ready(sending, time.Now())
		if err != nil || n == 0 {
			return moved, errors.Join(group.Wait(), err)
		}
		started := time.Now()
		items, err := takeDue(sending, m.pool, run, models.ToMarketo, n, selection{})
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
			outcomes = append(outcomes, outbox.ForAll(items[n:], item.unsent)...)
			break
		}
		size += bytes
		batch = append(batch, addition{i, activity})
	}
	calls := outbox.Apart(batch, marketo.MaxAddActivities, func(a addition) int { return a.Doubts })
	sent, err := outbox.Each(calls, addition.unsent, func(call []addition) ([]outbox.Outcome, error) { return m.add(ctx, call, claimed) })
	return errors.Join(m.record(ctx, run, append(outcomes, sent...), items), err)
}

// addition is a claimed delivery with what is to be added.
type addition struct {
	item
	activity marketo.NewActivity
}

func (a addition) unsent() outbox.Outcome { return a.item.unsent() }

// add makes one call. Whatever happens there is an outcome for every row; an error
// besides means that nothing more can be sent now.
func (m *toMarketo) add(ctx context.Context, batch []addition, claimed time.Time) ([]outbox.Outcome, error) {
	client, _, err := m.client(ctx)
	if err != nil || time.Since(claimed) > m.cfg.Lease { // this process stood still: another run may know of these rows by now
		return outbox.ForAll(batch, addition.unsent), err
	}
	activities := make([]marketo.NewActivity, len(batch))
	for n, a := range batch {
		activities[n] = a.activity
	}
	calling, cancel := outbox.Promptly(budget.For(ctx, budget.Activities), m.cfg.Lease)
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
			outcomes[n] = a.unsent()
		}
	}
	return outcomes, err
}

func result(i item, r marketo.AddResult) outbox.Outcome {
	if r.Added {
		return outbox.Delivered(i.ID, r.ID)
	}
	what := failure.OfMarketoRecord(r.Code, r.Message)
	if what.Heal == failure.HealFollowRecord && i.times(what.Code) < followTries {
		return reread(i.ID, what)
	}
	return outbox.Again(i.ID, i.times(what.Code), what)
}

// failedCall decides what a call that failed as a whole means for its rows.
func (m *toMarketo) failedCall(ctx context.Context, batch []addition, claimed time.Time, err error) ([]outbox.Outcome, error) {
	what := outbox.Meaning(err)
	if isOfType(what.Code) {
		client, _, checkErr := m.client(ctx)
		if checkErr == nil {
			checkErr = m.checkTypes(ctx, client)
		}
		if checkErr != nil {
			return outbox.ForAll(batch, addition.unsent), checkErr
		}
	}
	switch {
	case marketo.Ambiguous(err):
		return outbox.ForAll(batch, func(a addition) outbox.Outcome { return outbox.Unanswered(a.ID, what, len(batch), m.firstLook()) }), nil
	case errors.Is(err, outbox.ErrNotAdmitted):
		return outbox.ForAll(batch, func(a addition) outbox.Outcome { return outbox.Unsent(a.ID, outbox.TurnPause) }), nil
	case ctx.Err() != nil:
		return outbox.ForAll(batch, addition.unsent), nil
	case outbox.Halts(what):
		return outbox.ForAll(batch, addition.unsent), err
	case what.Retry == failure.Soon:
		return outbox.ForAll(batch, func(a addition) outbox.Outcome { return outbox.Again(a.ID, a.times(what.Code), what) }), nil
	case !splits(err):
		return outbox.ForAll(batch, addition.unsent), err
	case len(batch) == 1:
		return []outbox.Outcome{outbox.Parked(batch[0].ID, what)}, nil
	}
	return outbox.Halve(batch, addition.unsent, func(half []addition) ([]outbox.Outcome, error) { return m.add(ctx, half, claimed) })
}

// splits says that one of a call's records may have spoilt it for the others; other
// errors of a whole call would be met by every call (Marketo REST: error codes).
func splits(err error) bool {
	var call *marketo.Error
	if !errors.As(err, &call) {
		return false
	}
	switch call.Code {
	case "609", "701", "1001", "1002", marketo.CodeInvalidData, "1006":
		return true
	}
	return call.Kind == marketo.KindTooLarge
}
