package people

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesactions/models"
)

// worker reads one slice of a run and stores it.
type worker struct {
	*Sync
	ses      session
	run      models.SyncRun
	position int
}

// slice is a part of a run, as far as it got.
type slice struct {
	Method     string
	FromTime   *time.Time
	ToTime     *time.Time
	FromID     *int64
	ToID       *int64
	State      string
	ExportID   *string
	ReadAt     *time.Time
	BytesTotal *int64
	Checksum   *string
	BytesDone  int64
	HashState  []byte
	Header     []string
	RowsTotal  *int64
	RowsDone   int64
	Tries      int
}

func (w *worker) load(ctx context.Context) (slice, error) {
	rows, err := w.pool.Query(ctx, `SELECT method, from_time, to_time, from_id, to_id, state, export_id, read_at, bytes_total,
		checksum, bytes_done, hash_state, header, rows_total, rows_done, tries
		FROM sync_slices WHERE run_id = $1 AND position = $2`, w.run.ID, w.position)
	if err != nil {
		return slice{}, fmt.Errorf("read the slice: %w", err)
	}
	sl, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[slice])
	if err != nil {
		return slice{}, fmt.Errorf("read the slice: %w", err)
	}
	return sl, nil
}

func (w *worker) work(ctx context.Context) error {
	sl, err := w.load(ctx)
	if err != nil {
		return err
	}
	if sl.Method == "ids" {
		return w.scan(ctx, sl)
	}
	return w.extract(ctx)
}

// checkpoint is how far a slice got with a batch.
type checkpoint struct {
	rows      int64 // of the batch, people of all kinds
	nextID    int64 // of a scan
	bytes     int64 // of a file
	hashState []byte
	header    []string
	done      bool
}

// save stores a batch and how far the slice got with it in one transaction, which
// is all that a restart needs to go on from here.
func (w *worker) save(ctx context.Context, rows []Row, at checkpoint) error {
	return w.tx(ctx, func(tx pgx.Tx) error {
		stored, err := w.keep(ctx, tx, rows)
		if err != nil {
			return err
		}
		state := "reading"
		if at.done {
			state = "done"
		}
		_, err = tx.Exec(ctx, `
			UPDATE sync_slices SET state = $3, rows_done = rows_done + $4, from_id = CASE WHEN $5 > 0 THEN $5 ELSE from_id END,
				bytes_done = CASE WHEN $6 > 0 THEN $6 ELSE bytes_done END, hash_state = coalesce($7, hash_state),
				header = coalesce($8, header), rows_total = CASE WHEN $3 = 'done' THEN rows_done + $4 ELSE rows_total END
			WHERE run_id = $1 AND position = $2`,
			w.run.ID, w.position, state, at.rows, at.nextID, at.bytes, at.hashState, at.header)
		if err != nil {
			return fmt.Errorf("save how far the slice got: %w", err)
		}
		return w.progress(ctx, tx, w.run.ID, at.rows, stored)
	})
}

// keep stores a batch where the run wants it.
func (w *worker) keep(ctx context.Context, tx pgx.Tx, rows []Row) (Stored, error) {
	if w.run.Kind == models.RunReconcile {
		return Stored{}, stageReconcile(ctx, tx, w.run.ID, w.position, rows)
	}
	return store(ctx, tx, rows, storeOptions{runID: w.run.ID, now: w.now()})
}

// progress moves a run's counts. The total is the count of everybody that was made
// before, else what the slices that are known hold, and as much for each of the
// others on average.
func (s *Sync) progress(ctx context.Context, tx pgx.Tx, runID, processed int64, stored Stored) error {
	_, err := tx.Exec(ctx, `
		WITH known AS (
			SELECT sum(greatest(rows_total, rows_done)) AS rows, count(rows_total) AS slices, count(*) AS all_slices
			FROM sync_slices WHERE run_id = $1
		), counted AS (
			SELECT (preview ->> 'total')::bigint AS rows FROM people_sync WHERE preview ->> 'state' = 'done'
		), sample AS (
			INSERT INTO sync_samples (run_id, at, processed)
			SELECT id, $6::timestamptz, processed + $2 FROM sync_runs r WHERE id = $1
				AND NOT EXISTS (SELECT FROM sync_samples s WHERE s.run_id = r.id AND s.at > $6::timestamptz - interval '1 second')
			ON CONFLICT DO NOTHING
		)
		UPDATE sync_runs SET processed = processed + $2, created = created + $3, updated = updated + $4, archived = archived + $5,
			total = CASE WHEN kind <> 'follow' THEN greatest(processed + $2, coalesce((SELECT nullif(rows, 0) FROM counted),
				CASE WHEN known.slices > 0 THEN (known.rows * known.all_slices / known.slices)::bigint END)) END
		FROM known WHERE id = $1`, runID, processed, stored.Created, stored.Updated, stored.Archived, s.now())
	if err != nil {
		return fmt.Errorf("move the run's counts: %w", err)
	}
	return nil
}

// again begins a slice anew: its job is gone, failed, or its file was not whole.
func (w *worker) again(ctx context.Context) error {
	_, err := w.pool.Exec(ctx, `
		UPDATE sync_slices SET state = 'planned', export_id = NULL, bytes_done = 0, hash_state = NULL, header = NULL,
			bytes_total = NULL, checksum = NULL, rows_total = NULL, rows_done = 0, tries = tries + 1
		WHERE run_id = $1 AND position = $2`, w.run.ID, w.position)
	if err != nil {
		return fmt.Errorf("begin the slice anew: %w", err)
	}
	return nil
}
