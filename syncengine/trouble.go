package syncengine

import (
	"context"
	"time"

	"salesactions/syncengine/failure"
)

// Trouble is what is wrong, in plain words.
type Trouble struct {
	Class   string // of package failure
	Code    string
	Text    string
	Remedy  string
	Since   time.Time
	RetryAt *time.Time // when it is tried again automatically
	Halted  bool       // a person must act; it is tried now and then all the same
}

func (e *Engine) troubleOf(err error) *Trouble {
	what := failure.Classify(err)
	return &Trouble{Class: string(what.Class), Code: what.Code, Text: what.Text, Remedy: what.Remedy, Since: e.clock.Now(), Halted: what.Halts()}
}

// forgetTrouble lets the people sync try again at once.
func (e *Engine) forgetTrouble(ctx context.Context) error {
	if err := e.budget.Reset(ctx); err != nil {
		return err
	}
	return e.people.ForgetTrouble(ctx)
}
