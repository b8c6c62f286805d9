package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
)

const (
	stream    = "tasks"
	pullLease = "pull:tasks"
	// pullTime is how long another replica waits for one that was killed while it read.
	pullTime = 10 * time.Second
	// overlap is read again each time: a stamp may be that old when its row can first be
	// seen, since a transaction may last ten minutes (Salesforce REST: polling for changes).
	overlap = 15 * time.Minute
	// firstReach is how far back tasks are imported when the sync is switched on.
	firstReach = 24 * time.Hour
)

// Pull takes over what was done in Salesforce since the last time. It does nothing
// while tasks are not kept there, and where another replica is at it.
func (s *Sync) Pull(ctx context.Context) error {
	on, err := s.switched(ctx)
	if err != nil || !on.On {
		return err
	}
	_, err = models.WhileLeased(ctx, s.pool, s.outbox.Clock(), models.Lease{Name: pullLease, Lasting: pullTime}, func(ctx context.Context) error { return s.pull(ctx, on) })
	return err
}

func (s *Sync) pull(ctx context.Context, on models.Switch) error {
	if err := s.org.Prepare(ctx); err != nil {
		return err
	}
	ctx = budget.For(ctx, budget.Tasks)
	from, known, err := s.cursor(ctx, on)
	if err != nil {
		return err
	}
	if !known {
		if err := s.catchUp(ctx, on); err != nil {
			return err
		}
	}
	if err := s.read(ctx, from, on); err != nil {
		return err
	}
	return s.readDeletions(ctx)
}

// cursor is from when on changes are to be read. It is not known when the sync was
// switched on since: then what changed in the last day is imported.
func (s *Sync) cursor(ctx context.Context, on models.Switch) (from time.Time, known bool, err error) {
	var readTo, switchedOn time.Time
	err = s.pool.QueryRow(ctx, `SELECT read_to, switched_on FROM salesforce_cursors WHERE stream = $1`, stream).Scan(&readTo, &switchedOn)
	switch {
	case err == nil && switchedOn.Equal(on.Since.Truncate(time.Microsecond)):
		return readTo.Add(-overlap), true, nil
	case err == nil || errors.Is(err, pgx.ErrNoRows):
		return s.now().Add(-firstReach), false, nil
	}
	return from, false, fmt.Errorf("read how far Tasks were read: %w", err)
}

// columns are what is read of a Task, and what holds our id where a field does.
func (s *Sync) columns() string {
	setup, _ := s.org.Known()
	names := []string{"Id", "IsDeleted", "IsArchived", "IsRecurrence", "IsClosed", "LastModifiedDate", "SystemModstamp", "LastModifiedBy.Name", "CreatedDate",
		"Subject", "Status", "Priority", "ActivityDate", "Description", "OwnerId", "WhoId", "TaskSubtype", "Type"}
	for _, name := range []string{setup.KeyField, setup.MarkerName} {
		if name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// read reads what changed from a time on, page by page, and moves the cursor with each:
// rows come in the order of their stamps. What was read before a crash is read again,
// which changes nothing.
func (s *Sync) read(ctx context.Context, from time.Time, on models.Switch) error {
	client, err := s.org.Client(ctx)
	if err != nil {
		return err
	}
	began, err := s.sharedClock(ctx)
	if err != nil {
		return err
	}
	page, err := client.QueryAllOnce(ctx, `SELECT `+s.columns()+` FROM Task WHERE SystemModstamp >= `+salesforce.FormatTime(from)+` ORDER BY SystemModstamp, Id`)
	readTo := page.At
	if readTo.IsZero() {
		readTo = s.now()
	}
	for err == nil && page.Next != "" {
		last := page.Records[len(page.Records)-1].Time("SystemModstamp")
		if err = s.apply(ctx, page.Records, began, func(batch *pgx.Batch) {
			batch.Queue(`INSERT INTO salesforce_cursors (stream, read_to, switched_on) VALUES ($1, $2, $3)
				ON CONFLICT (stream) DO UPDATE SET read_to = $2, switched_on = $3`, stream, last, on.Since)
		}); err != nil {
			return err
		}
		if began, err = s.sharedClock(ctx); err != nil {
			return err
		}
		page, err = client.More(ctx, page.Next)
	}
	if err != nil {
		return fmt.Errorf("read Tasks that changed: %w", err)
	}
	return s.apply(ctx, page.Records, began, func(batch *pgx.Batch) {
		batch.Queue(`INSERT INTO salesforce_cursors (stream, read_to, switched_on, polled_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (stream) DO UPDATE SET read_to = $2, switched_on = $3, polled_at = $4`, stream, readTo, on.Since, s.now())
	})
}

// sharedClock is the database's, by which our own writes are told from what was read before.
func (s *Sync) sharedClock(ctx context.Context) (now time.Time, err error) {
	if err = s.pool.QueryRow(ctx, `SELECT shared_clock()`).Scan(&now); err != nil {
		return now, fmt.Errorf("ask the database's clock: %w", err)
	}
	return now, nil
}

// apply merges Tasks that were read after a moment, imports those that belong here,
// and stores what goes with them, in one transaction.
func (s *Sync) apply(ctx context.Context, records []salesforce.Record, began time.Time, beside func(*pgx.Batch)) error {
	m, err := s.mapping(ctx)
	if err != nil {
		return err
	}
	read := make([]reading, len(records))
	for n, r := range records {
		read[n] = fromRecord(r)
	}
	var extra []string // Tasks in Salesforce that a task has twice
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		extra = nil
		known, err := s.known(ctx, tx, read)
		if err != nil {
			return err
		}
		store := s.saving()
		var fresh []reading
		for _, r := range read {
			switch found := known.find(r); {
			case found == nil:
				fresh = append(fresh, r)
			case found.inFlight() || found.agreedAt != nil && !found.agreedAt.Before(began):
				// Read before our own write ended: the next reading tells.
			default:
				extra = append(extra, m.takeOver(store, found, r)...)
			}
		}
		if err := s.importTasks(ctx, tx, store, m, fresh); err != nil {
			return err
		}
		beside(store.batch)
		return store.send(ctx, tx)
	})
	if err != nil || len(extra) == 0 {
		return err
	}
	return s.putBack(ctx, extra)
}

