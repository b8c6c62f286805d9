package salesforce

import "time"

// Transaction is one user's writes: all carry the stamp of its beginning, in whole
// seconds, and are seen when it ends.
type Transaction struct {
	server *Server
	user   string
	stamp  time.Time
	grip   *grip
	undo   []func()
}

// open begins a transaction of a user; waits says whether a client is there for it,
// and is nil where none ever was.
func (s *Server) open(user string, waits func() bool) *Transaction {
	return &Transaction{server: s, user: user, stamp: s.now(), grip: &grip{waits: waits}}
}

// now is the time that stamps have.
func (s *Server) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Second) }

// end lets go of a transaction's locks; callers hold the org's lock.
func (t *Transaction) end() { t.server.locks.give(t.grip) }

// back takes writes back, the last first, until so many are left.
func (t *Transaction) back(to int) {
	for i := len(t.undo) - 1; i >= to; i-- {
		t.undo[i]()
	}
	t.undo = t.undo[:to]
}
