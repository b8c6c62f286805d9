package failure

import (
	"errors"
	"net/http"
	"strings"

	"salesactions/syncengine/marketo"
	"salesactions/syncengine/salesforce"
)

// PausedError says in plain words why nothing can be delivered, where that is no error
// of a call.
type PausedError struct {
	Class  Class
	Code   string
	Text   string
	Remedy string
}

func (e *PausedError) Error() string { return e.Text }

// Unanswered says that a call may have been carried out, though it has no answer that
// can be believed.
func Unanswered(err error) bool {
	var call *salesforce.Error
	return marketo.Ambiguous(err) || errors.As(err, &call) && call.Ambiguous()
}

// SpoiltByOne says that one of a call's records may be the reason why the whole call was
// refused; other errors of a whole call would be met by every call (Marketo REST: error
// codes; Salesforce REST: status codes and error responses).
func SpoiltByOne(err error) bool {
	var toMarketo *marketo.Error
	if errors.As(err, &toMarketo) {
		switch toMarketo.Code {
		case "609", "701", "1001", "1002", marketo.CodeInvalidData, "1006":
			return true
		}
		return toMarketo.Kind == marketo.KindTooLarge || isUnknown(Classify(err))
	}
	var toSalesforce *salesforce.Error
	if !errors.As(err, &toSalesforce) || toSalesforce.Kind == salesforce.KindAuth {
		return errors.Is(err, salesforce.ErrTooLong)
	}
	switch toSalesforce.HTTPStatus {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return false
}

// Pauses says that no other call to the system would fare better, so that deliveries to
// it pause.
func (f Failure) Pauses() bool {
	switch f.Code {
	case "API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG", "CLIENT_NOT_ACCESSIBLE_FOR_USER", "INVALID_TYPE", "GONE", "UNSUPPORTED_API_VERSION":
		return true // of Salesforce, about the connected user or the version of the API
	case "STORAGE_LIMIT_EXCEEDED", "EXCEEDED_QUOTA":
		return true // of a whole call: there is room for no record
	case "REQUEST_LIMIT_EXCEEDED", marketo.CodeQuota:
		return f.Retry == Slow // the day's calls are used up, not only those in flight
	}
	if strings.HasPrefix(f.Code, "TXN_SECURITY_") || strings.HasPrefix(f.Code, "OAUTH_APP_") {
		return true // of Salesforce, about the app
	}
	return f.Class == Authentication || f.Class == Setup || f.Class == Limit && !f.Until.IsZero()
}
