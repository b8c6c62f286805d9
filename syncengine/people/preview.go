package people

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

// previewBatches is how many batches of ids a count looks at; an instance with
// fewer ids is counted whole.
const previewBatches = 40

// Preview is how many people a sync would bring.
type Preview struct {
	State     string    `json:"state"` // counting, done, failed
	Qualified int64     `json:"qualified"`
	Read      int64     `json:"read"`  // people looked at
	Total     int64     `json:"total"` // people in Marketo, qualified or not
	Exact     bool      `json:"exact"` // counted, not estimated
	How       string    `json:"how"`
	Error     string    `json:"error,omitempty"`
	CountedAt time.Time `json:"counted_at"`
}

// Count counts who qualifies, for Settings to show before a sync. Marketo has no
// call that counts (Marketo REST: leads), so batches of ids spread over all of
// them are read; where a list decides, a bulk job's own count is taken.
func (s *Sync) Count(ctx context.Context) error {
	_, err := s.holding(ctx, leaseCount, func(ctx context.Context) error {
		if err := s.savePreview(ctx, Preview{State: "counting"}); err != nil {
			return err
		}
		preview, err := s.count(budget.For(ctx, budget.CountPreview))
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			preview = Preview{State: "failed", Error: failure.Classify(err).Text}
		}
		return s.savePreview(ctx, preview)
	})
	return err
}

func (s *Sync) savePreview(ctx context.Context, p Preview) error {
	p.CountedAt = s.now()
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write the count: %w", err)
	}
	_, err = s.pool.Exec(ctx, `WITH told AS (SELECT pg_notify('salesactions_live', 'sync'))
		UPDATE people_sync SET preview = $1, preview_at = $2 FROM told`, text, p.CountedAt)
	if err != nil {
		return fmt.Errorf("save the count: %w", err)
	}
	return nil
}

func (s *Sync) count(ctx context.Context) (Preview, error) {
	ses, err := s.session(ctx)
	if err != nil {
		return Preview{}, err
	}
	if ses.rule.Listed() {
		return s.countList(ctx, ses)
	}
	top, err := s.topID(ctx, ses)
	if err != nil {
		return Preview{}, err
	}
	batches := (top + marketo.MaxBatch - 1) / marketo.MaxBatch
	looked := min(batches, previewBatches)
	var read, qualified int64
	for i := range looked {
		from := i*batches/looked*marketo.MaxBatch + 1
		sent := s.now()
		leads, err := s.readIDs(ctx, ses, idRange(from, from+marketo.MaxBatch-1), ses.mapping.Request)
		if err != nil {
			return Preview{}, err
		}
		for _, lead := range leads {
			read++
			if ses.mapping.leadRow(lead, sent, ses.rule).Qualifies {
				qualified++
			}
		}
	}
	preview := Preview{State: "done", Qualified: qualified, Read: read, Total: read, Exact: looked == batches,
		How: fmt.Sprintf("counted by reading all %d people", read)}
	if !preview.Exact {
		preview.Qualified, preview.Total = qualified*batches/looked, read*batches/looked
		preview.How = fmt.Sprintf("estimated from a sample of %d people", read)
	}
	return preview, nil
}

// countList lets a bulk job with nothing but the ids count.
func (s *Sync) countList(ctx context.Context, ses session) (Preview, error) {
	ses.mapping.Request = []string{fieldID}
	w := &worker{Sync: s, ses: ses}
	var job marketo.Export
	err := s.retry(ctx, func(ctx context.Context) (err error) {
		job, err = ses.client.CreateExport(ctx, ses.mapping.Request, w.filter(slice{Method: "list"}))
		return err
	})
	if err == nil {
		err = w.enqueue(ctx, job.ID)
	}
	for err == nil && job.Status != marketo.ExportCompleted {
		if job.Status == marketo.ExportFailed || job.Status == marketo.ExportCanceled {
			return Preview{}, fmt.Errorf("the list's bulk job ended as %s: %s", job.Status, job.Error)
		}
		if err = s.sleep(ctx, s.cfg.ExportPoll); err != nil {
			break
		}
		err = s.retry(ctx, func(ctx context.Context) (err error) {
			job, err = ses.client.ExportStatus(ctx, job.ID)
			return err
		})
	}
	if err != nil {
		return Preview{}, fmt.Errorf("count the list: %w", err)
	}
	return Preview{State: "done", Qualified: job.Records, Read: job.Records, Total: job.Records, Exact: true, How: "counted by Marketo's own extract of the list"}, nil
}
