package marketo

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is what went wrong with a call, apart from its code.
type Kind string

// The kinds.
const (
	KindAPI       Kind = "api"        // Marketo answered with an error of its own; Code says which
	KindAuth      Kind = "auth"       // the identity service refused the credentials
	KindTransport Kind = "transport"  // no answer, or it broke off
	KindBadAnswer Kind = "bad_answer" // an answer that is not what the documentation says: a gateway's page, cut JSON
	KindNotFound  Kind = "not_found"  // HTTP 404 of a bulk file
	KindTooLarge  Kind = "too_large"  // HTTP 413 or 414
)

// Error is a failed call.
type Error struct {
	Operation  string // "leads by filter"
	Kind       Kind
	Code       string // Marketo's code, such as "606"; empty where there is none
	Message    string // Marketo's words, cut at 300 bytes
	HTTPStatus int    // 0 without an answer
	Sent       bool   // a connection was taken for the call, so that it may have arrived
	RequestID  string // Marketo's support asks for it
	Err        error  // what caused it, for transport and bad answers
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "marketo %s: ", e.Operation)
	switch {
	case e.Code != "":
		fmt.Fprintf(&b, "code %s: %s", e.Code, e.Message)
	case e.Message != "":
		b.WriteString(e.Message)
	default:
		b.WriteString(string(e.Kind))
	}
	if e.Code == "" && e.HTTPStatus != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.HTTPStatus)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Codes that callers decide on (Marketo REST: error codes).
const (
	CodeInternal     = "500"
	CodeGateway      = "502"
	CodeTokenEmpty   = "600"
	CodeTokenInvalid = "601"
	CodeTokenExpired = "602"
	CodeAccessDenied = "603"
	CodeTimeout      = "604"
	CodeRateLimit    = "606"
	CodeQuota        = "607"
	CodeUnavailable  = "608"
	CodeSystem       = "611"
	CodeSubscription = "614"
	CodeConcurrency  = "615"
	CodeWrongKind    = "616"
	CodeNothingFound = "702"
	CodeNotEnabled   = "703"
	CodeInvalidData  = "1003"
	CodeLeadNotFound = "1004"
	CodeNoTypesLeft  = "1027"
	CodeAttributes   = "1028"
	CodeBulk         = "1029"
	CodeBulkFilter   = "1035"
	CodeTooLong      = "1049"
)

// Metered says whether the failed call counts against the subscription's limits, if
// it arrived at all. Marketo's documentation marks the codes that do not (Marketo
// REST: error codes).
func (e *Error) Metered() bool {
	switch e.Code {
	case CodeTokenInvalid, CodeTokenExpired, CodeTimeout, "605", CodeUnavailable, CodeSystem:
		return false
	default:
		return e.Kind != KindAuth
	}
}

// isTokenRefused says that another token may help.
func isTokenRefused(err error) bool {
	return IsCode(err, CodeTokenInvalid) || IsCode(err, CodeTokenExpired) || IsCode(err, CodeTokenEmpty)
}

// IsCode says whether an error is one of Marketo's with a code.
func IsCode(err error, code string) bool {
	var call *Error
	return errors.As(err, &call) && call.Code == code
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
