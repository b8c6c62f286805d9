package smartgrid

import (
	"time"

	"salesactions/syncengine/marketo"
)

const (
	keptFor = time.Minute
	keptMax = 40 // grids, of a few megabytes at the most
)

// kept returns a grid that was read in the last minute, from the same instance.
func (r *Reader) kept(client *marketo.Client, key string) (Reading, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != client {
		clear(r.grids)
		clear(r.expires)
		r.client = client
	}
	reading, ok := r.grids[key]
	return reading, ok && r.clock.Now().Before(r.expires[key])
}

// keep remembers a grid for a minute, unless another instance was connected meanwhile.
func (r *Reader) keep(client *marketo.Client, key string, reading Reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != client {
		return
	}
	for old, expires := range r.expires {
		if r.clock.Now().After(expires) || len(r.grids) >= keptMax {
			delete(r.grids, old)
			delete(r.expires, old)
		}
	}
	r.grids[key], r.expires[key] = reading, r.clock.Now().Add(keptFor)
}
