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

	"golang.org/x/sync/errgroup"

	"salesactions/syncengine/marketo"
)

const (
	maxPages  = 10   // of one call's people: a page may be empty and yet not the last
	maxEvents = 3000 // of one grid
	atOnce    = 3    // calls in flight for an account
)

// Reader reads grids. It is safe for concurrent use.
type Reader struct {
	now func() time.Time

	mu      sync.Mutex
	types   map[int]wanted // of the instance, kept for a day
	token   string         // "90 days ago", which serves for the day (Marketo REST: paging tokens)
	client  *marketo.Client
	day     time.Time
	grids   map[string]Reading
	expires map[string]time.Time
}

// NewReader returns a reader.
func NewReader(now func() time.Time) *Reader {
	return &Reader{now: now, grids: map[string]Reading{}, expires: map[string]time.Time{}}
}

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
	types, token, err := r.prepare(ctx, client)
	if err != nil {
		return Reading{At: r.now()}, err
	}
	reading := Reading{At: r.now()}
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
		r.forget()
		return reading, err
	}
	r.keep(key, reading)
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

// prepare returns the instance's types and the place "90 days ago", both asked for
// once a day.
func (r *Reader) prepare(ctx context.Context, client *marketo.Client) (map[int]wanted, string, error) {
	r.mu.Lock()
	since := Since(r.now())
	if r.client != client || !r.day.Equal(since) {
		r.client, r.day, r.types, r.token = client, since, nil, ""
	}
	types, token := r.types, r.token
	r.mu.Unlock()
	if types == nil {
		has, err := client.ActivityTypes(ctx)
		if err != nil {
			return nil, "", fmt.Errorf("read Marketo's activity types: %w", err)
		}
		types = known(has)
	}
	if token == "" {
		var err error
		if token, err = client.PagingToken(ctx, since); err != nil {
			return nil, "", fmt.Errorf("find the place in Marketo's log: %w", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == client && r.day.Equal(since) {
		r.types, r.token = types, token
	}
	return types, token, nil
}

// forget asks for the place in the log anew after an error, which may be about it.
func (r *Reader) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token = ""
}
