package salesforce

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Record is a row. Texts, booleans, json.Number, nil, and a Record's map for a parent.
type Record map[string]any

// Text returns a field as text, or "" where it has no value. A parent's field is
// named as in SOQL: "Owner.Name".
func (r Record) Text(field string) string {
	switch value := r.value(field).(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		return fmt.Sprint(value)
	default:
		return ""
	}
}

// Bool returns a checkbox.
func (r Record) Bool(field string) bool {
	value, _ := r.value(field).(bool)
	return value
}

// Time returns a time or a date, or the zero time where it has none.
func (r Record) Time(field string) time.Time {
	t, err := ParseTime(r.Text(field))
	if err != nil {
		return time.Time{}
	}
	return t
}

// ID returns the record's own id, with 18 characters.
func (r Record) ID() string { return NormaliseID(r.Text("Id")) }

func (r Record) value(field string) any {
	parent, rest, nested := strings.Cut(field, ".")
	if !nested {
		return r[field]
	}
	inner, _ := r[parent].(map[string]any)
	return Record(inner).value(rest)
}

// suffixes has the letters of an id's suffix: the place of one says in bits which of
// five characters are capitals (Salesforce REST: record ids).
const suffixes = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

// NormaliseID returns an id with 18 characters. One of 15 gets its suffix; in one of
// 18, which is the same whatever became of its case, the suffix restores it. What is
// no id stays as it is.
func NormaliseID(id string) string {
	if len(id) != 15 && len(id) != 18 || strings.ContainsFunc(id, isNoIDRune) {
		return id
	}
	body, suffix := []byte(id[:15]), []byte(strings.ToUpper(id[15:]))
	for group := range 3 {
		five := body[group*5 : group*5+5]
		if len(id) == 15 {
			suffix = append(suffix, suffixes[capitals(five)])
		} else if at := strings.IndexByte(suffixes, suffix[group]); at >= 0 {
			capitalise(five, at)
		} else {
			return id
		}
	}
	return string(body) + string(suffix)
}

func capitals(five []byte) int {
	bits := 0
	for n, b := range five {
		if b >= 'A' && b <= 'Z' {
			bits |= 1 << n
		}
	}
	return bits
}

func capitalise(five []byte, bits int) {
	for n := range five {
		if bits&(1<<n) != 0 {
			five[n] = byte(unicode.ToUpper(rune(five[n])))
		} else {
			five[n] = byte(unicode.ToLower(rune(five[n])))
		}
	}
}

func isNoIDRune(r rune) bool {
	return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
}

// escapes are those of SOQL (Salesforce SOQL: quoted string escape sequences).
var escapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`, "\b", `\b`)

// Quote writes a text as SOQL has it, with its quotes.
func Quote(text string) string { return "'" + escapes.Replace(text) + "'" }

// FormatTime writes a time as SOQL has it, unquoted and in whole seconds.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// timeLayouts are how answers write times (Salesforce REST: query), and dates.
var timeLayouts = []string{"2006-01-02T15:04:05.000-0700", "2006-01-02T15:04:05-0700", time.RFC3339, time.DateOnly}

// ParseTime reads a time or a date as answers have it, in UTC.
func ParseTime(text string) (time.Time, error) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time as Salesforce writes it", cut(text))
}
