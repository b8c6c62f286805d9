package outbox

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
	first, err := send(rows[:half])
	if err != nil {
		return append(first, ForAll(rows[half:], unsent)...), err
	}
	second, err := send(rows[half:])
	return append(first, second...), err
}
