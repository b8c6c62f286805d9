package failure

import (
	"strconv"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/salesforce"
)

// OfSalesforceRecord says what it means that Salesforce refused a record of a call.
func OfSalesforceRecord(said salesforce.CodeMessage) Failure {
	return ofSalesforceCode(said.Code, said.Message)
}

// ofSalesforce says what an error of Salesforce's client means.
func ofSalesforce(e *salesforce.Error) Failure {
	f := meaningOfSalesforce(e)
	f.After = e.RetryAfter
	return f
}

func meaningOfSalesforce(e *salesforce.Error) Failure {
	switch {
	case e.Kind == salesforce.KindTransport:
		return brokenOff(e)
	case e.Code() == "":
		return ofSalesforceStatus(e.HTTPStatus)
	case e.Kind == salesforce.KindAuth:
		return ofSalesforceCode(signInCode(e.Code(), e.Message()), e.Message())
	}
	f := ofSalesforceCode(e.Code(), e.Message())
	_, known := salesforceCode(e.Code())
	if !known && e.HTTPStatus >= 500 {
		f.Retry, f.Tries, f.Remedy = Soon, 3, "It is tried three times. If it lasts, read Salesforce's words."
	}
	return f
}

// brokenOff is a call without an answer.
func brokenOff(e *salesforce.Error) Failure {
	switch {
	case e.Err != nil && isSpent(e.Err):
		return Classify(e.Err)
	case e.Ambiguous():
		return ofSalesforceCode(codeFailedWrite, "")
	default:
		return Failure{Class: Intermittent, Code: "network", Retry: Soon, Remedy: byItself,
			Text: "Salesforce did not answer, or the connection broke off."}
	}
}

// ofSalesforceStatus is an answer without a code of Salesforce: a gateway's page, or
// cut JSON.
func ofSalesforceStatus(status int) Failure {
	if _, known := salesforceCode(strconv.Itoa(status)); known {
		return ofSalesforceCode(strconv.Itoa(status), "")
	}
	if status >= 400 && status < 500 {
		return Failure{Class: Other, Code: strconv.Itoa(status), Retry: Never, Remedy: reportBug,
			Text: "Salesforce's gateway refused the request."}
	}
	return Failure{Class: Intermittent, Code: "bad_answer", Retry: Soon, Remedy: byItself,
		Text: "Salesforce's gateway sent something that is not an answer of Salesforce."}
}

// signalOfSalesforce is what the end of a call tells the budget. What was too large
// or met a lock says nothing about the system's health.
func signalOfSalesforce(e *salesforce.Error) budget.Signal {
	what := ofSalesforce(e)
	_, ofRecord := salesforceRecords[what.Code]
	switch {
	case what.Code == codeRequestLimit && isDaily(e.Message()):
		return budget.QuotaSpent
	case what.Code == codeRequestLimit:
		return budget.Crowded
	case what.Code == "429":
		return budget.RateLimited
	case isDown(what.Code):
		return budget.Down
	case ofRecord, what.Heal == HealSmallerBatch, what.Code == "interrupted", what.Retry == Slow:
		return budget.Unclear
	case what.Class == Intermittent, e.HTTPStatus >= 500:
		return budget.Broken
	default:
		return budget.Unclear
	}
}

func isDown(code string) bool {
	switch code {
	case "SERVER_UNAVAILABLE", "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE", "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "503":
		return true
	default:
		return false
	}
}
