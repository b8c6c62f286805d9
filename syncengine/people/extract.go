package people

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

// sliceTries is how often a slice is begun anew before the run gives up.
const sliceTries = 4

// extract brings a slice from wherever it stands to its end: make a bulk job, wait
// for it, read its file. A job that is lost or a file that is not whole begins the
// slice anew; what was stored of it stays, since storing twice changes nothing.
func (w *worker) extract(ctx context.Context) error {
	for {
		sl, err := w.load(ctx)
		if err != nil {
			return err
		}
		again, err := w.extractOnce(ctx, sl)
		if err == nil || !again {
			return err
		}
		if sl.Tries+1 >= sliceTries {
			return fmt.Errorf("given up after %d bulk jobs: %w", sliceTries, err)
		}
		if err := w.again(ctx); err != nil {
			return err
		}
	}
}

// extractOnce reports again when a new job may do better.
func (w *worker) extractOnce(ctx context.Context, sl slice) (again bool, err error) {
	if sl.ExportID == nil {
		if sl, err = w.create(ctx, sl); err != nil {
			return false, err
		}
	}
	if sl.State != "reading" {
		if sl, again, err = w.await(ctx, sl); err != nil {
			return again, err
		}
	}
	return w.read(ctx, sl)
}

// create makes and queues a bulk job. Its rows count as read when it was queued:
// Marketo evaluates them at some time after that.
func (w *worker) create(ctx context.Context, sl slice) (slice, error) {
	fields, filter := w.ses.mapping.Request, w.filter(sl)
	var job marketo.Export
	err := w.retry(ctx, func(ctx context.Context) (err error) {
		job, err = w.ses.client.CreateExport(ctx, fields, filter)
		return err
	})
	if err != nil {
		return sl, fmt.Errorf("make a bulk job: %w", err)
	}
	readAt := w.now()
	if err := w.enqueue(ctx, job.ID); err != nil {
		return sl, err
	}
	sl.ExportID, sl.ReadAt, sl.State = &job.ID, &readAt, "exporting"
	_, err = w.pool.Exec(ctx, `UPDATE sync_slices SET state = 'exporting', export_id = $3, read_at = $4
		WHERE run_id = $1 AND position = $2`, w.run.ID, w.position, job.ID, readAt)
	if err != nil {
		return sl, fmt.Errorf("note the bulk job: %w", err)
	}
	return sl, nil
}

// enqueue waits for a place in Marketo's queue, which others use too.
func (w *worker) enqueue(ctx context.Context, id string) error {
	for {
		err := w.retry(ctx, func(ctx context.Context) error {
			_, err := w.ses.client.EnqueueExport(ctx, id)
			return err
		})
		switch what := failure.Classify(err); {
		case err == nil || what.AlreadyQueued:
			return nil
		case !what.QueueFull:
			return fmt.Errorf("queue a bulk job: %w", err)
		}
		if err := w.sleep(ctx, w.cfg.ExportPoll); err != nil {
			return err
		}
	}
}

func (w *worker) filter(sl slice) marketo.ExportFilter {
	rule := w.ses.rule
	switch {
	case sl.Method == "created_at":
		return marketo.ExportFilter{CreatedAt: &marketo.DateRange{StartAt: *sl.FromTime, EndAt: *sl.ToTime}}
	case rule.Mode == ModeStaticList && rule.ListID > 0:
		return marketo.ExportFilter{StaticListID: rule.ListID}
	case rule.Mode == ModeStaticList:
		return marketo.ExportFilter{StaticListName: rule.ListName}
	case rule.ListID > 0:
		return marketo.ExportFilter{SmartListID: rule.ListID}
	default:
		return marketo.ExportFilter{SmartListName: rule.ListName}
	}
}

// await asks after the job until it is over; Marketo refreshes a job's status once
// a minute (Marketo REST: bulk extract).
func (w *worker) await(ctx context.Context, sl slice) (slice, bool, error) {
	for failures := 0; ; {
		job, err := w.ses.client.ExportStatus(ctx, *sl.ExportID)
		if failures++; failure.Classify(err).Passing() && failures <= w.cfg.Retries && ctx.Err() == nil {
			// Asked again at once it would be asked more often than it is refreshed.
			if err := w.sleep(ctx, w.cfg.ExportPoll); err != nil {
				return sl, false, err
			}
			continue
		}
		if err != nil {
			return sl, failure.Classify(err).Gone, fmt.Errorf("ask after a bulk job: %w", err)
		}
		failures = 0
		switch job.Status {
		case marketo.ExportCompleted:
			return w.completed(ctx, sl, job)
		case marketo.ExportFailed, marketo.ExportCanceled:
			return sl, true, fmt.Errorf("the bulk job ended as %s: %s", strings.ToLower(string(job.Status)), job.Error)
		}
		if err := w.sleep(ctx, w.cfg.ExportPoll); err != nil {
			return sl, false, err
		}
	}
}

func (w *worker) completed(ctx context.Context, sl slice, job marketo.Export) (slice, bool, error) {
	sl.State, sl.BytesTotal, sl.RowsTotal, sl.Checksum = "reading", &job.Bytes, &job.Records, &job.Checksum
	_, err := w.pool.Exec(ctx, `UPDATE sync_slices SET state = 'reading', bytes_total = $3, rows_total = $4, checksum = $5
		WHERE run_id = $1 AND position = $2`, w.run.ID, w.position, job.Bytes, job.Records, job.Checksum)
	if err != nil {
		return sl, false, fmt.Errorf("note the bulk file: %w", err)
	}
	return sl, false, nil
}

