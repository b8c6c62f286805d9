package failure

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// Entry is what one code of another system means.
type Entry struct {
	System string // "marketo" or "salesforce"
	Code   string
	Class  Class
	Text   string
	Remedy string
	Retry  Retry
}

// Codes returns every code that is known, by system and code.
func Codes() []Entry {
	var entries []Entry
	for code, l := range marketoCodes {
		retry, _, _ := marketoRetry(Failure{Class: l.class, Code: code})
		entries = append(entries, Entry{"marketo", code, l.class, l.text, l.remedy, retry})
	}
	for _, table := range []map[string]salesforceLine{salesforceRecords, salesforceCalls, salesforceSignIn, ownSalesforce} {
		for code, l := range table {
			entries = append(entries, Entry{"salesforce", code, l.class, l.text, l.remedy, l.retry})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(number(a.Code), number(b.Code)), cmp.Compare(a.Code, b.Code))
	})
	return entries
}

// number puts codes that are numbers in their order, and before the others.
func number(code string) int {
	if n, err := strconv.Atoi(code); err == nil {
		return n
	}
	return math.MaxInt
}

// NoOptOutField is our own code for a lead or contact that cannot be opted out.
const NoOptOutField = "no_opt_out_field"

// ownSalesforce has the codes that we give what Salesforce was never asked.
var ownSalesforce = map[string]salesforceLine{
	NoOptOutField: {line{Access, "Leads or contacts have no checkbox for the opt-out that the connected user may edit.",
		"Give the user edit access to the field in Salesforce, or choose another in Settings → Unsubscribes; press Test in Settings → Salesforce, then Retry."}, Never, "", 0},
}
