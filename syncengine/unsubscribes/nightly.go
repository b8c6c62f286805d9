package unsubscribes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

// ErrRunning says that a run is in progress.
var ErrRunning = errors.New("both sides are being compared already")

const (
	runLease = "unsubscribes:run"
	runTime  = 5 * time.Minute
	// overlap is read again each time, since a stamp may be that old when its row can
	// first be seen (Salesforce REST: polling for changes).
	overlap = 15 * time.Minute
	// followEvery is how often new opt-outs in Salesforce are looked for between the
	// nightly runs: a call for leads and one for contacts.
	followEvery = 5 * time.Minute
	// againAfter is how long a run that failed is left alone before the night is tried
	// again.
	againAfter  = 15 * time.Minute
	nightlyHour = 20 // in nightlyZone
	nightlyZone = "America/Los_Angeles"
)

// LastNight is the last time, not after now, at which a nightly run was due: 20:00
// Pacific.
func LastNight(now time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(nightlyZone)
	if err != nil {
		return time.Time{}, fmt.Errorf("find the time zone of the nightly run: %w", err)
	}
	y, m, d := now.In(zone).Date()
	due := time.Date(y, m, d, nightlyHour, 0, 0, 0, zone)
	if due.After(now) {
		due = time.Date(y, m, d-1, nightlyHour, 0, 0, 0, zone)
	}
	return due, nil
}

// NextNight is the first time after now at which a nightly run is due.
func NextNight(now time.Time) (time.Time, error) {
	last, err := LastNight(now)
	if err != nil {
		return last, err
	}
	y, m, d := last.Date()
	return time.Date(y, m, d+1, nightlyHour, 0, 0, 0, last.Location()), nil // a day may have 23 hours, or 25
}

// Watch does the run that somebody asked for, or that is due, and looks for new
// opt-outs in between. A night that the program slept through is made up for; a run
// that was killed is done again.
func (k *Keeper) Watch(ctx context.Context) error {
	settings, _, err := models.LoadUnsubscribing(ctx, k.db)
	if err != nil {
		return err
	}
	if settings.Nightly.On {
		if err := k.beginNightly(ctx, settings.Nightly.Since); err != nil {
			return err
		}
	}
	if ran, err := k.run(ctx); err != nil || ran {
		return err
	}
	if !settings.Nightly.On {
		return nil
	}
	return k.followAtTimes(ctx, settings)
}

