package soql

import (
	"strconv"
	"strings"
	"time"
)

type literalKind int

const (
	nullLiteral literalKind = iota
	stringLiteral
	boolLiteral
	numberLiteral
	dateLiteral     // 2026-11-23: the day from at to to
	dateTimeLiteral // 2026-11-23T10:00:00Z
	rangeLiteral    // TODAY, LAST_N_DAYS:3: known when the query runs
)

// literal is a value written in a query.
type literal struct {
	kind   literalKind
	text   string
	like   string
	number float64
	truth  bool
	time   time.Time
	days   int // of rangeLiteral: how many days before today it starts
	today  bool
	at     int
}

// maxDays keeps LAST_N_DAYS:n within dates that exist.
const maxDays = 100_000

func parseLiteral(t token) (literal, bool) {
	l := literal{text: t.text, like: t.like, at: t.at}
	switch t.kind {
	case text:
		l.kind = stringLiteral
		return l, true
	case number:
		return parseNumber(l)
	case word:
		return parseWord(l)
	default:
		return l, false
	}
}

func parseNumber(l literal) (literal, bool) {
	if day, err := time.Parse(time.DateOnly, l.text); err == nil {
		l.kind, l.time = dateLiteral, day
		return l, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if at, err := time.Parse(layout, l.text); err == nil {
			l.kind, l.time = dateTimeLiteral, at.UTC()
			return l, true
		}
	}
	n, err := strconv.ParseFloat(l.text, 64)
	if err != nil || strings.ContainsAny(l.text, "xXpP_") {
		return l, false
	}
	l.kind, l.number = numberLiteral, n
	return l, true
}

// parseWord knows null, booleans and the date literals of SOQL that the product uses.
func parseWord(l literal) (literal, bool) {
	switch lower := strings.ToLower(l.text); lower {
	case "null":
		l.kind = nullLiteral
	case "true", "false":
		l.kind, l.truth = boolLiteral, lower == "true"
	case "today":
		l.kind, l.today = rangeLiteral, true
	case "yesterday":
		l.kind, l.days = rangeLiteral, 1
	default:
		n, found := strings.CutPrefix(lower, "last_n_days:")
		days, err := strconv.Atoi(n)
		if !found || err != nil || days < 1 || days > maxDays {
			return l, false
		}
		l.kind, l.days, l.today = rangeLiteral, days, true
	}
	return l, true
}

// span gives the half-open time that a date or a range covers, in UTC. SOQL:
// LAST_N_DAYS:n starts n days before today and ends with today.
func (l literal) span(now time.Time) (time.Time, time.Time) {
	if l.kind == dateLiteral {
		return l.time, l.time.AddDate(0, 0, 1)
	}
	year, month, day := now.UTC().Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	from := today.AddDate(0, 0, -l.days)
	if l.today {
		return from, today.AddDate(0, 0, 1)
	}
	return from, from.AddDate(0, 0, 1)
}
