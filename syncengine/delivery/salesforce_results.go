package delivery

import (
	"context"
	"regexp"
	"strings"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// healAttempts is how often a record is tried that was mended by itself.
const healAttempts = 4

// results decides what became of each Task of a call that Salesforce carried out.
func (s *toSalesforce) results(ctx context.Context, items []item, results []salesforce.SaveResult) ([]outcome, error) {
	setup, _ := s.now()
	outcomes := make([]outcome, len(items))
	var follow, stale bool
	for n, i := range items {
		r := results[n]
		if r.Success {
			outcomes[n] = delivered(i.ID, r.ID)
			continue
		}
		outcomes[n] = s.refused(i, r.Errors, setup)
		switch outcomes[n].failure.Heal {
		case failure.HealFollowRecord:
			follow = true
		case failure.HealDropField, failure.HealOmitValue, failure.HealTruncate:
			stale = true
		case failure.HealDefaultOwner:
			s.reps.forget(i.RepEmail)
			if err := s.dropRep(ctx, i.RepEmail); err != nil {
				return outcomes[:n+1], err
			}
		}
	}
	if follow {
		if err := s.followRecords(ctx, items, outcomes); err != nil {
			return outcomes, err
		}
	}
	if stale {
		return outcomes, s.lookAnew(ctx)
	}
	return outcomes, nil
}

// refused decides about one Task that was not created.
func (s *toSalesforce) refused(i item, errs []salesforce.CodeMessage, setup SalesforceSetup) outcome {
	first := firstError(errs)
	if id, ours := doubleOf(errs, setup.KeyField); ours {
		if id != "" {
			return delivered(i.ID, id)
		}
		return unknown(i.ID, 0) // it is there: looked up by its key
	}
	what := failure.OfSalesforceRecord(first)
	if heals(what) && i.Attempts < healAttempts {
		return later(i.ID, what, 0)
	}
	return again(i.ID, i.Attempts, what)
}

// heals says that results mends the record before it is sent again.
func heals(what failure.Failure) bool {
	switch what.Heal {
	case failure.HealFollowRecord, failure.HealDropField, failure.HealOmitValue, failure.HealTruncate, failure.HealDefaultOwner:
		return true
	}
	return false
}

func firstError(errs []salesforce.CodeMessage) salesforce.CodeMessage {
	if len(errs) == 0 {
		return salesforce.CodeMessage{Code: "UNKNOWN_EXCEPTION", Message: "Salesforce refused the record without saying why."}
	}
	return errs[0]
}

// recordID finds the id in "duplicates value on record with id: 00T…" (Salesforce:
// DUPLICATE_VALUE).
var recordID = regexp.MustCompile(`id:\s*(00T[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?)\b`)

// doubleOf says that Salesforce refused a Task because one with our key is there, and
// which, where it tells.
func doubleOf(errs []salesforce.CodeMessage, keyField string) (id string, ours bool) {
	for _, e := range errs {
		if e.Code != "DUPLICATE_VALUE" || keyField == "" {
			continue
		}
		named := strings.Contains(e.Message, keyField)
		for _, f := range e.Fields {
			named = named || strings.EqualFold(f, keyField)
		}
		if !named {
			continue
		}
		if m := recordID.FindStringSubmatch(e.Message); m != nil {
			return normalID(m[1]), true
		}
		return "", true
	}
	return "", false
}

// refreshesSetup says that describing the org anew may mend it.
func refreshesSetup(what failure.Failure) bool {
	return what.Heal == failure.HealDropField || what.Heal == failure.HealOmitValue
}

// followRecords asks what became of leads and contacts that take no Task any more;
// where nothing became of them, the delivery is parked.
func (s *toSalesforce) followRecords(ctx context.Context, items []item, outcomes []outcome) error {
	var ids []string
	for n, i := range items {
		if outcomes[n].failure.Heal == failure.HealFollowRecord && i.WhoID != nil {
			ids = append(ids, *i.WhoID)
		}
	}
	followed, err := s.askRecords(ctx, ids)
	if err != nil {
		return err
	}
	for n, i := range items {
		if outcomes[n].failure.Heal == failure.HealFollowRecord && i.WhoID != nil && !followed[*i.WhoID] {
			outcomes[n] = parked(i.ID, outcomes[n].failure)
		}
	}
	return nil
}
