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
	for code, l := range ownMarketo {
		entries = append(entries, Entry{"marketo", code, l.class, l.text, l.remedy, l.retry})
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
