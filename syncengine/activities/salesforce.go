package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
	"salesactions/syncengine/sftask"
	"salesactions/syncengine/who"
)

// toSalesforce creates Tasks. Creates of completed Tasks lock nothing and run side by
// side (Salesforce: Task, record locks).
type toSalesforce struct {
	cfg    Config
	pool   *pgxpool.Pool
	outbox *outbox.Outbox
	org    *org.Org
	writer *sftask.Writer
	pace   *outbox.Pace
}

// NewSalesforce returns the deliverer to Salesforce. The calls of the other lanes lock
// parents, as our changes of Tasks do, and are made in turn with those.
func NewSalesforce(pool *pgxpool.Pool, o *outbox.Outbox, to *org.Org, writer *sftask.Writer, cfg Config, locking ...outbox.Lane) *outbox.Deliverer {
	cfg = cfg.withDefaults()
	s := &toSalesforce{cfg: cfg, pool: pool, outbox: o, org: to, writer: writer, pace: o.NewPace(salesforceCreates, salesforce.MaxCollection)}
	updating := &salesforceUpdates{toSalesforce: s, pace: o.NewPace(salesforceChanges, salesforce.MaxCollection), gauge: outbox.NewGauge(salesforce.MaxCollection)}
	return o.NewDeliverer(models.ToSalesforce, cfg.Config, to.Prepare,
		s, outbox.InTurn(append(locking, updating)...), (*salesforceSettling)(s))
}

// now is what the org has, and how we log to it.
func (s *toSalesforce) now() (taskMaker, models.Logging) {
	setup, settings := s.org.Known()
	return taskMaker{setup}, settings.Logging
}

