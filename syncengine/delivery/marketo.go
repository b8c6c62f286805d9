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
		made, err := SetUpMarketo(budget.For(ctx, "activity types"), m.pool, client, endpoint)
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
	calling, cancel := outbox.Promptly(budget.For(ctx, "activities"), m.cfg.Lease)
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

// firstLook is when an activity of unknown outcome is looked for first: most are
// there within seconds.
func (m *toMarketo) firstLook() time.Duration { return min(m.cfg.MarketoSettle/4, 15*time.Second) }

// marketoSettling finds out what became of activities whose call had no answer.
type marketoSettling toMarketo

// Round reads the log back for those that are due.
func (m *marketoSettling) Round(ctx context.Context, run uuid.UUID) (int, error) {
	items, err := takeUnknown(ctx, m.pool, models.ToMarketo, marketo.MaxAddActivities)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	there, err := m.readBack(budget.For(ctx, "proof of activities"), items)
	switch {
	case err != nil && (ctx.Err() != nil || !outbox.Meaning(err).Passing()):
		return 0, err
	case err != nil:
		wait := outbox.Backoff(3)
		return len(items), record(ctx, m.pool, run, outbox.ForAll(items, func(i item) outbox.Outcome { return outbox.Unknown(i.ID, wait) }))
	}
	return len(items), record(ctx, m.pool, run, outbox.ForAll(items, func(i item) outbox.Outcome {
		if id, found := there[i.ActivityID]; found {
			return outbox.Delivered(i.ID, id)
		}
		return m.absent(i)
	}))
}

// absent believes the second look only: log rows appear late. The looks are as far
// apart as Config says, and the second is as long after the sending.
func (m *marketoSettling) absent(i item) outbox.Outcome {
	if i.Looks == 0 || i.SentAt != nil && time.Since(*i.SentAt) < m.cfg.MarketoSettle {
		o := outbox.Unknown(i.ID, m.cfg.MarketoSettle)
		o.Looked = true
		return o
	}
	return outbox.Absent(i.ID)
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
	types := (*toMarketo)(m).types().typeIDs()
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
