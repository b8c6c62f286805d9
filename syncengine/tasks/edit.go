package tasks

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

// Limits of what a task may hold; Salesforce's, with room for what we add.
const (
	MaxName    = 255    // characters, in UTF-16 units (Salesforce: Task, Subject)
	MaxDetails = 31_500 // likewise (Salesforce: Task, Description)
)

// InvalidError says what is wrong with a field of a task, in a sentence that says
// what to give instead.
type InvalidError struct {
	Field   string // the API's name
	Message string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Message }

// Fields are the values of a task as people and programs give them; nil is not given.
type Fields struct {
	Kind     *models.TaskKind
	Name     *string
	Status   *models.TaskStatus
	Priority *models.TaskPriority
	DueOn    *string // "2026-11-25"; empty: none
	Details  *string
	Rep      *string // an address; empty: nobody's
}

// texts are the fields that both sides have, as they are compared.
func (f Fields) texts() map[field]string {
	texts := map[field]string{}
	set := func(name field, text *string) {
		if text != nil {
			texts[name] = *text
		}
	}
	set(fieldName, f.Name)
	set(fieldStatus, (*string)(f.Status))
	set(fieldPriority, (*string)(f.Priority))
	set(fieldDue, f.DueOn)
	set(fieldDetails, f.Details)
	set(fieldRep, f.Rep)
	return texts
}

// Check puts the values in order and says what is wrong with them, or nil. The error
// is an *InvalidError.
func (f *Fields) Check() error {
	for name, text := range map[string]*string{"name": f.Name, "details": f.Details, "rep": f.Rep, "due_on": f.DueOn} {
		if text != nil && (!utf8.ValidString(*text) || strings.ContainsRune(*text, 0)) {
			return &InvalidError{name, "This holds characters that cannot be kept."}
		}
	}
	if f.Name != nil {
		*f.Name = strings.Join(strings.Fields(*f.Name), " ")
	}
	if f.Details != nil {
		*f.Details = clean(*f.Details)
	}
	if f.Rep != nil {
		*f.Rep = models.NormalEmail(*f.Rep)
	}
	switch {
	case f.Kind != nil && !f.Kind.Valid():
		return &InvalidError{"kind", "The kind must be email, call, inmail or custom."}
	case f.Name != nil && *f.Name == "":
		return &InvalidError{"name", "Say what there is to do."}
	case f.Name != nil && units(*f.Name) > MaxName:
		return &InvalidError{"name", fmt.Sprintf("The name is longer than %d characters; say more in the details.", MaxName)}
	case f.Status != nil && !f.Status.Valid():
		return &InvalidError{"status", "The status must be open or complete."}
	case f.Priority != nil && !f.Priority.Valid():
		return &InvalidError{"priority", "The priority must be normal or high."}
	case f.DueOn != nil && *f.DueOn != "" && !isDay(*f.DueOn):
		return &InvalidError{"due_on", "Give a day, such as 2026-11-25."}
	case f.Details != nil && units(*f.Details) > MaxDetails:
		return &InvalidError{"details", fmt.Sprintf("The details are longer than %d characters.", MaxDetails)}
	case f.Rep != nil && *f.Rep != "" && !isAddress(*f.Rep):
		return &InvalidError{"rep", "This must be the rep's email address."}
	}
	return nil
}

func units(text string) int { return len(utf16.Encode([]rune(text))) }

// isDay takes the days that both sides can hold.
func isDay(text string) bool {
	day, err := time.Parse(time.DateOnly, text)
	return err == nil && day.Year() >= 1900 && day.Year() <= 4000
}

func isAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Address == text && len(text) <= 320
}

// Create adds a task. It goes to Salesforce if tasks are kept there now. Fields must
// have passed Check and have a kind and a name.
func (s *Sync) Create(ctx context.Context, f Fields, person *int64, actor string) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("make an id: %w", err)
	}
	on, err := s.switched(ctx)
	if err != nil {
		return id, err
	}
	v := f.texts()
	for name, usual := range map[field]string{fieldStatus: string(models.TaskOpen), fieldPriority: string(models.TaskNormal)} {
		if v[name] == "" {
			v[name] = usual
		}
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		batch, now := &pgx.Batch{}, s.now()
		batch.Queue(`INSERT INTO tasks (id, kind, name, status, priority, due_on, details, rep_email, person_id, created_by, completed_at, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, nullif($6, '')::date, $7, nullif($8, ''), $9, $10, CASE WHEN $4 = 'complete' THEN $11::timestamptz END, $11, $11)`,
			id, *f.Kind, v[fieldName], v[fieldStatus], v[fieldPriority], v[fieldDue], v[fieldDetails], v[fieldRep], person, actor, now)
		batch.Queue(`INSERT INTO task_history (task_id, at, source, actor, event) VALUES ($1, $3, 'here', $2, 'created')`, id, actor, now)
		if on.On {
			s.outbox.Enqueue(outbox.Entry{Task: id, To: queue.To, Operation: queue.Operation, OccurredAt: now}).Queue(batch)
		}
		batch.Queue(models.Tell(models.TopicTasks))
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return id, fmt.Errorf("create a task: %w", err)
	}
	return id, nil
}

