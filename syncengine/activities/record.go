package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/who"
)

// Status is what became of one activity of a batch.
type Status string

// The statuses.
const (
	Created   Status = "created"
	Duplicate Status = "duplicate" // its key was recorded before; ID is that of the first
	Invalid   Status = "invalid"
)

// Result is what became of one activity, in the order of the batch.
type Result struct {
	Key    string
	Status Status
	ID     uuid.UUID // not of invalid ones
	Err    *InvalidError
}

// Recorder records activities with their deliveries. It is safe for concurrent use.
type Recorder struct {
	pool        *pgxpool.Pool
	outbox      *outbox.Outbox
	unsubscribe Unsubscribe
}

// Unsubscribe records in a transaction that a person's address is no good for ever, so
// that nobody writes to it again.
type Unsubscribe func(ctx context.Context, tx pgx.Tx, bounced Bounce) error

// Bounce is an email that bounced for good.
type Bounce struct {
	PersonID     int64 // 0: waits for the person, named by the others
	MarketoID    int64
	SalesforceID string
	Email        string
	Key          string // of the activity
}

// NewRecorder returns a recorder on a database.
func NewRecorder(pool *pgxpool.Pool, o *outbox.Outbox, unsubscribe Unsubscribe) *Recorder {
	return &Recorder{pool: pool, outbox: o, unsubscribe: unsubscribe}
}

// entry is an activity about to be recorded.
type entry struct {
	Input
	id       uuid.UUID
	personID int64 // 0: waits for the person
	position int   // in the batch
}

// Record records a batch of at most some thousand activities of one API token, each
// once: a key that the token used before is a duplicate. Which deliveries an activity
// gets is decided here, by the settings as they are now. Bad activities do not keep
// the others from being recorded.
func (r *Recorder) Record(ctx context.Context, tokenID int64, inputs []Input, logging models.Logging) ([]Result, error) {
	results := make([]Result, len(inputs))
	entries, err := r.admit(ctx, inputs, results)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		created, err := insertActivities(ctx, tx, tokenID, entries, r.outbox.Clock().Now())
		if err != nil {
			return err
		}
		var fresh []entry
		var again []string
		for _, e := range entries {
			results[e.position] = Result{Key: e.Key, Status: Duplicate, ID: e.id}
			if created[e.id] {
				results[e.position].Status = Created
				fresh = append(fresh, e)
			} else {
				again = append(again, e.Key)
			}
		}
		if err := tellFirsts(ctx, tx, tokenID, again, results); err != nil || len(fresh) == 0 {
			return err
		}
		if err := r.unsubscribeBounced(ctx, tx, fresh); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		queueDeliveries(batch, r.outbox, tokenID, fresh, Plan{Logging: logging})
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("record %d activities: %w", len(inputs), err)
	}
	return results, nil
}

// admit checks the activities and finds their people; the second of two with one key
// in a batch is left to the database, which refuses it. Only what passed the check is
// looked up: the database could not even be asked about some of the rest.
func (r *Recorder) admit(ctx context.Context, inputs []Input, results []Result) ([]entry, error) {
	now := r.outbox.Clock().Now()
	entries := make([]entry, 0, len(inputs))
	sound := make([]who.Ref, 0, len(inputs))
	for i, in := range inputs {
		if err := in.Check(now); err != nil {
			results[i] = refused(in.Key, err)
			continue
		}
		entries, sound = append(entries, entry{Input: in, position: i}), append(sound, in.ref())
	}
	who, err := who.LookUp(ctx, r.pool, sound)
	if err != nil {
		return nil, err
	}
	admitted := entries[:0]
	for _, e := range entries {
		if e.personID, err = who.Person(e.ref()); err != nil {
			results[e.position] = refused(e.Key, err)
			continue
		}
		if e.id, err = idAt(now); err != nil {
			return nil, err
		}
		e.Attributes = stripNUL(e.Attributes)
		admitted = append(admitted, e)
	}
	return admitted, nil
}

// idAt makes the id of an activity that is recorded at a time, with which it begins (RFC
// 9562, version 7), so that ids are in the order of recording by our clock.
func idAt(now time.Time) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("make an id: %w", err)
	}
	putMillis(&id, now)
	return id, nil
}

// putMillis writes a time in milliseconds into the first six bytes of an id.
func putMillis(id *uuid.UUID, at time.Time) {
	for n, milli := 5, at.UnixMilli(); n >= 0; n, milli = n-1, milli>>8 {
		id[n] = byte(milli)
	}
}

