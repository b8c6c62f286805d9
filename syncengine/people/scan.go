package people

import (
	"context"
	"fmt"
	"time"

	"salesactions/syncengine/marketo"
)

// scanBatches is how many batches of ids are stored in one transaction.
const scanBatches = 10

// scanned is the answer for one batch of ids.
type scanned struct {
	from  int64
	leads []marketo.Lead
	sent  time.Time
	err   error
}

// scan reads a slice of ids in batches, several in flight, and stores them in
// order. The last slice has no end: it goes on until it meets only ids that nobody
// has for a long way.
func (w *worker) scan(ctx context.Context, sl slice) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := w.fetch(ctx, *sl.FromID, sl.ToID)
	var (
		rows  []Row
		empty int
		next  = *sl.FromID
	)
	for batch := 1; ; batch++ {
		answer, ok := <-answers
		var result scanned
		if ok {
			result = <-answer
		}
		if result.err != nil {
			return fmt.Errorf("read people from id %d on: %w", result.from, result.err)
		}
		for _, lead := range result.leads {
			rows = append(rows, w.ses.mapping.leadRow(lead, result.sent, w.ses.rule))
		}
		if ok {
			next = result.from + marketo.MaxBatch
		}
		if empty++; len(result.leads) > 0 {
			empty = 0
		}
		done := !ok || sl.ToID == nil && empty >= emptyBatches
		if done || batch%scanBatches == 0 {
			if err := w.save(ctx, rows, checkpoint{rows: int64(len(rows)), nextID: next, done: done}); err != nil {
				return err
			}
			rows = rows[:0]
		}
		if done {
			return nil
		}
	}
}

// fetch asks for batch after batch, and yields the answers in order. The length of
// the channel bounds how many are in flight.
func (w *worker) fetch(ctx context.Context, from int64, to *int64) <-chan chan scanned {
	answers := make(chan chan scanned, w.cfg.Readers)
	go func() {
		defer close(answers)
		for ; to == nil || from <= *to; from += marketo.MaxBatch {
			last := from + marketo.MaxBatch - 1
			if to != nil {
				last = min(last, *to)
			}
			answer := make(chan scanned, 1)
			select {
			case answers <- answer:
			case <-ctx.Done():
				return
			}
			go func(from int64) {
				result := scanned{from: from, sent: w.now()}
				result.err = w.retry(ctx, func(ctx context.Context) (err error) {
					result.sent = w.now()
					result.leads, err = w.ses.client.LeadsByID(ctx, idRange(from, last), w.ses.mapping.Request)
					return err
				})
				answer <- result
			}(from)
		}
	}()
	return answers
}
