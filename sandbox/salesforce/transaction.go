package salesforce

import (
	"errors"
	"fmt"
	"time"
)

// Transaction is one user's writes. All carry the stamp of its beginning, in whole
// seconds, and are seen when it ends, however late that is: who reads by stamps
// meanwhile passes them by (Salesforce SOAP: polling for changes). One goroutine uses
// a transaction at a time.
type Transaction struct {
	server  *Server
	user    string
	stamp   time.Time
	grip    *grip
	undo    []func()
	changes []*change // of Act, until Commit
	over    bool
	covered bool // by one that has its locks, and ends later
}

// Open begins a transaction of another user of the org, which Commit or Rollback ends.
func (s *Server) Open() *Transaction { return s.open(s.otherUser(), nil) }

// open begins a transaction of a user; waits says whether a client is there for it,
// and is nil where none ever was.
func (s *Server) open(user string, waits func() bool) *Transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &Transaction{server: s, user: user, stamp: s.now(), grip: &grip{waits: waits}}
	s.begun[t] = true
	return t
}

// now is the time that stamps have.
func (s *Server) now() time.Time { return s.cfg.Clock.Now().UTC().Truncate(time.Second) }

var errOver = errors.New("the transaction is over")

// Act does what Server.Act does, as part of the transaction: it returns the row's id
// and holds its locks, and the row changes with Commit.
func (t *Transaction) Act(do, object, id string, values map[string]any) (string, error) {
	if t.over {
		return "", errOver
	}
	ch, err := t.server.actAs(do, object, id, values)
	if err != nil {
		return "", err
	}
	if t.lock([]*change{ch}); ch.refusal != nil {
		return "", ch.refusal
	}
	t.changes = append(t.changes, ch)
	return ch.id, nil
}

// Commit makes all changes, and everybody sees them; or none, when one is refused,
// and says why. The transaction is over in either case.
func (t *Transaction) Commit() error {
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	if t.over {
		return errOver
	}
	defer t.end()
	for _, ch := range t.changes {
		if _, _, refusal := t.apply(ch); refusal != nil {
			t.back(0)
			return fmt.Errorf("%s %s %s: %w", ch.do, ch.object.name, ch.id, refusal)
		}
	}
	return nil
}

// Rollback ends the transaction with nothing changed. It does nothing after Commit.
func (t *Transaction) Rollback() {
	t.server.mu.Lock()
	defer t.server.mu.Unlock()
	t.end()
}

// end lets go of a transaction's locks; callers hold the org's lock.
func (t *Transaction) end() {
	t.over = true
	delete(t.server.begun, t)
	if !t.covered {
		t.server.locks.give(t.grip)
	}
}

// back takes writes back, the last first, until so many are left.
func (t *Transaction) back(to int) {
	for i := len(t.undo) - 1; i >= to; i-- {
		t.undo[i]()
	}
	t.undo = t.undo[:to]
}
