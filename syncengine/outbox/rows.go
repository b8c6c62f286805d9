package outbox

import (
	"slices"

	"salesactions/syncengine/failure"
)

// ForAll makes an outcome for each delivery of some rows.
func ForAll[T Row](rows []T, what func(Claimed) Outcome) []Outcome {
	outcomes := make([]Outcome, 0, len(rows))
	for _, row := range rows {
		for _, c := range row.Deliveries() {
			outcomes = append(outcomes, what(c))
		}
	}
	return outcomes
}

// NotSent puts rows back as if they had not been claimed.
func NotSent[T Row](rows []T) []Outcome {
	return ForAll(rows, func(c Claimed) Outcome { return Unsent(c, 0) })
}

const (
	// aFew is how many rows go together that are under suspicion.
	aFew = 15
	// fewAfter and AloneAfter are how many attempts without an answer a row has before it
	// is sent with a few others, and before it is sent alone.
	fewAfter   = 2
	AloneAfter = 3

	// An answer that blames the call weighs as an attempt; a connection or a gateway
	// that fails says less about the records, and weighs half of that.
	weighsFull = 2
	weighsHalf = 1
)

// weight is how much suspicion an attempt without an answer casts on its records.
func weight(what failure.Failure) int {
	if what.Tries > 0 || what.Heal == failure.HealSmallerBatch {
		return weighsFull
	}
	return weighsHalf
}

// SplitByDoubt divides rows into calls of at most so many. A row whose calls had no answer
// again and again may be the reason, and no longer keeps the others: it is sent with a
// few, then alone.
func SplitByDoubt[T Row](rows []T, most int) [][]T {
	var calls [][]T
	var sure, few, alone []T
	for _, row := range rows {
		doubts := 0
		for _, c := range row.Deliveries() {
			doubts = max(doubts, c.Doubts)
		}
		switch {
		case doubts >= AloneAfter*weighsFull:
			alone = append(alone, row)
		case doubts >= fewAfter*weighsFull:
			few = append(few, row)
		default:
			sure = append(sure, row)
		}
	}
	for _, part := range []struct {
		rows []T
		most int
	}{{sure, most}, {few, min(most, aFew)}, {alone, 1}} {
		for call := range slices.Chunk(part.rows, max(part.most, 1)) {
			calls = append(calls, call)
		}
	}
	return calls
}

// Each sends calls one after the other. When an error means that nothing more can be
// sent, the rest is put back as if not claimed.
func Each[T Row](calls [][]T, send func([]T) ([]Outcome, error)) ([]Outcome, error) {
	var outcomes []Outcome
	for n, call := range calls {
		done, err := send(call)
		outcomes = append(outcomes, done...)
		if err != nil {
			for _, left := range calls[n+1:] {
				outcomes = append(outcomes, NotSent(left)...)
			}
			return outcomes, err
		}
	}
	return outcomes, nil
}