// unsubscribeBounced unsubscribes each person whose address is no good for ever.
func (r *Recorder) unsubscribeBounced(ctx context.Context, tx pgx.Tx, fresh []entry) error {
	for _, e := range fresh {
		if e.Kind != models.EmailBounced || !strings.EqualFold(strings.TrimSpace(e.Attributes.BounceType), "hard") {
			continue
		}
		bounced := Bounce{PersonID: e.personID, MarketoID: named(e.MarketoID, e.PersonID), SalesforceID: e.SalesforceID, Email: e.Email, Key: e.Key}
		if err := r.unsubscribe(ctx, tx, bounced); err != nil {
			return err
		}
	}
	return nil
}

func refused(key string, err error) Result {
	var wrong *InvalidError
	if !errors.As(err, &wrong) { // neither Check nor person returns another
		wrong = &InvalidError{Message: err.Error()}
	}
	return Result{Key: key, Status: Invalid, Err: wrong}
}

// insertActivities adds those whose key is new, and says which. Keys go in by their
// order, so that batches with the same keys wait for each other and never in a circle;
// of two with one key the first of the batch wins.
func insertActivities(ctx context.Context, tx pgx.Tx, tokenID int64, entries []entry, now time.Time) (map[uuid.UUID]bool, error) {
	c := columns(entries)
	rows, err := tx.Query(ctx, `
		INSERT INTO activities (id, token_id, key, kind, occurred_at, recorded_at, person_id, person_marketo_id, person_salesforce_id,
			person_email, person_email_key, rep_email, email_key, attributes)
		SELECT id, $2, key, kind, occurred_at, $14, nullif(person, 0), nullif(marketo, 0), nullif(salesforce, ''), nullif(email, ''),
			nullif(email_folded, ''), nullif(rep, ''), nullif(email_key, ''), attributes
		FROM unnest($1::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[],
			$11::text[], $12::text[], $13::jsonb[]) WITH ORDINALITY
			AS t (id, key, kind, occurred_at, person, marketo, salesforce, email, email_folded, rep, email_key, attributes, position)
		ORDER BY key, position
		ON CONFLICT (token_id, key) DO NOTHING RETURNING id`,
		c.ids, tokenID, c.keys, c.kinds, c.times, c.people, c.marketo, c.salesforce, c.emails, c.folded, c.reps, c.emailKeys, c.attributes, now)
	if err != nil {
		return nil, fmt.Errorf("insert activities: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("insert activities: %w", err)
	}
	created := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		created[id] = true
	}
	return created, nil
}

// arrays are the columns of a batch.
type arrays struct {
	ids                                                      []uuid.UUID
	keys, kinds, salesforce, emails, folded, reps, emailKeys []string
	times                                                    []time.Time
	people, marketo                                          []int64
	attributes                                               []string
}

func columns(entries []entry) arrays {
	var c arrays
	for _, e := range entries {
		c.ids = append(c.ids, e.id)
		c.keys = append(c.keys, e.Key)
		c.kinds = append(c.kinds, string(e.Kind))
		c.times = append(c.times, e.OccurredAt)
		c.people = append(c.people, e.personID)
		c.marketo = append(c.marketo, named(e.MarketoID, e.PersonID))
		salesforce, folded := "", ""
		if e.SalesforceID != "" {
			salesforce = models.NormalSalesforceID(e.SalesforceID)
		}
		if e.Email != "" {
			folded = models.SortKey(&e.Email)
		}
		c.salesforce, c.emails, c.folded = append(c.salesforce, salesforce), append(c.emails, e.Email), append(c.folded, folded)
		c.reps = append(c.reps, strings.ToLower(e.RepEmail))
		c.emailKeys = append(c.emailKeys, e.EmailKey)
		// Strings, numbers and booleans can always be written.
		raw, _ := json.Marshal(e.Attributes)
		c.attributes = append(c.attributes, string(raw))
	}
	return c
}

// named is the Marketo id that was given, under whichever name: a person's id here
// is the Marketo id.
func named(ids ...int64) int64 {
	for _, id := range ids {
		if id != 0 {
			return id
		}
	}
	return 0
}

// tellFirsts gives duplicates the ids of those that were recorded first.
func tellFirsts(ctx context.Context, tx pgx.Tx, tokenID int64, keys []string, results []Result) error {
	if len(keys) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `SELECT key, id FROM activities WHERE token_id = $1 AND key = ANY($2)`, tokenID, keys)
	if err != nil {
		return fmt.Errorf("find the first of duplicates: %w", err)
	}
	first := make(map[string]uuid.UUID, len(keys))
	var (
		key string
		id  uuid.UUID
	)
	if _, err := pgx.ForEachRow(rows, []any{&key, &id}, func() error { first[key] = id; return nil }); err != nil {
		return fmt.Errorf("find the first of duplicates: %w", err)
	}
	for i := range results {
		if results[i].Status == Duplicate {
			results[i].ID = first[results[i].Key]
		}
	}
	return nil
}
