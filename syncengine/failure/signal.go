package failure

import (
	"errors"

	"salesactions/syncengine/budget"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/salesforce"
)

// Signal is what the end of a call tells the budget.
func Signal(err error) budget.Signal {
	if err == nil {
		return budget.Healthy
	}
	var refusal *salesforce.Error
	if errors.As(err, &refusal) {
		return signalOfSalesforce(refusal)
	}
	what := Classify(err)
	switch {
	case what.Code == marketo.CodeRateLimit:
		return budget.RateLimited
	case what.Code == marketo.CodeConcurrency:
		return budget.Crowded
	case what.Code == marketo.CodeQuota:
		return budget.QuotaSpent
	case what.Code == marketo.CodeUnavailable:
		return budget.Down
	case what.Class == Intermittent && what.Code != "interrupted" && !what.Gone:
		return budget.Broken
	default:
		return budget.Unclear
	}
}
