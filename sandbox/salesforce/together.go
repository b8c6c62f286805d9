package salesforce

import (
	"net/http"
	"slices"
)

// together makes all parts one transaction: the first that fails undoes all. Locks of
// what is known beforehand are waited for; those of what only a part's answer tells
// must be free.
func (m *composite) together(order []*part) {
	s := m.server
	t := s.open(m.call.user, m.call.waits)
	t.lock(m.known())
	s.cfg.Clock.Sleep(m.call.held())
	s.mu.Lock()
	defer s.mu.Unlock()
	defer t.end()
	for _, p := range order {
		m.run(t, p)
		if p.failed() {
			t.back(0)
			m.halt(p)
			return
		}
	}
}

// run makes a part within the transaction; callers hold the org's lock.
func (m *composite) run(t *Transaction, p *part) {
	inner, planned, err := m.plan(p)
	if err != nil {
		p.answer(inner, 0, nil, err)
		return
	}
	planned.allOrNone = true // the composite call's overrides its own
	t.lockNow(planned.changes)
	m.server.strike(inner, planned)
	status, result, err := planned.do(t)
	p.answer(inner, status, result, err)
}

// failed says whether a part, or one of its records, was refused.
func (p *part) failed() bool {
	outcomes, _ := p.result.([]outcome)
	return p.status >= http.StatusBadRequest || slices.ContainsFunc(outcomes, func(o outcome) bool { return !o.Success })
}

// halt tells the other parts that one has failed. Records of Collections that were
// saved before keep their success, which is void (Salesforce REST: composite,
// allOrNone).
func (m *composite) halt(culprit *part) {
	for _, p := range m.parts {
		if _, saved := p.result.([]outcome); p == culprit || saved {
			continue
		}
		p.location = ""
		p.answer(nil, 0, nil, fail(http.StatusBadRequest, "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed."))
	}
}