// read streams the file from where the slice stands; a broken connection goes on
// from the last batch that was stored.
func (w *worker) read(ctx context.Context, sl slice) (again bool, err error) {
	if sl.RowsTotal != nil && *sl.RowsTotal == 0 && (sl.BytesTotal == nil || *sl.BytesTotal == 0) {
		return false, w.save(ctx, nil, checkpoint{done: true})
	}
	for failures := 0; ; failures++ {
		before := sl.BytesDone
		err := w.stream(ctx, sl)
		what := failure.Classify(err)
		switch {
		case err == nil:
			return false, nil
		case errors.Is(err, errNotWhole):
			return true, err
		case !what.Passing() && !what.Gone:
			return false, err
		}
		if sl, err = w.reload(ctx, err); err != nil {
			return false, err
		}
		if sl.BytesDone > before {
			failures = 0
		}
		if failures >= w.cfg.Retries {
			return true, fmt.Errorf("read the bulk file: it broke off %d times at byte %d", failures+1, sl.BytesDone)
		}
		if err := w.sleep(ctx, w.cfg.RetryBase<<min(failures, 5)); err != nil {
			return false, err
		}
	}
}

func (w *worker) reload(ctx context.Context, cause error) (slice, error) {
	if ctx.Err() != nil {
		return slice{}, cause
	}
	return w.load(ctx)
}

// errNotWhole says that a file does not have the checksum that Marketo stated.
var errNotWhole = errors.New("the bulk file is not what Marketo says it is: its checksum differs")

// fileBatch is what the reader hands to the store.
type fileBatch struct {
	rows []Row
	at   checkpoint
	err  error
}

// stream reads while the batch before is being stored; two batches in memory are
// all it takes, however long the file.
func (w *worker) stream(ctx context.Context, sl slice) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, err := w.ses.client.ExportFile(ctx, *sl.ExportID, sl.BytesDone)
	if err != nil {
		return fmt.Errorf("open the bulk file: %w", err)
	}
	defer body.Close()
	reader, err := openReader(body, sl)
	if err != nil {
		return err
	}
	batches := make(chan fileBatch)
	go func() {
		defer close(batches)
		w.readBatches(ctx, reader, sl, batches)
	}()
	for batch := range batches {
		if batch.err != nil {
			return batch.err
		}
		if err := w.save(ctx, batch.rows, batch.at); err != nil {
			return err
		}
	}
	return nil
}

// readBatches ends with a batch that is done or that has the error.
func (w *worker) readBatches(ctx context.Context, reader *marketo.ExportReader, sl slice, batches chan<- fileBatch) {
	send := func(b fileBatch) bool {
		select {
		case batches <- b:
			return !b.at.done && b.err == nil
		case <-ctx.Done():
			return false
		}
	}
	for {
		if !send(w.readBatch(reader, sl)) {
			return
		}
	}
}

func (w *worker) readBatch(reader *marketo.ExportReader, sl slice) fileBatch {
	batch := fileBatch{rows: make([]Row, 0, w.cfg.BatchRows)}
	places := make(map[int64]int, w.cfg.BatchRows)
	for int(batch.at.rows) < w.cfg.BatchRows {
		record, err := reader.Next()
		if errors.Is(err, io.EOF) {
			batch.at.done = true
			if sl.Checksum != nil && *sl.Checksum != "" && !strings.EqualFold(*sl.Checksum, "sha256:"+reader.SumHex()) {
				batch.err = errNotWhole
			}
			break
		}
		if err == nil {
			err = w.addRow(&batch, places, record, *sl.ReadAt)
		}
		if err != nil {
			batch.err = fmt.Errorf("read the bulk file at byte %d: %w", reader.Offset(), err)
			return batch
		}
		batch.at.rows++
	}
	batch.at.bytes, batch.at.header = reader.Offset(), reader.Header()
	state, err := reader.HashState()
	if err != nil {
		batch.err = fmt.Errorf("save the file's checksum so far: %w", err)
	}
	batch.at.hashState = state
	return batch
}

// addRow adds a record to a batch. Ranges of dates are inclusive at both ends, and
// a person may come twice.
func (w *worker) addRow(batch *fileBatch, places map[int64]int, record marketo.Record, readAt time.Time) error {
	text, _ := record.Get(fieldID)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("a row's id is not a number: %w", err)
	}
	row := w.ses.mapping.Row(id, record.Get, readAt, w.ses.rule)
	if w.ses.rule.Listed() {
		row.Qualifies = true
	}
	if place, twice := places[id]; twice {
		batch.rows[place] = row
		return nil
	}
	places[id] = len(batch.rows)
	batch.rows = append(batch.rows, row)
	return nil
}

// openReader goes on where the slice stands.
func openReader(body io.Reader, sl slice) (*marketo.ExportReader, error) {
	if sl.BytesDone == 0 {
		return marketo.NewExportReader(body), nil
	}
	reader, err := marketo.ResumeExportReader(body, sl.Header, sl.BytesDone, sl.HashState)
	if err != nil {
		return nil, fmt.Errorf("go on with a bulk file: %w", err)
	}
	return reader, nil
}