// Round asks for the opportunities of the contacts whose turn comes next, for many at
// once, and then creates Tasks in full batches, several at a time.
func (s *toSalesforce) Round(ctx context.Context, run uuid.UUID) (int, error) {
	group, sending := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.Calls)
	moved := 0
	for sending.Err() == nil {
		n, err := s.pace.Ready(sending)
		if err != nil || n == 0 {
			return moved, errors.Join(group.Wait(), err)
		}
		asked, err := s.askOpportunities(sending)
		if err != nil {
			return moved, errors.Join(group.Wait(), err)
		}
		started := s.outbox.Clock().Now()
		n = min(n, s.writer.CreateSize())
		items, err := claim(sending, s.pool, s.outbox, run, salesforceCreates, n, s.knownOpportunity())
		if err != nil {
			return moved, errors.Join(group.Wait(), err)
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

// askedAge is how long it is believed that a contact has no opportunity but the one that
// Salesforce told, or none.
const askedAge = 24 * time.Hour

// knownOpportunity takes only Tasks of leads, of contacts whose opportunity Marketo
// knows, and of contacts that Salesforce was asked about.
func (s *toSalesforce) knownOpportunity() outbox.Narrow {
	return outbox.Narrow{
		Joins: `JOIN activities ka ON ka.id = d.activity_id LEFT JOIN people named ON named.id = ka.person_id LEFT JOIN people kp ON kp.id = ` + who.NowOfNamed + `
			LEFT JOIN salesforce_records kr ON kr.id = left(kp.salesforce_contact_id, 15)`,
		Where: `(kp.salesforce_contact_id IS NULL OR kp.salesforce_opportunity_id IS NOT NULL OR kr.asked_at > @asked_after)`,
		Args:  pgx.NamedArgs{"asked_after": s.outbox.Clock().Now().Add(-askedAge)},
	}
}

// How many due Tasks are looked at for contacts to ask about: before each claim as many
// as the claim may have to pass, and when one of them needs asking as many as make the
// call worth it.
const (
	dueSoon  = 5 * salesforce.MaxCollection
	dueLater = 20_000
)

// askOpportunities asks for the open opportunities of the contacts of the Tasks that are
// due first, up to some thousand in one call, and returns how many contacts it asked
// for. It comes before each claim, which then finds its rows among the first.
func (s *toSalesforce) askOpportunities(ctx context.Context) (int, error) {
	contacts, err := s.contactsToAsk(ctx, dueSoon)
	if err == nil && len(contacts) > 0 {
		contacts, err = s.contactsToAsk(ctx, dueLater)
	}
	if err != nil || len(contacts) == 0 {
		return 0, err
	}
	return len(contacts), s.org.AskOpportunities(ctx, contacts)
}

// contactsToAsk returns the contacts whose opportunity is not known among so many of the
// Tasks that are due, those that are due first first.
func (s *toSalesforce) contactsToAsk(ctx context.Context, due int) ([]string, error) {
	known := s.knownOpportunity()
	args := pgx.NamedArgs{"now": s.outbox.Clock().Now(), "due": due, "most": org.MaxContacts}
	maps.Copy(args, known.Args)
	rows, err := s.pool.Query(ctx, `
		SELECT left(kp.salesforce_contact_id, 15) FROM (
			SELECT activity_id, due_at, id FROM deliveries WHERE destination = 'salesforce' AND operation = 'create' AND state = 'pending'
				AND hold IS NULL AND due_at <= @now ORDER BY due_at, id LIMIT @due) d `+known.Joins+`
		WHERE `+known.Where+` IS NOT TRUE GROUP BY 1 ORDER BY min(d.due_at), min(d.id) LIMIT @most`, args)
	if err == nil {
		var contacts []string
		if contacts, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
			return contacts, nil
		}
	}
	return nil, fmt.Errorf("find contacts whose opportunity is not known: %w", err)
}

// targets decides on what each Task hangs and whose it is.
func (s *toSalesforce) targets(ctx context.Context, items []item) ([]target, error) {
	people, reps := make([]org.SalesforceIDs, len(items)), make([]string, len(items))
	for n, i := range items {
		people[n], reps[n] = org.SalesforceIDs{ContactID: i.ContactID, LeadID: i.LeadID, AccountID: i.AccountID, OpportunityID: i.OpportunityID}, i.RepEmail
	}
	on, err := s.org.Targets(ctx, people)
	if err != nil {
		return nil, err
	}
	owners, err := s.org.Owners(ctx, reps)
	if err != nil {
		return nil, err
	}
	targets := make([]target, len(items))
	for n, i := range items {
		owner, matched := owners[i.RepEmail]
		targets[n] = target{Target: on[n], ownerID: owner, repUnmatched: !matched}
	}
	return targets, nil
}

// send makes the call for claimed rows and stores what became of each.
func (s *toSalesforce) send(ctx context.Context, run uuid.UUID, items []item, claimed time.Time) error {
	setup, logging := s.now()
	targets, err := s.targets(ctx, items)
	if err != nil {
		return errors.Join(record(ctx, s.outbox, run, outbox.NotSent(items)), err)
	}
	var outcomes []outbox.Outcome
	var tasks []sftask.NewTask
	for n, i := range items {
		if targets[n].WhoID == "" {
			outcomes = append(outcomes, outbox.Skipped(i.Claimed, models.SkippedNoRecord))
			continue
		}
		tasks = append(tasks, sftask.NewTask{Claimed: i.Claimed, Key: i.Activity, WhoID: targets[n].WhoID, RepEmail: i.RepEmail,
			Fields: setup.newTask(i, targets[n], logging.SubjectTemplate)})
	}
	sent, err := s.writer.Create(ctx, run, tasks, claimed, s.creating())
	return errors.Join(record(ctx, s.outbox, run, append(outcomes, sent...)), err)
}

func (s *toSalesforce) creating() sftask.Creating {
	return sftask.Creating{Purpose: budget.Activities, Settle: s.cfg.SalesforceSettle, Lease: s.cfg.Lease}
}

// salesforceSettling finds out what became of Tasks whose call had no answer.
type salesforceSettling toSalesforce

// Round looks for those that are due, by the way in which they can be found again.
func (s *salesforceSettling) Round(ctx context.Context, run uuid.UUID) (int, error) {
	unknown, err := s.outbox.Unknown(ctx, salesforceCreates, salesforce.MaxCollection)
	if err != nil || len(unknown) == 0 {
		return 0, err
	}
	sent := make([]sftask.Sent, len(unknown))
	for n, c := range unknown {
		sent[n] = sftask.Sent{Claimed: c, Key: c.Activity}
	}
	outcomes, err := s.writer.SettleUnknown(ctx, sent, nil, (*toSalesforce)(s).creating())
	return len(outcomes), errors.Join(record(ctx, s.outbox, run, outcomes), err)
}
