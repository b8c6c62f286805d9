package salesforce

import (
	"sync"
	"time"
)

// locks are those of parents that changes of Tasks hold (Salesforce: Task, record
// locks). Creating a completed Task, or one without a date, takes none.
type locks struct {
	mu   sync.Mutex
	held map[string]bool
}

// lockParents takes the locks of the parents of Tasks that are changed, and waits for
// those that another call holds.
func (s *Server) lockParents(c *call, o *object, ids []string) (unlock func(), refusal *recordError) {
	if o.name != "Task" {
		return func() {}, nil
	}
	s.mu.RLock()
	parents := map[string]bool{}
	for _, id := range ids {
		if r := s.tables["task"].byID[long(id)]; r != nil {
			for _, name := range []string{"WhoId", "WhatId", "AccountId"} {
				if parent := r.text(name); parent != "" {
					parents[parent] = true
				}
			}
		}
	}
	s.mu.RUnlock()
	deadline := time.Now().Add(s.cfg.LockWait)
	for waited := false; !s.locks.take(parents); waited = true {
		if !waited {
			s.limits.violate("parallel changes of one parent's Tasks")
		}
		if time.Now().After(deadline) {
			return func() {}, refused("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records")
		}
		if !pause(c, 5*time.Millisecond) {
			return func() {}, refused("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
		}
	}
	return func() { s.locks.give(parents) }, nil
}

// take takes all or none.
func (l *locks) take(parents map[string]bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range parents {
		if l.held[p] {
			return false
		}
	}
	for p := range parents {
		l.held[p] = true
	}
	return true
}

func (l *locks) give(parents map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range parents {
		delete(l.held, p)
	}
}
