package handlers

import "time"

// Failure is an error that people see: what its page says.
type Failure struct {
	Status    int
	Code      string     // finer than the status, where the page differs
	Detail    string     // one sentence on what happened and what helps; empty for the status's own
	RequestID string     // set where the error is answered
	RetryAt   *time.Time // when trying again has a chance
}

// Error implements error.
func (f Failure) Error() string { return f.Detail }
