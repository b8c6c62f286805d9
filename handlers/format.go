package handlers

import (
	"strconv"
	"strings"
	"time"

	"salesactions/models"
)

// grouped writes a number as people read it: 1,234,567.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return sign + b.String()
}

// roughly writes a length of time with its largest unit: "45 s", "12 min", "3 h".
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(max(d, 0)/time.Second)) + " s"
	case d < 100*time.Minute:
		return strconv.Itoa(int((d+30*time.Second)/time.Minute)) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int((d+30*time.Minute)/time.Hour)) + " h"
	default:
		return strconv.Itoa(int((d+12*time.Hour)/(24*time.Hour))) + " days"
	}
}

// totalText says how many people a list has, and that it is an estimate where it is.
func totalText(t models.Total) string {
	noun := " people"
	if t.N == 1 {
		noun = " person"
	}
	if t.Exact {
		return grouped(t.N) + noun
	}
	return "about " + grouped(rounded(t.N)) + noun
}

// rounded keeps two figures of an estimate, since the others would be made up.
func rounded(n int64) int64 {
	unit := int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

// actorText is who did something, as screens say it.
func actorText(actor string) string {
	kind, name, found := strings.Cut(actor, ":")
	switch {
	case found && kind == "token":
		return name + " (API)"
	case found && kind == "user":
		return name
	case actor == "cli":
		return "command line"
	case actor == "system":
		return "by itself"
	default:
		return actor
	}
}

// byActor is the phrase that says who did something: "by Ada", "by itself". Only this
// knows which actors have the word in their own text; empty for nobody.
func byActor(actor string) string {
	switch actor {
	case "":
		return ""
	case "system":
		return actorText(actor)
	default:
		return "by " + actorText(actor)
	}
}

// runText is what screens call a kind of run.
func runText(kind models.RunKind) string {
	switch kind {
	case models.RunCopy:
		return "Initial sync"
	case models.RunFollow:
		return "Incremental sync"
	case models.RunReconcile:
		return "Reconciliation"
	default:
		return string(kind)
	}
}
