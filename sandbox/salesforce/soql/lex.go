package soql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of SOQL: queries have 100,000 characters, strings in WHERE 4,000.
const (
	maxQuery  = 100_000
	maxString = 4_000
)

type tokenKind int

const (
	end    tokenKind = iota
	word             // names, keywords and literals such as TODAY or LAST_N_DAYS:3
	text             // a string; its value is without quotes
	number           // numbers, dates and datetimes
	symbol           // = != < <= > >= <> ( ) ,
)

// token is a piece of the query with its place in bytes.
type token struct {
	kind tokenKind
	text string
	// like is a string's pattern for LIKE: its escapes of % and _ are kept.
	like string
	at   int
}

func lex(query string) ([]token, error) {
	if utf8.RuneCountInString(query) > maxQuery {
		return nil, &Error{MalformedQuery, fmt.Sprintf("SOQL statements cannot be longer than %d characters.", maxQuery)}
	}
	var tokens []token
	for at := 0; ; {
		for at < len(query) && strings.IndexByte(" \t\r\n", query[at]) >= 0 {
			at++
		}
		if at == len(query) {
			return append(tokens, token{kind: end, at: at}), nil
		}
		t, next, err := lexOne(query, at)
		if err != nil {
			return nil, err
		}
		tokens, at = append(tokens, t), next
	}
}

func lexOne(query string, at int) (token, int, error) {
	c := query[at]
	switch {
	case c == '\'':
		return lexString(query, at)
	case letter(c):
		next := span(query, at, func(c byte) bool { return letter(c) || digit(c) || c == '.' || c == ':' })
		return token{kind: word, text: query[at:next], at: at}, next, nil
	case digit(c), (c == '-' || c == '+' || c == '.') && at+1 < len(query) && (digit(query[at+1]) || query[at+1] == '.'):
		next := span(query, at+1, func(c byte) bool { return letter(c) || digit(c) || strings.IndexByte(".:+-", c) >= 0 })
		return token{kind: number, text: query[at:next], at: at}, next, nil
	}
	for _, s := range []string{"!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","} {
		if strings.HasPrefix(query[at:], s) {
			return token{kind: symbol, text: s, at: at}, at + len(s), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(query[at:])
	return token{}, 0, &Error{MalformedQuery, fmt.Sprintf("line 1:%d no viable alternative at character '%c'", at, r)}
}

// lexString reads 'it\'s 5\% off': the value is it's 5% off, the pattern it's 5\% off.
func lexString(query string, at int) (token, int, error) {
	var value, like strings.Builder
	for i := at + 1; i < len(query); i++ {
		switch c := query[i]; c {
		case '\'':
			t := token{kind: text, text: value.String(), like: like.String(), at: at}
			if utf8.RuneCountInString(t.text) > maxString {
				return t, 0, &Error{MalformedQuery, fmt.Sprintf("strings in a WHERE clause cannot be longer than %d characters", maxString)}
			}
			return t, i + 1, nil
		case '\\':
			i++
			plain, pattern, ok := unescape(query, i)
			if !ok {
				return token{}, 0, &Error{MalformedQuery, fmt.Sprintf("line 1:%d no viable alternative at character '\\'", i-1)}
			}
			value.WriteByte(plain)
			like.WriteString(pattern)
		default:
			value.WriteByte(c)
			like.WriteByte(c)
		}
	}
	return token{}, 0, &Error{MalformedQuery, fmt.Sprintf("line 1:%d mismatched character '<EOF>' expecting '''", len(query))}
}

// unescape knows the escapes of SOQL: reserved characters.
func unescape(query string, at int) (byte, string, bool) {
	if at >= len(query) {
		return 0, "", false
	}
	switch c := query[at]; c {
	case '%', '_', '\\':
		return c, `\` + string(c), true
	case '\'', '"':
		return c, string(c), true
	default:
		if i := strings.IndexByte("nNrRtTbBfF", c); i >= 0 {
			plain := "\n\n\r\r\t\t\b\b\f\f"[i]
			return plain, string(plain), true
		}
		return 0, "", false
	}
}

func span(query string, at int, holds func(byte) bool) int {
	for at < len(query) && holds(query[at]) {
		at++
	}
	return at
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }
