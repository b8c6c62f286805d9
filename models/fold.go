package models

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// letters that Unicode does not decompose, though readers take them for the plain ones.
var plainLetters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// Fold returns text as lists sort and search it: lower case, compatibility forms
// unified, diacritical marks of alphabets removed, white space collapsed, and each
// Chinese or Japanese character a word of its own. So "Ångström" folds to
// "angstrom" and "王伟" to "王 伟".
func Fold(text string) string {
	if isPlain(text) {
		return strings.Join(strings.Fields(strings.ToLower(text)), " ")
	}
	var b strings.Builder
	b.Grow(len(text) + 8)
	for _, r := range norm.NFKD.String(text) {
		switch {
		case r >= 0x0300 && r <= 0x036F: // combining diacritical marks
		case isIdeograph(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return strings.Join(strings.Fields(plainLetters.Replace(b.String())), " ")
}

// maxKey keeps a sort key, with the rest of its index row, far below the size
// that a B-tree page takes.
const maxKey = 400

// noValue sorts people without a value after all others.
const noValue = "\uffff"

// SortKey returns the folded text of a value for ordering, cut at 400 bytes; a
// missing value sorts last.
func SortKey(value *string) string {
	if value == nil {
		return noValue
	}
	key := Fold(*value)
	if key == "" {
		return noValue
	}
	if len(key) <= maxKey {
		return key
	}
	cut := maxKey
	for !utf8.RuneStart(key[cut]) {
		cut--
	}
	return key[:cut]
}

// SearchText returns what the list searches of a person: the name in both orders
// where the family name is written first, company and e-mail. It starts with a
// space, so that every word has one before it.
func SearchText(first, last, company, email *string) string {
	words := []string{"", Fold(value(first)), Fold(value(last))}
	if hasIdeograph(value(last)) || hasIdeograph(value(first)) {
		words = append(words, words[2], words[1])
	}
	return strings.Join(append(words, Fold(value(company)), Fold(value(email))), " ")
}

// DisplayName returns the name as people write it: family name first and without
// a space where it is written in Chinese or Japanese characters. Empty when there is none.
func DisplayName(first, last *string) string {
	f, l := strings.TrimSpace(value(first)), strings.TrimSpace(value(last))
	if hasIdeograph(f) && hasIdeograph(l) {
		return l + f
	}
	return strings.TrimSpace(f + " " + l)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isIdeograph(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

func hasIdeograph(s string) bool {
	return strings.ContainsFunc(s, isIdeograph)
}

// searchPatterns turns what a person typed into LIKE patterns that must all match.
// One or two letters match the beginning of a word, since every longer part of
// half the people contains them; three or more match anywhere.
func searchPatterns(typed string) []string {
	var patterns []string
	for _, word := range strings.Fields(typed) {
		folded := Fold(word)
		if folded == "" {
			continue
		}
		pattern := likeEscaper.Replace(folded) + "%"
		if utf8.RuneCountInString(folded) < 3 || hasIdeograph(firstRune(folded)) {
			pattern = " " + pattern
		}
		patterns = append(patterns, "%"+pattern)
	}
	return patterns
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func firstRune(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}
