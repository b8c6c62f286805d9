package outbox

import "sync"

// Gauge is how many records a call may have. Where a trigger of the other system does
// not bear as many as the API takes, it shrinks fast and grows slowly. It is safe for
// concurrent use.
type Gauge struct {
	mu   sync.Mutex
	most int
	size int // 0: most
}

// NewGauge returns a gauge for calls of at most so many records.
func NewGauge(most int) *Gauge { return &Gauge{most: most} }

// Size returns how many records the next call may have.
func (g *Gauge) Size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.size == 0 {
		return g.most
	}
	return g.size
}

// Shrink notes that a call with so many records was too large, by about a divisor, but
// never below a floor.
func (g *Gauge) Shrink(records, divisor, floor int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if smaller := max(records/divisor, floor); smaller < g.most && (g.size == 0 || smaller < g.size) {
		g.size = smaller
	}
}

// Grow notes that a call with so many records went well; a full one lets the next be
// a little larger.
func (g *Gauge) Grow(records int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.size > 0 && records >= g.size {
		g.size = min(g.size+max(g.size/20, 1), g.most)
	}
}
