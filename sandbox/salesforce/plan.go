package salesforce

import (
	"salesactions/sandbox/fault"
)

// plan is what a call does, once it is understood.
type plan struct {
	writes  bool
	many    bool      // it is about any number of records
	changes []*change // what it writes, known beforehand for the locks

	allOrNone bool // of many records
	// do is called under the org's lock; t is nil for what only reads.
	do func(t *Transaction) (int, any, error)
}

func reading(do func() (int, any, error)) *plan {
	return &plan{do: func(*Transaction) (int, any, error) { return do() }}
}

// perform does what a call plans: a read sees the org between two writes, a write is
// one transaction.
func (s *Server) perform(c *call, p *plan) (int, any, error) {
	if !p.writes {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return p.do(nil)
	}
	t := s.begin(c)
	t.lock(p.changes)
	if c.cover == nil {
		s.cfg.Clock.Sleep(c.held()) // its locks held, and whether or not the client waits
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer t.end()
	s.strike(c, p)
	return p.do(t)
}

// begin begins a call's transaction. Those of a held composite call have its stamp.
func (s *Server) begin(c *call) *Transaction {
	if c.cover == nil {
		return s.open(c.user, c.waits)
	}
	return &Transaction{server: s, user: c.user, stamp: c.cover.stamp, grip: c.cover.grip, covered: true}
}

// strike refuses a quarter of a call's records, or of a composite call's rows, if a
// fault has it so; callers hold the org's lock.
func (s *Server) strike(c *call, p *plan) {
	if c.rule == nil || c.rule.Kind != fault.RecordCode || !p.many && !c.part {
		return
	}
	for _, ch := range p.changes {
		if s.random.IntN(4) == 0 {
			ch.refusal = refused(c.rule.Code, c.rule.Message)
		}
	}
}
