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

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

// setupAge is how long what was found of the activity types is believed.
const setupAge = time.Hour

// purpose is what the calls are counted as.
func purpose(ctx context.Context, name string) context.Context {
	return budget.WithPurpose(ctx, budget.Purpose{Name: name})
}

// toMarketo adds activities and finds out about those of unknown outcome.
type toMarketo struct {
	cfg    Config
	pool   *pgxpool.Pool
	client func(context.Context) (*marketo.Client, string, error) // with the instance's address
	pace   pace

	mu    sync.Mutex
	setup MarketoSetup
}

// NewMarketo returns the deliverer to Marketo. client gives the client of the
// connection in force and its address.
func NewMarketo(pool *pgxpool.Pool, client func(context.Context) (*marketo.Client, string, error), cfg Config) *Deliverer {
	cfg = cfg.withDefaults()
	m := &toMarketo{cfg: cfg, pool: pool, client: client,
		pace: pace{pool: pool, to: models.ToMarketo, operation: models.Create, full: marketo.MaxAddActivities}}
	return &Deliverer{cfg: cfg, pool: pool, to: models.ToMarketo, prepare: m.prepare, lanes: []lane{m, (*marketoSettling)(m)}}
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
		made, err := SetUpMarketo(purpose(ctx, "activity types"), m.pool, client, endpoint)
		if err != nil {
			return err
		}
		known = &made
	}
	m.mu.Lock()
	m.setup = *known
	m.mu.Unlock()
	return Unpause(ctx, m.pool, models.ToMarketo)
}

