package salesforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kind is what went wrong with a call, apart from its code.
type Kind string

// The kinds.
const (
	KindAPI       Kind = "api"        // Salesforce answered with an error of its own; Codes say which
	KindAuth      Kind = "auth"       // the token service refused; Code is OAuth's error
	KindTransport Kind = "transport"  // no answer, or it broke off
	KindBadAnswer Kind = "bad_answer" // an answer that is not what the documentation says: a gateway's page, cut JSON
)

// Codes that callers decide on (Salesforce REST: status codes and error responses).
const (
	CodeSession         = "INVALID_SESSION_ID"
	CodeDuplicateValue  = "DUPLICATE_VALUE"
	CodeMultipleChoices = "MULTIPLE_CHOICES" // our name for HTTP 300, which has none
	CodeQueryTimeout    = "QUERY_TIMEOUT"
	CodeRunningTooLong  = "REQUEST_RUNNING_TOO_LONG"
	CodeInvalidGrant    = "invalid_grant" // of the token service
)

// ErrTooLong says that a request was not sent because its address is longer than
// MaxURI: ask for fewer ids at once.
var ErrTooLong = errors.New("the address is longer than Salesforce takes")

// Error is a failed call.
type Error struct {
	Operation   string // "create many"
	Kind        Kind
	Codes       []CodeMessage // what Salesforce said; empty where it said nothing that can be read
	HTTPStatus  int           // 0 without an answer
	RetryAfter  time.Duration // 0 where Salesforce does not say
	RequestSent bool          // a connection was taken for the call, so that it may have arrived
	Write       bool          // the call was to change something
	Err         error         // what caused it, for transport and bad answers
}

// CodeMessage is one error of a call or of a record.
type CodeMessage struct {
	Code    string   // upper snake; lower snake from the token service
	Message string   // Salesforce's words, cut at 300 bytes
	Fields  []string // which they are about; often empty
}

// UnmarshalJSON implements json.Unmarshaler. A call's error has errorCode, a
// record's has statusCode (Salesforce REST: sObject Collections).
func (m *CodeMessage) UnmarshalJSON(raw []byte) error {
	var wire struct {
		ErrorCode  string   `json:"errorCode"`
		StatusCode string   `json:"statusCode"`
		Message    string   `json:"message"`
		Fields     []string `json:"fields"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return err
	}
	code := wire.ErrorCode
	if code == "" {
		code = wire.StatusCode
	}
	*m = CodeMessage{Code: cut(code), Message: cut(wire.Message), Fields: wire.Fields}
	return nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "salesforce %s: ", e.Operation)
	if len(e.Codes) > 0 {
		b.WriteString(e.Codes[0].Code + ": " + e.Codes[0].Message)
	} else {
		b.WriteString(string(e.Kind))
	}
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.HTTPStatus)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Code returns the first code, or "" where Salesforce gave none.
func (e *Error) Code() string {
	if len(e.Codes) == 0 {
		return ""
	}
	return e.Codes[0].Code
}

// Message returns the words that go with Code.
func (e *Error) Message() string {
	if len(e.Codes) == 0 {
		return ""
	}
	return e.Codes[0].Message
}

// statusNoRoute is what Salesforce's gateway answers when it finds no server for a
// host name (Salesforce REST: status codes, 420).
const statusNoRoute = 420

// Ambiguous says whether a write that failed so may have been carried out all the
// same: the answer was lost, or came from a gateway, or says that Salesforce did not
// come to an end. Such a write is never repeated without a key that makes a second
// one harmless, and "not found" proves nothing for ten minutes (Salesforce REST: API
// request limits).
func (e *Error) Ambiguous() bool {
	switch {
	case !e.Write || !e.RequestSent || e.Kind == KindAuth:
		return false
	case e.Kind == KindTransport, e.HTTPStatus >= 500, e.HTTPStatus == http.StatusRequestTimeout, e.HTTPStatus == statusNoRoute:
		return true
	case e.Kind == KindBadAnswer:
		return e.HTTPStatus < 300
	}
	return e.has(CodeQueryTimeout) || e.has(CodeRunningTooLong)
}

// Metered says whether the failed call may count against the org's daily limit.
// Calls of the token service do not.
func (e *Error) Metered() bool { return e.RequestSent && e.Kind != KindAuth }

func (e *Error) has(code string) bool {
	return slices.ContainsFunc(e.Codes, func(m CodeMessage) bool { return m.Code == code })
}

// IsCode says whether an error is one of Salesforce's with a code.
func IsCode(err error, code string) bool {
	var call *Error
	return errors.As(err, &call) && call.has(code)
}

// refreshable says that another token may help. Two sessions that are refused have
// the code of an expired one, and would be refused again for ever (Salesforce REST:
// session errors).
func refreshable(err error) bool {
	var call *Error
	return errors.As(err, &call) && call.HTTPStatus == http.StatusUnauthorized && call.Code() == CodeSession &&
		!strings.Contains(call.Message(), "not valid for use with the REST API") &&
		!strings.Contains(call.Message(), "not attached to Agent")
}

// maxMessage is how much of another system's words an error keeps.
const maxMessage = 300

func cut(s string) string {
	s = strings.ToValidUTF8(strings.TrimSpace(s), "")
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}
