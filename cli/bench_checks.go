package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"salesactions/sandbox/fault"
)

const (
	checkTries    = 200
	slowMarketo   = 200 * time.Millisecond // what Marketo often takes
	checkLimit    = 50 * time.Millisecond  // of ours, beside Marketo's own time
	checkPatience = 2500 * time.Millisecond
)

// checks measures the answer to "may I email this person?" over HTTP: with a Marketo
// that answers at once, with one that takes as long as the real one, and with one that
// does not answer.
func (w *twoWay) checks(ctx context.Context) error {
	defer func() { _ = w.clear(context.WithoutCancel(ctx)) }() // the sandbox ends soon anyway
	if err := w.checking(ctx, "check before a send", checkTries, checkLimit, reachable); err != nil {
		return err
	}
	if err := w.fault(ctx, fault.Rule{Path: "/rest/", Kind: fault.Latency, Delay: slowMarketo}); err != nil {
		return err
	}
	if err := w.checking(ctx, fmt.Sprintf("check, Marketo takes %v", slowMarketo), checkTries, checkLimit+slowMarketo, reachable); err != nil {
		return err
	}
	if err := w.fault(ctx, fault.Rule{Kind: fault.Latency, Delay: callTime}); err != nil {
		return err
	}
	if err := w.checking(ctx, "check, Marketo does not answer", 10, checkPatience+checkLimit, blocked); err != nil {
		return err
	}
	if err := w.fault(ctx, fault.Rule{Kind: fault.DropBefore}); err != nil {
		return err
	}
	return w.checking(ctx, "check, Marketo hangs up", checkTries/4, checkPatience+checkLimit, blocked)
}

// checkAnswer is what POST /emails/check says.
type checkAnswer struct {
	Allowed bool     `json:"allowed"`
	Reasons []string `json:"reasons"`
}

const unreachable = "marketo_unreachable"

// reachable says that an answer is Marketo's word, whatever it is.
func reachable(a checkAnswer) bool { return !slices.Contains(a.Reasons, unreachable) }

// blocked says that nobody is emailed whom Marketo was not asked about.
func blocked(a checkAnswer) bool { return !a.Allowed && slices.Contains(a.Reasons, unreachable) }

// checking asks about one person after the other.
func (w *twoWay) checking(ctx context.Context, what string, tries int, limit time.Duration, fits func(checkAnswer) bool) error {
	times := make([]time.Duration, tries)
	for n := range times {
		var answer checkAnswer
		began := w.store.clock.Now()
		if err := w.api.call(ctx, http.MethodPost, "/emails/check", map[string]any{"person_id": w.people[n%len(w.people)].ID}, &answer); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		times[n] = w.store.clock.Since(began)
		if !fits(answer) {
			return fmt.Errorf("%s: allowed is %v because of %v", what, answer.Allowed, answer.Reasons)
		}
	}
	median, p95 := spread(times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	w.line(fmt.Sprintf("%s: p95 ms (median %.1f)", what, ms(median)), ms(p95), fmt.Sprintf("under %d", limit.Milliseconds()), p95 < limit)
	return nil
}

// fault lets Marketo misbehave in one way only.
func (w *twoWay) fault(ctx context.Context, rule fault.Rule) error {
	return errors.Join(w.clear(ctx), w.faults.call(ctx, http.MethodPost, "/faults", rule, nil))
}

// clear lets Marketo behave.
func (w *twoWay) clear(ctx context.Context) error {
	return w.faults.call(ctx, http.MethodDelete, "/faults", nil, nil)
}