// Change changes what is given and differs. Errors: models.ErrNotFound, also of a
// deleted task. Fields must have passed Check.
func (s *Sync) Change(ctx context.Context, id uuid.UUID, f Fields, actor string) error {
	return s.edit(ctx, id, actor, func(e *edit) error {
		if e.deleted {
			return models.ErrNotFound
		}
		if f.Kind != nil && *f.Kind != e.kind {
			e.line(models.TaskChanged, "kind", string(e.kind), string(*f.Kind))
			e.kind = *f.Kind
			if e.origin == models.FromHere { // it stands in the subject there
				e.edits[fieldName] = e.later(fieldName, s.now().UTC())
			}
		}
		for _, name := range fields {
			value, given := f.texts()[name]
			if !given || value == e.values[name] {
				continue
			}
			e.line(models.TaskChanged, name, e.values[name], value)
			e.values[name], e.edits[name] = value, e.later(name, s.now().UTC())
		}
		return nil
	})
}

// Delete takes a task out of the lists, here and in Salesforce; its history stays. One
// that is deleted already stays so. Errors: models.ErrNotFound.
func (s *Sync) Delete(ctx context.Context, id uuid.UUID, actor string) error {
	return s.edit(ctx, id, actor, func(e *edit) error {
		if !e.deleted {
			e.deleted = true
			e.line(models.TaskDeleted, "", "", "")
		}
		return nil
	})
}

// Restore brings a deleted task back, in Salesforce as a new one where the old one is
// gone. Errors: models.ErrNotFound.
func (s *Sync) Restore(ctx context.Context, id uuid.UUID, actor string) error {
	return s.edit(ctx, id, actor, func(e *edit) error {
		if e.deleted {
			e.deleted = false
			e.line(models.TaskRestored, "", "", "")
		}
		return nil
	})
}

// edit is a task that is being changed here.
type edit struct {
	id      uuid.UUID
	kind    models.TaskKind
	origin  models.TaskOrigin
	values  map[field]string
	edits   map[field]time.Time
	deleted bool
	actor   string
	lines   []line
}

func (e *edit) line(event models.TaskEvent, f field, old, new string) {
	e.lines = append(e.lines, line{source: models.FromHere, actor: e.actor, event: event, field: f, old: old, new: new})
}

// later is the time of an edit, which no edit of the field before it has: whoever sent
// that one must see that there is another.
func (e *edit) later(f field, now time.Time) time.Time {
	if before, edited := e.edits[f]; edited && !now.After(before) {
		return before.Add(time.Microsecond)
	}
	return now
}

// edit locks a task, lets do change it, and stores it, with what is to be sent.
func (s *Sync) edit(ctx context.Context, id uuid.UUID, actor string, do func(*edit) error) error {
	on, err := s.switched(ctx)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		e := &edit{id: id, actor: actor}
		if err := e.read(ctx, tx); err != nil {
			return err
		}
		if err := do(e); err != nil || len(e.lines) == 0 {
			return err
		}
		return e.store(ctx, tx, s.saving(), on.On)
	})
	if err != nil {
		return fmt.Errorf("change a task: %w", err)
	}
	return nil
}

func (e *edit) read(ctx context.Context, tx pgx.Tx) error {
	var name, status, priority, due, details, rep string
	err := tx.QueryRow(ctx, `SELECT kind, origin, name, status, priority, coalesce(due_on::text, ''), details, coalesce(rep_email, ''), edits, deleted_at IS NOT NULL
		FROM tasks WHERE id = $1 FOR UPDATE`, e.id).Scan(&e.kind, &e.origin, &name, &status, &priority, &due, &details, &rep, &e.edits, &e.deleted)
	if errors.Is(err, pgx.ErrNoRows) {
		return models.ErrNotFound
	}
	e.values = map[field]string{fieldName: name, fieldStatus: status, fieldPriority: priority, fieldDue: due, fieldDetails: details, fieldRep: rep}
	if e.edits == nil {
		e.edits = map[field]time.Time{}
	}
	return err
}

// store writes the task. A delivery that is on its way goes on; what is left of the
// edits then is sent after it.
func (e *edit) store(ctx context.Context, tx pgx.Tx, s *saved, on bool) error {
	s.batch.Queue(`
		UPDATE tasks t SET kind = $2, name = $3, status = $4, priority = $5, due_on = nullif($6, '')::date, details = $7, rep_email = nullif($8, ''),
			completed_at = CASE WHEN $4 = 'complete' THEN coalesce(completed_at, $11::timestamptz) END,
			edits = CASE WHEN EXISTS (SELECT FROM deliveries d WHERE d.task_id = t.id) THEN $9::jsonb ELSE '{}' END,
			deleted_at = CASE WHEN $10 THEN coalesce(deleted_at, $11::timestamptz) END, updated_at = $11
		WHERE id = $1`, e.id, e.kind, e.values[fieldName], e.values[fieldStatus], e.values[fieldPriority], e.values[fieldDue],
		e.values[fieldDetails], e.values[fieldRep], e.edits, e.deleted, s.now)
	if on {
		s.outbox.Requeue(outbox.Which{Where: `d.task_id = @task AND d.reason IS DISTINCT FROM 'switched_off'`, Args: pgx.NamedArgs{"task": e.id}},
			outbox.Fresh, "").Queue(s.batch)
	}
	s.lines(e.id, e.lines)
	s.batch.Queue(models.Tell(models.TopicTasks))
	return s.send(ctx, tx)
}
