package soql

import "unicode"

// Wildcards of a pattern: no rune is below zero.
const (
	anyRun rune = -1 // %
	anyOne rune = -2 // _
)

// likePattern is a pattern of LIKE with its wildcards apart from its letters.
type likePattern []rune

func compileLike(pattern string, fold bool) likePattern {
	var out likePattern
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			escaped = false
			out = append(out, r)
		case r == '\\':
			escaped = true
		case r == '%':
			out = append(out, anyRun)
		case r == '_':
			out = append(out, anyOne)
		case fold:
			out = append(out, unicode.ToLower(r))
		default:
			out = append(out, r)
		}
	}
	return out
}

// matches goes forward and, after a mismatch, lets the last % eat one rune more: time
// is at most length times length, whatever the pattern.
func (p likePattern) matches(s []rune) bool {
	at, in := 0, 0
	star, resume := -1, 0
	for in < len(s) {
		switch {
		case at < len(p) && p[at] == anyRun:
			star, resume = at, in
			at++
		case at < len(p) && (p[at] == anyOne || p[at] == s[in]):
			at++
			in++
		case star >= 0:
			resume++
			at, in = star+1, resume
		default:
			return false
		}
	}
	for at < len(p) && p[at] == anyRun {
		at++
	}
	return at == len(p)
}
