package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/outbox"
)

// known are the tasks that readings may be about.
type known struct {
	there  map[string]*row // by the Task that they have
	former map[string]*row // by those that they had before
	ours   map[uuid.UUID]*row
}

// known locks the tasks that readings are about, or say that they are.
func (s *Sync) known(ctx context.Context, tx pgx.Tx, read []reading) (known, error) {
	ids, marked := make([]string, len(read)), []uuid.UUID{}
	for n, r := range read {
		ids[n] = r.id
		if r.marked != uuid.Nil {
			marked = append(marked, r.marked)
		}
	}
	rows, err := lockRows(ctx, tx, `t.id IN (SELECT task_id FROM deliveries WHERE task_id IS NOT NULL AND remote_id = ANY($1)
		UNION SELECT id FROM tasks WHERE former_ids <> '{}' AND former_ids && $1 UNION SELECT unnest($2::uuid[]))`, ids, marked)
	k := known{there: map[string]*row{}, former: map[string]*row{}, ours: map[uuid.UUID]*row{}}
	for _, r := range rows {
		k.ours[r.id] = r
		if r.RemoteID != "" {
			k.there[r.RemoteID] = r
		}
		for _, id := range r.former {
			k.former[id] = r
		}
	}
	return k, err
}

// find returns the task that a Task is, or nil. A copy that somebody made of a Task has
// our id too, and is none of ours.
func (k known) find(r reading) *row {
	if found := k.there[r.id]; found != nil {
		return found
	}
	if found := k.former[r.id]; found != nil {
		return found
	}
	if found := k.ours[r.marked]; found != nil && (found.RemoteID == "" || found.inFlight()) {
		return found
	}
	return nil
}

// importTasks makes tasks of Tasks in Salesforce that belong to a user of ours and are
// something to do.
func (s *Sync) importTasks(ctx context.Context, tx pgx.Tx, store *saved, m mapping, fresh []reading) error {
	fresh = slices.DeleteFunc(fresh, func(r reading) bool { return !m.belongsHere(r) })
	if len(fresh) == 0 {
		return nil
	}
	logged, err := loggedActivities(ctx, tx, fresh)
	if err != nil {
		return err
	}
	for _, r := range fresh {
		if logged[r.marked.String()] || logged[r.id] {
			continue // a Task that logs an activity
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make an id: %w", err)
		}
		t := state{id: id, origin: models.FromSalesforce, values: map[field]string{}}
		for _, f := range fields {
			t.values[f], _ = m.here(t, f, r.remote)
		}
		if t.values[fieldStatus] == "" {
			t.values[fieldStatus] = string(models.TaskOpen)
		}
		if t.values[fieldPriority] == "" {
			t.values[fieldPriority] = string(models.TaskNormal)
		}
		store.imported(t, r)
	}
	return nil
}

// belongsHere says that a Task is a reminder of one of our users: not a record of what
// was done already, not the pattern of a series, and not over in a way that we have no
// word for.
func (m mapping) belongsHere(r reading) bool {
	record := r.Closed && r.subtype != "Task" && r.subtype != ""
	return !r.Deleted && !r.archived && !r.recurring && !record && m.home[m.owners[r.OwnerID]] && (!r.Closed || r.Status == completed)
}

// loggedActivities are the Tasks that log an activity: by our id in them, or, where
// somebody edited that away, by their own id as the outbox knows it. The keys are either.
func loggedActivities(ctx context.Context, tx pgx.Tx, fresh []reading) (map[string]bool, error) {
	marked, ids := []uuid.UUID{}, make([]string, len(fresh))
	for n, r := range fresh {
		if ids[n] = r.id; r.marked != uuid.Nil {
			marked = append(marked, r.marked)
		}
	}
	rows, err := tx.Query(ctx, `SELECT id::text FROM activities WHERE id = ANY($1)
		UNION ALL SELECT remote_id FROM deliveries WHERE destination = 'salesforce' AND activity_id IS NOT NULL AND remote_id = ANY($2)`, marked, ids)
	if err != nil {
		return nil, fmt.Errorf("find the activities of Tasks: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find the activities of Tasks: %w", err)
	}
	logged := map[string]bool{}
	for _, id := range found {
		logged[id] = true
	}
	return logged, nil
}

