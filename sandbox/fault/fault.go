// Package fault makes a sandbox misbehave on command.
package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is a way to misbehave.
type Kind string

// The kinds.
const (
	Latency           Kind = "latency"             // answer after Delay
	DropBefore        Kind = "drop_before"         // close the connection, nothing done
	DropAfter         Kind = "drop_after"          // do it, then close the connection
	HTML              Kind = "html_5xx"            // a gateway's page with HTTP 502
	Truncate          Kind = "truncate_body"       // half of the answer, as if whole
	WrongType         Kind = "wrong_type"          // a result that is no array
	EmptyResult       Kind = "empty_result"        // success, and nobody
	SuccessWithErrors Kind = "success_with_errors" // success:true beside an error
	Code              Kind = "code"                // an error of the system's own
	ExpireToken       Kind = "expire_token"        // the token dies now
	CutFile           Kind = "cut_file"            // a bulk file breaks off halfway
	CorruptFile       Kind = "corrupt_file"        // a byte of a bulk file is another
	DelayCommit       Kind = "delay_commit"        // do it after Delay, also when the caller has left by then
	CommitThen503     Kind = "commit_then_503"     // do it, then answer HTTP 503
	RecordCode        Kind = "record_code"         // an error of the system's own for a quarter of a batch's records
	HoldTransaction   Kind = "hold_transaction"    // what is written has the stamp of now, is seen after Delay, and answered then
)

// Rule says when to misbehave, and how.
type Rule struct {
	Path        string        `json:"path"`        // part of the path; empty: every path
	Kind        Kind          `json:"kind"`        //
	Probability float64       `json:"probability"` // 0 means always
	Count       int           `json:"count"`       // how often; 0 means without end
	Code        string        `json:"code"`        // for Code, RecordCode and SuccessWithErrors
	Message     string        `json:"message"`     //
	Delay       time.Duration `json:"delay"`       // for Latency, DelayCommit and HoldTransaction
	Status      int           `json:"status"`      // for Code, where errors have an HTTP status of their own
}

// Check says whether a rule can be followed.
func (r Rule) Check() error {
	switch r.Kind {
	case Latency, DropBefore, DropAfter, HTML, Truncate, WrongType, EmptyResult, SuccessWithErrors, ExpireToken, CutFile, CorruptFile, DelayCommit, CommitThen503, HoldTransaction:
		return nil
	case Code, RecordCode:
		if r.Code == "" {
			return errors.New("a fault of kind code needs a code")
		}
		return nil
	}
	return fmt.Errorf("%q is no kind of fault", r.Kind)
}

// Plan holds the rules. It is safe for concurrent use.
type Plan struct {
	mu     sync.Mutex
	random *rand.Rand
	rules  []*Rule
	used   map[*Rule]int
}

// New returns a plan without rules, whose chances come from a seed.
func New(seed int64) *Plan {
	return &Plan{random: rand.New(rand.NewPCG(uint64(seed), 11)), used: map[*Rule]int{}}
}

// Add adds a rule.
func (p *Plan) Add(r Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &r)
}

// Clear forgets all rules.
func (p *Plan) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.used = nil, map[*Rule]int{}
}

// Next returns the rule that a request meets, or nil. Rules of kinds that cannot
// befall it are kept for others.
func (p *Plan) Next(path string, spared ...Kind) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		switch {
		case !strings.Contains(path, r.Path), r.Count > 0 && p.used[r] >= r.Count, slices.Contains(spared, r.Kind):
			continue
		case r.Probability > 0 && p.random.Float64() >= r.Probability:
			continue
		}
		p.used[r]++
		return r
	}
	return nil
}