// beginNightly begins a run where a night has passed without one since the nightly run
// was switched on. One that failed is begun again after a while.
func (k *Keeper) beginNightly(ctx context.Context, since time.Time) error {
	due, err := LastNight(k.now())
	if err != nil || due.Before(since) {
		return err
	}
	var done bool
	err = k.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM unsubscribe_runs WHERE started_at >= $1
		AND (outcome IS DISTINCT FROM 'failed' OR started_at > $2))`, due, k.now().Add(-againAfter)).Scan(&done)
	if err != nil {
		return fmt.Errorf("look when both sides were compared: %w", err)
	}
	if done {
		return nil
	}
	if err = k.Begin(ctx, "system"); errors.Is(err, ErrRunning) {
		return nil
	}
	return err
}

// followAtTimes looks for new opt-outs, unless somebody did so not long ago.
func (k *Keeper) followAtTimes(ctx context.Context, settings models.Unsubscribing) error {
	var polled *time.Time
	from := settings.Nightly.Since
	err := k.pool.QueryRow(ctx, `SELECT polled_at, greatest(read_to, $1) FROM opt_out_cursor`, from).Scan(&polled, &from)
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("read how far opt-outs were read: %w", err)
	case polled != nil && k.now().Sub(*polled) < followEvery:
		return nil
	}
	ctx = budget.For(ctx, budget.OptOuts)
	if err := k.org.Prepare(ctx); err != nil {
		return err
	}
	return k.read(ctx, settings.OptOutField, from.Add(-overlap), &counts{})
}

// Begin asks for a run, which Watch does. Errors: ErrRunning; *failure.PausedError where
// Salesforce is not connected.
func (k *Keeper) Begin(ctx context.Context, actor string) error {
	if _, err := k.org.Client(ctx); err != nil {
		return err
	}
	_, err := k.pool.Exec(ctx, `INSERT INTO unsubscribe_runs (started_by, started_at) VALUES ($1, $2)`, actor, k.now())
	var constraint *pgconn.PgError
	if errors.As(err, &constraint) && constraint.ConstraintName == "unsubscribe_runs_one" {
		return ErrRunning
	}
	if err != nil {
		return fmt.Errorf("begin to compare both sides: %w", err)
	}
	return nil
}

// run takes over everybody who is opted out in Salesforce, and queues whoever is
// unsubscribed here and not there, if a run was begun. What went wrong is kept with it.
func (k *Keeper) run(ctx context.Context) (ran bool, err error) {
	var id int64
	err = k.pool.QueryRow(ctx, `SELECT id FROM unsubscribe_runs WHERE finished_at IS NULL`).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether both sides are to be compared: %w", err)
	}
	_, err = models.WhileLeased(ctx, k.pool, k.outbox.Clock(), models.Lease{Name: runLease, Lasting: runTime}, func(working context.Context) error {
		n, err := k.compare(working)
		if working.Err() != nil { // it is done again
			return err
		}
		return k.finish(working, id, n, err)
	})
	if errors.Is(err, models.ErrLeaseLost) {
		err = nil // another replica does it
	}
	return true, err
}

// counts are those of a run.
type counts struct{ read, taken, pushed int64 }

// finish keeps how a run ended; what went wrong is shown there.
func (k *Keeper) finish(ctx context.Context, id int64, n counts, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	outcome, text, remedy := models.RunDone, "", ""
	if cause != nil {
		what := failure.Classify(cause)
		var missing *noFieldError
		if errors.As(cause, &missing) {
			what = missing.what
		}
		outcome, text, remedy = models.RunFailed, what.Text, what.Remedy
	}
	_, err := k.pool.Exec(ctx, `UPDATE unsubscribe_runs SET finished_at = $8, outcome = $2, error = nullif($3, ''), remedy = nullif($4, ''),
		read = $5, taken = $6, pushed = $7 WHERE id = $1`, id, outcome, text, remedy, n.read, n.taken, n.pushed, k.now())
	if err == nil {
		_, err = k.pool.Exec(ctx, tell)
	}
	if err != nil {
		return errors.Join(cause, fmt.Errorf("note how the comparison ended: %w", err))
	}
	return cause
}

func (k *Keeper) compare(ctx context.Context) (counts, error) {
	var n counts
	ctx = budget.For(ctx, budget.OptOuts)
	if err := k.org.Prepare(ctx); err != nil {
		return n, err
	}
	settings, _, err := models.LoadUnsubscribing(ctx, k.db)
	if err != nil {
		return n, err
	}
	setup, _ := k.org.Known()
	if on := setup.OptOuts[settings.OptOutField]; !on.Lead.Read && !on.Contact.Read {
		return n, &noFieldError{noField("leads and contacts", settings.OptOutField)}
	}
	if err := k.read(ctx, settings.OptOutField, time.Time{}, &n); err != nil {
		return n, err
	}
	return n, k.queueMissing(ctx, settings.OptOutField, &n)
}

// noFieldError says that there is nothing to compare. It is no reason to send nothing
// else to Salesforce.
type noFieldError struct{ what failure.Failure }

func (e *noFieldError) Error() string { return e.what.Text }

// read takes over the opted-out leads and contacts, of those that changed from a time
// on or, where it is zero, all; and moves the cursor when it has read both.
func (k *Keeper) read(ctx context.Context, field string, from time.Time, n *counts) error {
	setup, _ := k.org.Known()
	client, err := k.org.Client(ctx)
	if err != nil {
		return err
	}
	var readTo time.Time
	for _, object := range []string{"Lead", "Contact"} {
		if !setup.OptOuts[field].On(object).Read {
			continue
		}
		soql := `SELECT Id, LastModifiedDate, LastModifiedBy.Name FROM ` + object + ` WHERE ` + field + ` = true`
		if !from.IsZero() {
			soql += ` AND SystemModstamp >= ` + salesforce.FormatTime(from)
		}
		page, err := client.QueryOnce(ctx, soql+` ORDER BY Id`)
		if err == nil && readTo.IsZero() {
			readTo = page.At
		}
		for ; err == nil; page, err = client.More(ctx, page.Next) {
			if err = k.takeOver(ctx, object, page.Records, n); err != nil || page.Next == "" {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("read the opted-out %ss: %w", object, err)
		}
	}
	if readTo.IsZero() {
		readTo = k.now()
	}
	_, err = k.pool.Exec(ctx, `INSERT INTO opt_out_cursor (read_to, polled_at) VALUES ($1, $2)
		ON CONFLICT (only_row) DO UPDATE SET read_to = $1, polled_at = $2`, readTo, k.now())
	if err != nil {
		return fmt.Errorf("note how far opt-outs were read: %w", err)
	}
	return nil
}

// takeOver records who of a page is somebody here and was not known to be opted out. What
// we told Salesforce ourselves is no word of Salesforce's. The lead that a contact once was
// says nothing of them: nobody can change it any more.
func (k *Keeper) takeOver(ctx context.Context, object string, records []salesforce.Record, n *counts) error {
	ids, by := make([]string, len(records)), make([]string, len(records))
	for i, r := range records {
		ids[i], by[i] = r.ID(), r.Text("LastModifiedBy.Name")
	}
	column := map[string]string{"Lead": "salesforce_lead_id", "Contact": "salesforce_contact_id"}[object]
	tag, err := k.pool.Exec(ctx, `
		INSERT INTO unsubscribes (person_id, person_salesforce_id, person_email, source, actor, at)
		SELECT DISTINCT ON (p.id) p.id, r.id, p.email, 'salesforce', r.by, $4 FROM unnest($1::text[], $2::text[]) AS r (id, by)
		JOIN people p ON p.`+column+` IN (r.id, left(r.id, 15))
		WHERE ($3 = 'Contact' OR coalesce(p.salesforce_contact_id, '') = '')
			AND NOT EXISTS (SELECT FROM unsubscribes u JOIN deliveries d ON d.unsubscribe_id = u.id
				WHERE u.person_id = p.id AND u.cleared_at IS NULL AND d.state IN ('delivered', 'sending'))
		ORDER BY p.id
		ON CONFLICT (person_id, (source = 'salesforce')) WHERE cleared_at IS NULL AND person_id IS NOT NULL DO NOTHING`, ids, by, object, k.now())
	if err != nil {
		return fmt.Errorf("take over opted-out %ss: %w", object, err)
	}
	n.read, n.taken = n.read+int64(len(records)), n.taken+tag.RowsAffected()
	if tag.RowsAffected() == 0 {
		return nil
	}
	if _, err := k.pool.Exec(ctx, tell); err != nil {
		return fmt.Errorf("tell of opted-out %ss: %w", object, err)
	}
	return nil
}

// idsPerQuery keeps a query's address within the limit (Salesforce REST: status codes, 414).
const idsPerQuery = 400

// unsubscribed is somebody of whom Salesforce was told.
type unsubscribed struct {
	id, delivery int64
	person       org.SalesforceIDs
}

// queueMissing asks of everybody who is unsubscribed here whether Salesforce knows, and
// queues whoever it does not. Of a lead that was converted, and of a record that was
// merged, it asks what became of it.
func (k *Keeper) queueMissing(ctx context.Context, field string, n *counts) error {
	for after := int64(0); ; {
		batch, err := k.unsubscribedAfter(ctx, after)
		if err != nil || len(batch) == 0 {
			return err
		}
		after = batch[len(batch)-1].id
		missing, err := k.missing(ctx, field, batch)
		if err != nil {
			return err
		}
		which := outbox.These(missing...)
		which.Where += ` AND d.state IN ('delivered', 'failed')`
		pushed, err := k.outbox.Requeue(which, outbox.Fresh, "").Exec(ctx, k.pool)
		if err != nil {
			return fmt.Errorf("queue opt-outs: %w", err)
		}
		n.pushed += pushed
	}
}

func (k *Keeper) unsubscribedAfter(ctx context.Context, after int64) ([]unsubscribed, error) {
	rows, err := k.pool.Query(ctx, `SELECT u.id, d.id, p.salesforce_contact_id, p.salesforce_lead_id FROM unsubscribes u JOIN people p ON p.id = u.person_id
		JOIN deliveries d ON d.unsubscribe_id = u.id WHERE u.id > $1 AND u.cleared_at IS NULL AND d.state IN ('delivered', 'failed') ORDER BY u.id LIMIT $2`, after, idsPerQuery)
	if err == nil {
		var batch []unsubscribed
		batch, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (unsubscribed, error) {
			var u unsubscribed
			return u, row.Scan(&u.id, &u.delivery, &u.person.ContactID, &u.person.LeadID)
		})
		if err == nil {
			return batch, nil
		}
	}
	return nil, fmt.Errorf("read who is unsubscribed: %w", err)
}

// missing are the deliveries of those whose record is not opted out.
func (k *Keeper) missing(ctx context.Context, field string, batch []unsubscribed) ([]int64, error) {
	client, err := k.org.Client(ctx)
	if err != nil {
		return nil, err
	}
	people := make([]org.SalesforceIDs, len(batch))
	for n, u := range batch {
		people[n] = u.person
	}
	targets, err := k.org.Targets(ctx, people)
	if err != nil {
		return nil, err
	}
	deliveries := map[string][]int64{}
	for n, t := range targets {
		if t.WhoID != "" {
			deliveries[t.WhoID] = append(deliveries[t.WhoID], batch[n].delivery)
		}
	}
	setup, _ := k.org.Known()
	var missing []int64
	for object, prefix := range map[string]string{"Lead": "00Q", "Contact": "003"} {
		var ids []string
		for id := range deliveries {
			if strings.HasPrefix(id, prefix) {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 || !setup.OptOuts[field].On(object).Read {
			continue
		}
		for r, err := range client.Query(ctx, `SELECT Id FROM `+object+` WHERE `+field+` = false AND Id IN (`+org.Quoted(ids)+`)`) {
			if err != nil {
				return nil, fmt.Errorf("ask which %ss are not opted out: %w", object, err)
			}
			missing = append(missing, deliveries[r.ID()]...)
		}
	}
	return missing, nil
}
