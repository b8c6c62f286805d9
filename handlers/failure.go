package handlers

// Failure is an error that people see: what its page says.
type Failure struct {
	Status    int
	Detail    string // one sentence on what happened and what helps; empty for the status's own
	RequestID string // set where the error is answered
}

// Error implements error.
func (f Failure) Error() string { return f.Detail }