// reading is a Task as it was read.
type reading struct {
	remote
	id        string
	marked    uuid.UUID // the task that it says it is; Nil: none
	subtype   string
	kind      string
	recurring bool
	archived  bool
}

func fromRecord(r salesforce.Record) reading {
	text := func(name string) string { return strings.ReplaceAll(r.Text(name), "\x00", "") }
	read := reading{id: r.ID(), subtype: text("TaskSubtype"), kind: text("Type"), recurring: r.Bool("IsRecurrence"), archived: r.Bool("IsArchived"),
		remote: remote{Subject: text("Subject"), Status: text("Status"), Closed: r.Bool("IsClosed"), Priority: text("Priority"), Due: text("ActivityDate"),
			Description: text("Description"), OwnerID: models.NormalSalesforceID(r.Text("OwnerId")), WhoID: models.NormalSalesforceID(r.Text("WhoId")),
			Deleted: r.Bool("IsDeleted"), Modified: r.Time("SystemModstamp"), By: text("LastModifiedBy.Name")}}
	others := []string{}
	for name := range r {
		if strings.HasSuffix(name, "__c") || name == "CallObject" {
			others = append(others, r.Text(name))
		}
	}
	read.marked, _ = markedAs(append(others, read.Description)...)
	return read
}

// takeOver merges a Task into its task. It returns Tasks that are to be put back into
// the recycle bin, because the task lives on as another.
func (m mapping) takeOver(store *saved, r *row, read reading) (extra []string) {
	live := r.RemoteID != "" && (r.base == nil || !r.base.Deleted)
	switch {
	case read.id == r.RemoteID:
	case read.Deleted && slices.Contains(r.former, read.id):
		return nil // one that it had before
	case live: // somebody took one that it had before out of the recycle bin
		store.lines(r.id, []line{{at: read.Modified, source: models.FromSalesforce, actor: read.By, event: models.TaskLost, field: "salesforce_id", old: r.RemoteID, new: read.id}})
		return []string{read.id}
	default:
		if r.RemoteID != "" {
			r.former = append(r.former, r.RemoteID)
		}
		r.former = without(r.former, read.id)
		if r.base == nil {
			r.base = r.sent
		}
		store.outbox.Link(r.ID, read.id).Queue(store.batch)
	}
	who := ""
	if r.base != nil {
		who = r.base.WhoID
	}
	lines := m.merge(&r.state, read.remote)
	if read.WhoID != who && !read.Deleted {
		r.whoID, r.personID = read.WhoID, nil
	}
	store.task(r, lines)
	if len(r.edits) > 0 || r.deleted != read.Deleted {
		store.outbox.Requeue(outbox.Which{Where: `d.id = @id AND d.state = 'delivered'`, Args: pgx.NamedArgs{"id": r.ID}}, outbox.Fresh, "").Queue(store.batch)
	} else {
		store.outbox.Settle(outbox.These(r.ID)).Queue(store.batch)
	}
	return nil
}

func without(list []string, text string) []string {
	kept := []string{}
	for _, s := range list {
		if s != text {
			kept = append(kept, s)
		}
	}
	return kept
}

// putBack deletes Tasks again whose task lives on as another.
func (s *Sync) putBack(ctx context.Context, ids []string) error {
	client, err := s.org.Client(ctx)
	if err != nil {
		return err
	}
	if _, err := client.DeleteMany(ctx, ids); err != nil {
		return fmt.Errorf("put Tasks back into the recycle bin: %w", err)
	}
	return nil
}