// imported queues a new task.
func (s *saved) imported(t state, r reading) {
	s.batch.Queue(`INSERT INTO tasks (id, kind, name, status, priority, due_on, details, rep_email, who_id, origin, created_by, completed_at, base, agreed_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, nullif($6, '')::date, $7, nullif($8, ''), nullif($9, ''), 'salesforce', 'salesforce',
			CASE WHEN $4 = 'complete' THEN $11::timestamptz END, $10, shared_clock(), $11, $11)`,
		t.id, kindOf(r), t.values[fieldName], t.values[fieldStatus], t.values[fieldPriority], t.values[fieldDue], t.values[fieldDetails], t.values[fieldRep],
		r.WhoID, r.remote, s.now)
	s.outbox.Enqueue(outbox.Entry{Task: t.id, To: queue.To, Operation: queue.Operation, OccurredAt: s.now, RemoteID: r.id}).Queue(s.batch)
	s.lines(t.id, []line{{at: r.Modified, source: models.FromSalesforce, actor: r.By, event: models.TaskCreated}})
	s.batch.Queue(findPerson+` AND t.id = $1`, t.id)
	s.batch.Queue(models.Tell(models.TopicTasks))
}

// kindOf is how a Task is to be done, as far as its type tells.
func kindOf(r reading) models.TaskKind {
	switch {
	case r.kind == "Email" || r.subtype == "Email":
		return models.TaskEmail
	case r.kind == "Call" || r.subtype == "Call":
		return models.TaskCall
	case r.kind == "InMail" || r.subtype == "LinkedIn":
		return models.TaskInMail
	default:
		return models.TaskCustom
	}
}

// findPerson gives tasks their people, by the lead or contact that their Tasks name.
const findPerson = `
	UPDATE tasks t SET person_id = p.id FROM people p
	WHERE t.person_id IS NULL AND t.who_id IS NOT NULL AND p.id = (
		SELECT x.id FROM people x WHERE x.salesforce_contact_id IN (t.who_id, left(t.who_id, 15)) OR x.salesforce_lead_id IN (t.who_id, left(t.who_id, 15))
		ORDER BY x.archived_at IS NOT NULL, x.id LIMIT 1)`

// findRecent is findPerson for people who were stored since a time.
const findRecent = `
	UPDATE tasks t SET person_id = p.id FROM people p
	WHERE p.synced_at >= $1 AND p.archived_at IS NULL AND t.person_id IS NULL AND t.who_id IS NOT NULL
		AND left(t.who_id, 15) IN (left(p.salesforce_contact_id, 15), left(p.salesforce_lead_id, 15))`

const (
	peopleStream = "people_of_tasks"
	// findOverlap is how far back of the last look the next one begins: longer than a
	// transaction takes that stores people.
	findOverlap = time.Minute
	// findAll is how often all that wait are looked at. They may be many for ever, of
	// leads who never come to the workspace.
	findAll = 10 * time.Minute
)

// Resolve gives tasks that came from Salesforce their people who have arrived since.
func (s *Sync) Resolve(ctx context.Context) error {
	now := s.now()
	err := models.Sweep(ctx, s.pool, "people of tasks", func(tx pgx.Tx) error {
		var last, lastAll time.Time
		err := tx.QueryRow(ctx, `SELECT read_to, switched_on FROM salesforce_cursors WHERE stream = $1`, peopleStream).Scan(&last, &lastAll)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		all := err != nil || now.Sub(lastAll) >= findAll
		if all {
			_, err = tx.Exec(ctx, findPerson)
		} else {
			_, err = tx.Exec(ctx, findRecent, last.Add(-findOverlap))
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO salesforce_cursors AS c (stream, read_to, switched_on, polled_at) VALUES ($1, $3, $3, $3)
			ON CONFLICT (stream) DO UPDATE SET read_to = $3, switched_on = CASE WHEN $2 THEN $3 ELSE c.switched_on END`, peopleStream, all, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("find the people of tasks: %w", err)
	}
	return nil
}
