package salesforce

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// locks are those that transactions hold until they end: of the rows that they change,
// of unique values that they write, and of the parents of Tasks (Salesforce: Task,
// record locks).
type locks struct {
	mu   sync.Mutex
	held map[string]hold // by the row's id, or the field and its value
	// freed is closed when a transaction frees its locks, and another takes its place.
	freed chan struct{}
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
	own     []string // the row, and its unique values
	parents []string // of a Task
}

// lock takes what changes lock, and waits for what others hold. A change whose locks
// are not to be had in time is refused. A client that leaves meanwhile changes
// nothing: the org works on without it. The limit is one of real time, since it is
// about other goroutines, which go on while the sandbox's clock stands still.
func (t *Transaction) lock(changes []*change) {
	s := t.server
	s.mu.RLock()
	left := s.wants(changes)
	s.mu.RUnlock()
	limit := time.NewTimer(s.cfg.LockWait)
	defer limit.Stop()
	for waited, over := false, false; ; waited = true {
		parallel, freed := false, s.locks.next()
		left = slices.DeleteFunc(left, func(w want) bool {
			other := s.locks.take(t.grip, w)
			parallel = parallel || other != nil && t.grip.fights(other, w)
			return other == nil
		})
		if len(left) == 0 {
			return
		}
		if parallel && !waited {
			s.limits.violate("parallel changes of one parent's Tasks")
		}
		if over {
			break
		}
		select {
		case <-freed:
		case <-limit.C:
			over = true
		}
	}
	for _, w := range left {
		w.change.refusal = busy()
	}
}

func busy() *recordError {
	return refused("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records")
}

// lockNow does so without waiting; callers hold the org's lock.
func (t *Transaction) lockNow(changes []*change) {
	for _, w := range t.server.wants(changes) {
		if t.server.locks.take(t.grip, w) != nil {
			w.change.refusal = busy()
		}
	}
}

// fights says whether two calls of clients that both wait for their answers change
// Tasks of one parent.
func (g *grip) fights(other *hold, w want) bool {
	return w.change.object.name == "Task" && g.waits != nil && other.parent && other.grip.waits != nil && other.grip.waits()
}

// wants lists what changes lock; callers hold the org's lock.
func (s *Server) wants(changes []*change) []want {
	list := make([]want, len(changes))
	for i, ch := range changes {
		r := s.rowOf(ch)
		list[i] = want{change: ch, own: uniqueOf(ch, r, s.schema[lower(ch.object.name)].fields)}
		if r != nil {
			list[i].own = append(list[i].own, r.id)
		}
		if into, _ := ch.values["into"].(string); ch.do == "merge" && into != "" {
			list[i].own = append(list[i].own, long(into))
		}
		if ch.object.name == "Task" {
			list[i].parents = s.parentsOf(ch, r)
		}
	}
	return list
}

// rowOf is the row that a change is about, nil if there is none yet.
func (s *Server) rowOf(ch *change) *record {
	table := s.tables[lower(ch.object.name)]
	if ch.key != nil {
		return table.holder(ch.key.name, ch.value)
	}
	return table.byID[long(ch.id)]
}

// uniqueOf are the unique values that a change writes or brings back: whoever writes the same one
// waits until it is settled whose it is.
func uniqueOf(ch *change, r *record, fields []field) []string {
	var keys []string
	values := ch.values
	if ch.do == "undelete" && r != nil {
		values = r.values
	}
	for _, f := range fields {
		value, _ := values[f.name].(string)
		if ch.key != nil && ch.key.name == f.name {
			value = ch.value
		}
		if f.unique && value != "" {
			keys = append(keys, ch.object.name+"."+f.name+"="+lower(value))
		}
	}
	return keys
}

// parentsOf are the Who, What and Account of a Task that is changed: those before and
// those after. Of a new Task they are locked only if it is open and has a date.
func (s *Server) parentsOf(ch *change, r *record) []string {
	var parents []string
	of := func(task map[string]any) {
		for _, parent := range []any{task["WhoId"], task["WhatId"], s.accountOf(task)} {
			if id, _ := parent.(string); id != "" && !contains(parents, long(id)) {
				parents = append(parents, long(id))
			}
		}
	}
	after := map[string]any{}
	if r != nil {
		of(r.values)
		maps.Copy(after, r.values)
	}
	maps.Copy(after, ch.values)
	if r != nil || after["Status"] != "Completed" && after["ActivityDate"] != nil {
		of(after)
	}
	return parents
}

// take takes all that a change wants, or nothing; then it returns what is in the way.
func (l *locks) take(g *grip, w want) *hold {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range append(slices.Clone(w.own), w.parents...) {
		if other, taken := l.held[key]; taken && other.grip != g {
			return &other
		}
	}
	l.keep(g, w.own, false)
	l.keep(g, w.parents, true)
	return nil
}

func (l *locks) keep(g *grip, keys []string, parent bool) {
	for _, key := range keys {
		l.held[key] = hold{g, parent || l.held[key].parent}
		g.keys = append(g.keys, key)
	}
}

// next is closed when locks are freed from now on.
func (l *locks) next() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.freed
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
	close(l.freed)
	l.freed = make(chan struct{})
}