// round sends what is due in full batches, several at a time, and what is left when
// nothing more comes.
func (m *toMarketo) round(ctx context.Context, run uuid.UUID) (int, error) {
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(m.cfg.Calls)
	moved := 0
	for sending.Err() == nil {
		n, err := m.pace.ready(sending, time.Now())
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

// send makes the calls for claimed rows and stores what became of each.
func (m *toMarketo) send(ctx context.Context, run uuid.UUID, items []item, claimed time.Time) error {
	m.mu.Lock()
	setup := m.setup
	m.mu.Unlock()
	var outcomes []outcome
	batch := make([]marketo.NewActivity, 0, len(items))
	of := make([]item, 0, len(items))
	size := 0
	for n, i := range items {
		activity := setup.Layout.newActivity(i, setup.typeID(i.Kind))
		bytes := marketo.EncodedSize(activity)
		if size+bytes > maxCallBytes { // what does not fit goes with the next call
			for _, rest := range items[n:] {
				outcomes = append(outcomes, unsent(rest.ID, 0))
			}
			break
		}
		size += bytes
		batch, of = append(batch, activity), append(of, i)
	}
	sent, err := m.add(ctx, of, batch, claimed)
	return errors.Join(record(ctx, m.pool, run, append(outcomes, sent...)), err)
}

// add makes one call. Whatever happens there is an outcome for every row; an error
// besides means that nothing more can be sent now.
func (m *toMarketo) add(ctx context.Context, items []item, batch []marketo.NewActivity, claimed time.Time) ([]outcome, error) {
	client, _, err := m.client(ctx)
	if err != nil || time.Since(claimed) > m.cfg.Lease { // this process stood still: another run may know of these rows by now
		return forAll(items, func(i item) outcome { return unsent(i.ID, 0) }), err
	}
	results, err := client.AddActivities(purpose(ctx, "activities"), batch)
	if err != nil {
		return m.failedCall(ctx, items, batch, claimed, err)
	}
	outcomes := make([]outcome, len(items))
	for n, i := range items {
		outcomes[n] = m.result(i, results[n])
	}
	return outcomes, nil
}

func (m *toMarketo) result(i item, r marketo.AddResult) outcome {
	if r.Added {
		return delivered(i.ID, r.ID)
	}
	return again(i.ID, i.Attempts, failure.OfMarketoRecord(r.Code, r.Message))
}

// failedCall decides what a call that failed as a whole means for its rows.
func (m *toMarketo) failedCall(ctx context.Context, items []item, batch []marketo.NewActivity, claimed time.Time, err error) ([]outcome, error) {
	what := failure.Classify(err)
	switch {
	case marketo.Ambiguous(err):
		return forAll(items, func(i item) outcome { return unknown(i.ID, m.firstLook()) }), nil
	case ctx.Err() != nil:
		return forAll(items, func(i item) outcome { return unsent(i.ID, 0) }), nil
	case halts(what) || isOfAccess(err):
		return forAll(items, func(i item) outcome { return unsent(i.ID, 0) }), err
	case what.Retry == failure.Soon:
		return forAll(items, func(i item) outcome { return again(i.ID, i.Attempts, what) }), nil
	case len(items) == 1:
		return []outcome{parked(items[0].ID, what)}, nil
	}
	return halve(items, batch, func(items []item, batch []marketo.NewActivity) ([]outcome, error) {
		return m.add(ctx, items, batch, claimed)
	})
}

// isOfAccess knows errors that every call would meet: rights, address, subscription
// (Marketo REST: error codes).
func isOfAccess(err error) bool {
	for _, code := range []string{marketo.CodeAccessDenied, marketo.CodeNotEnabled, marketo.CodeWrongKind, "605", "610", "612"} {
		if marketo.IsCode(err, code) {
			return true
		}
	}
	return false
}

// firstLook is when an activity of unknown outcome is looked for first: most are
// there within seconds.
func (m *toMarketo) firstLook() time.Duration { return min(m.cfg.MarketoSettle/4, 15*time.Second) }

// marketoSettling finds out what became of activities whose call had no answer.
type marketoSettling toMarketo

// round reads the log back for those that are due.
func (m *marketoSettling) round(ctx context.Context, run uuid.UUID) (int, error) {
	items, err := takeUnknown(ctx, m.pool, models.ToMarketo, marketo.MaxAddActivities)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	there, err := m.readBack(purpose(ctx, "proof of activities"), items)
	return settle(ctx, m.pool, run, items, there, err, m.absent)
}

// absent believes the second look only: log rows appear late. The looks are as far
// apart as Config says, and the second is as long after the sending.
func (m *marketoSettling) absent(i item) outcome {
	if i.Looks == 0 || i.SentAt != nil && time.Since(*i.SentAt) < m.cfg.MarketoSettle {
		o := unknown(i.ID, m.cfg.MarketoSettle)
		o.looked = true
		return o
	}
	return outcome{id: i.ID, state: models.Pending}
}

// lookBack is how much earlier than the earliest activity the log is read from: its
// boundaries are uncertain (Marketo REST: paging tokens).
const lookBack = 5 * time.Minute

// readBack returns Marketo's ids of those of the activities that are in its log,
// which goes by the activity's own date and not by when it was written.
func (m *marketoSettling) readBack(ctx context.Context, items []item) (map[uuid.UUID]string, error) {
	client, _, err := m.client(ctx)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	types := m.setup.typeIDs()
	m.mu.Unlock()
	wanted := make(map[string]uuid.UUID, len(items))
	var leads []int64
	seen := map[int64]bool{}
	for _, i := range items {
		wanted[i.ActivityID.String()] = i.ActivityID
		if i.PersonID != nil && !seen[*i.PersonID] {
			seen[*i.PersonID] = true
			leads = append(leads, *i.PersonID)
		}
	}
	since, err := client.PagingToken(ctx, items[0].OccurredAt.Add(-lookBack))
	if err != nil {
		return nil, fmt.Errorf("read activities back: %w", err)
	}
	there := make(map[uuid.UUID]string)
	for len(leads) > 0 {
		n := min(len(leads), marketo.MaxActivityLeads)
		if err := readLog(ctx, client, since, types, leads[:n], wanted, there); err != nil {
			return nil, fmt.Errorf("read activities back: %w", err)
		}
		leads = leads[n:]
	}
	return there, nil
}

// readLog reads the log of some people to its end; pages may be empty before it. An
// activity is ours by the value of our id, whatever the attribute is called today.
func readLog(ctx context.Context, client *marketo.Client, token string, types []int, leads []int64, wanted map[string]uuid.UUID, there map[uuid.UUID]string) error {
	for {
		page, err := client.Activities(ctx, token, types, leads)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			for _, value := range a.Attributes {
				if id, ours := wanted[unquote(value)]; ours {
					there[id] = a.GUID
				}
			}
		}
		if !page.More {
			return nil
		}
		token = page.Next
	}
}

// unquote returns a JSON string's text; ids need no escapes.
func unquote(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}
