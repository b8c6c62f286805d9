package oauth

import (
	"encoding/json"
	"net/http"
)

// InvalidSession is the API's code for a token that is good no more.
const InvalidSession = "INVALID_SESSION_ID"

// Error is a refusal, in the words of Salesforce Help: OAuth 2.0 authorization errors.
type Error struct {
	Code        string
	Description string
}

func (e *Error) Error() string { return e.Code + ": " + e.Description }

func invalidGrant(description string) *Error { return &Error{"invalid_grant", description} }

// answerError uses 401 for clients that are not who they say.
func answerError(w http.ResponseWriter, e *Error) {
	status := http.StatusBadRequest
	if e.Code == "invalid_client" {
		status = http.StatusUnauthorized
	}
	answer(w, status, map[string]string{"error": e.Code, "error_description": e.Description})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.WriteHeader(status)
	// A client that has left misses its answer; nobody else wants it.
	_ = json.NewEncoder(w).Encode(body)
}
