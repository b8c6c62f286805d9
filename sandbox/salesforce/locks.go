package salesforce

import (
	"slices"
	"sync"
	"time"
)

// locks are those of rows that transactions hold until they end.
type locks struct {
	mu   sync.Mutex
	held map[string]hold // by the row's id
}

// hold is one lock that is taken.
type hold struct {
	grip   *grip
	parent bool // of a Task that is changed, not changed itself
}

// grip is all that one transaction has locked.
type grip struct {
	keys  []string
	waits func() bool // whether a client waits for the transaction; nil: none ever did
}

// want is what a change locks.
type want struct {
	change  *change
	parents []string
}

// lock takes what changes lock, and waits for what others hold. A change whose locks
// are not to be had in time is refused. A client that leaves meanwhile changes
// nothing: the org works on without it.
func (t *Transaction) lock(changes []*change) {
	s := t.server
	s.mu.RLock()
	left := s.wants(changes)
	s.mu.RUnlock()
	deadline := time.Now().Add(s.cfg.LockWait)
	for waited := false; ; waited = true {
		var other *hold
		left = slices.DeleteFunc(left, func(w want) bool {
			inTheWay := s.locks.take(t.grip, w)
			if inTheWay != nil {
				other = inTheWay
			}
			return inTheWay == nil
		})
		if len(left) == 0 {
			return
		}
		if !waited && t.grip.waits != nil && other.parent && other.grip.waits != nil && other.grip.waits() {
			s.limits.violate("parallel changes of one parent's Tasks")
		}
		if time.Now().After(deadline) {
			break
		}
		time.Sleep(5 * time.Millisecond) // see above: nobody can call this off
	}
	for _, w := range left {
		w.change.refusal = refused("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records")
	}
}

// wants lists what changes lock; callers hold the org's lock.
func (s *Server) wants(changes []*change) []want {
	list := make([]want, len(changes))
	for i, ch := range changes {
		list[i] = want{change: ch, parents: s.parentsLocked(ch)}
	}
	return list
}

// parentsLocked are those whose locks a change of a Task needs.
func (s *Server) parentsLocked(ch *change) []string {
	if ch.object.name != "Task" || s.tables["task"].byID[long(ch.id)] == nil {
		return nil
	}
	var parents []string
	for _, name := range []string{"WhoId", "WhatId", "AccountId"} {
		if parent := s.tables["task"].byID[long(ch.id)].text(name); parent != "" {
			parents = append(parents, parent)
		}
	}
	return parents
}

// take takes all that a change wants, or nothing; then it returns what is in the way.
func (l *locks) take(g *grip, w want) *hold {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range w.parents {
		if other, taken := l.held[key]; taken && other.grip != g {
			return &other
		}
	}
	for _, key := range w.parents {
		l.held[key] = hold{g, true}
		g.keys = append(g.keys, key)
	}
	return nil
}

func (l *locks) give(g *grip) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range g.keys {
		if l.held[key].grip == g {
			delete(l.held, key)
		}
	}
	g.keys = nil
}
