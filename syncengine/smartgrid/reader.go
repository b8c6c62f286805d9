package smartgrid

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/sync/errgroup"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
)

const (
	maxPages  = 10   // of one call's people: a page may be empty and yet not the last
	maxEvents = 3000 // of one grid
	atOnce    = 3    // calls in flight for an account
)

// Reader reads grids. It is safe for concurrent use. Stop ends what goes on beside the
// reads.
type Reader struct {
	clock   clockwork.Clock
	learner learner

	mu      sync.Mutex
	client  *marketo.Client // of whose instance grids are kept
	grids   map[string]Reading
	expires map[string]time.Time
}

// NewReader returns a reader that goes by a clock.
func NewReader(clock clockwork.Clock) *Reader {
	return &Reader{clock: clock, grids: map[string]Reading{}, expires: map[string]time.Time{}}
}

// Stop ends what is being learned, and waits for its end. It is safe to call twice.
func (r *Reader) Stop() { r.learner.stop() }

// Reading is what Marketo said.
type Reading struct {
	Events  []Event // newest first
	Partial bool    // there is more than was read
	At      time.Time
}

// Read asks Marketo for what happened to people: a call for each thirty of them, as
// long as one page holds it. When ctx ends first, or a call fails, what arrived is
// returned with the error.
func (r *Reader) Read(ctx context.Context, client *marketo.Client, people []int64) (Reading, error) {
	key := fmt.Sprint(people)
	if kept, ok := r.kept(client, key); ok {
		return kept, nil
	}
	types, token, err := r.learner.learn(ctx, client, Since(r.clock.Now()))
	if err != nil {
		return Reading{At: r.clock.Now()}, err
	}
	reading := Reading{At: r.clock.Now()}
	if len(types) == 0 {
		return reading, nil
	}
	var mu sync.Mutex
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for chunk := range slices.Chunk(people, marketo.MaxActivityLeads) {
		group.Go(func() error {
			return r.chunk(groupCtx, client, types, token, chunk, func(events []Event, partial bool) bool {
				mu.Lock()
				defer mu.Unlock()
				reading.Events = append(reading.Events, events...)
				reading.Partial = reading.Partial || partial || len(reading.Events) >= maxEvents
				return len(reading.Events) < maxEvents
			})
		})
	}
	err = group.Wait()
	slices.SortFunc(reading.Events, func(a, b Event) int {
		return cmp.Or(b.At.Compare(a.At), strings.Compare(b.ID, a.ID))
	})
	if err != nil {
		reading.Partial = true
		if failure.Classify(err).BadToken {
			r.learner.forget(token)
		}
		return reading, err
	}
	r.keep(client, key, reading)
	return reading, nil
}

// chunk reads the pages of up to thirty people.
func (r *Reader) chunk(ctx context.Context, client *marketo.Client, types map[int]wanted, token string, people []int64, take func([]Event, bool) bool) error {
	ids := slices.Sorted(maps.Keys(types))
	for range maxPages {
		page, err := client.Activities(ctx, token, ids, people)
		if err != nil {
			return fmt.Errorf("read Marketo's activities: %w", err)
		}
		events := make([]Event, 0, len(page.Items))
		for _, a := range page.Items {
			if w, ok := types[a.TypeID]; ok && !a.At.IsZero() {
				events = append(events, w.event(a))
			}
		}
		if !take(events, false) || !page.More {
			return nil
		}
		token = page.Next
	}
	take(nil, true)
	return nil
}
