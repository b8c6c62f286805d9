package failure

import "strings"

// ofSalesforceCode says what a code of Salesforce means. It goes by code; by text
// only where one code stands for several things.
func ofSalesforceCode(code, message string) Failure {
	l, known := salesforceCode(salesforceAlias(code, message))
	if !known {
		l = salesforceLine{line{Other, "Salesforce answered with an error that Sales Actions does not know.", retryAfter}, Never, "", 0}
	}
	f := named("Salesforce", code, message, l.line)
	f.Retry, f.Heal, f.Tries = l.retry, l.heal, l.tries
	if code == codeRequestLimit && isDaily(message) {
		f.Retry = Slow
	}
	return f
}

// salesforceAlias looks through a flow or trigger that failed at what made it fail
// (Salesforce REST: status codes and error responses).
func salesforceAlias(code, message string) string {
	switch code {
	case "CANNOT_EXECUTE_FLOW_TRIGGER", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CUSTOM_APEX_ERROR":
		switch {
		case strings.Contains(message, "UNABLE_TO_LOCK_ROW"):
			return "UNABLE_TO_LOCK_ROW"
		case strings.Contains(message, "System.LimitException"):
			return "LIMIT_EXCEEDED"
		}
	}
	return code
}

const codeRequestLimit = "REQUEST_LIMIT_EXCEEDED"

// isDaily tells the limit of calls in 24 hours from those of calls in flight
// (Salesforce REST: API request limits; one code stands for both).
func isDaily(message string) bool { return strings.Contains(message, "TotalRequests") }
