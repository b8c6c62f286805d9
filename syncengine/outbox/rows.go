package outbox

import (
	"slices"

	"salesactions/syncengine/failure"
)

// ForAll makes an outcome for each of the rows of a call.
func ForAll[T any](rows []T, what func(T) Outcome) []Outcome {
	outcomes := make([]Outcome, len(rows))
	for n, row := range rows {
		outcomes[n] = what(row)
	}
	return outcomes
}

// Halve sends the halves of a call that was refused because of one of its rows, which
// stands alone in the end. When a half's error means that nothing more can be sent,
// the other is as if not sent.
func Halve[T any](rows []T, unsent func(T) Outcome, send func([]T) ([]Outcome, error)) ([]Outcome, error) {
	half := len(rows) / 2
	return Each([][]T{rows[:half], rows[half:]}, unsent, send)
}

const (
	// aFew is how many rows go together that are under suspicion.
	aFew = 15
	// fewAfter and AloneAfter are after how many attempts without an answer a row goes
	// with few others, and alone.
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

// Apart divides rows into calls of at most so many. One that had no answer again and
// again may be the reason, and keeps the others no longer: it goes with few, then
// alone. doubts tells the column of that name.
func Apart[T any](rows []T, most int, doubts func(T) int) [][]T {
	var calls [][]T
	var sure, few, alone []T
	for _, row := range rows {
		switch n := doubts(row); {
		case n >= AloneAfter*weighsFull:
			alone = append(alone, row)
		case n >= fewAfter*weighsFull:
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
// sent, the rest is as if not sent.
func Each[T any](calls [][]T, unsent func(T) Outcome, send func([]T) ([]Outcome, error)) ([]Outcome, error) {
	var outcomes []Outcome
	for n, call := range calls {
		done, err := send(call)
		outcomes = append(outcomes, done...)
		if err != nil {
			for _, left := range calls[n+1:] {
				outcomes = append(outcomes, ForAll(left, unsent)...)
			}
			return outcomes, err
		}
	}
	return outcomes, nil
}
