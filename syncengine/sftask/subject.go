package sftask

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"salesactions/models"
)

// MaxSubject is how many characters a Task's subject may have (Salesforce: Task).
const MaxSubject = 255

// SubjectField is a dynamic field of the subject's template.
type SubjectField struct {
	Name        string
	Description string
}

// SubjectFields are all of them.
func SubjectFields() []SubjectField {
	return []SubjectField{
		{"activity_type", "Email, Call, InMail or Custom"},
		{"activity_subject", "The subject of the email or call, or the task's name"},
		{"sales_campaign_name", "The sales campaign"},
		{"sales_campaign_day", "The campaign's day"},
		{"sales_campaign_step", "The campaign's step"},
		{"call_outcome", "How a call ended"},
		{"call_reason", "Why a call was made"},
	}
}

// SubjectValues are what the fields stand for; absent ones render as nothing.
type SubjectValues map[string]string

// RenderSubject makes a Task's subject of a template: one line of at most MaxSubject
// characters. What stands in braces and is no field stays as it is.
func RenderSubject(template string, values SubjectValues) string {
	var b strings.Builder
	for part := range templateParts(template) {
		if part.field == "" {
			b.WriteString(part.text)
			continue
		}
		b.WriteString(values[part.field])
	}
	return Cut(OneLine(b.String()), MaxSubject)
}

// CheckSubject says what is wrong with a template in a sentence, or nothing.
func CheckSubject(template string) string {
	if strings.TrimSpace(template) == "" {
		return "Write a template, for example " + models.DefaultSubjectTemplate + "."
	}
	if len([]rune(template)) > 1000 {
		return fmt.Sprintf("The template is longer than 1,000 characters; a subject has %d.", MaxSubject)
	}
	if !utf8.ValidString(template) || strings.ContainsRune(template, 0) {
		return "The template holds characters that cannot be kept."
	}
	for part := range templateParts(template) {
		if part.field == "" && strings.Contains(part.text, "{{") {
			return unknownField(part.text)
		}
	}
	return ""
}

func unknownField(text string) string {
	_, rest, _ := strings.Cut(text, "{{")
	name, _, closed := strings.Cut(rest, "}}")
	if !closed {
		return "A field begins with {{ and is not closed with }}."
	}
	return fmt.Sprintf("There is no field {{%s}}. Choose one from the list.", Cut(name, 40))
}

// templatePart is text, or the name of a field.
type templatePart struct{ text, field string }

// templateParts yields the parts of a template in order.
func templateParts(template string) func(yield func(templatePart) bool) {
	return func(yield func(templatePart) bool) {
		for template != "" {
			before, field, after, found := nextField(template)
			if before != "" && !yield(templatePart{text: before}) {
				return
			}
			if !found || !yield(templatePart{field: field}) {
				return
			}
			template = after
		}
	}
}

// nextField cuts a template at its first field that is one.
func nextField(template string) (before, field, after string, found bool) {
	from := 0
	for {
		open := strings.Index(template[from:], "{{")
		if open < 0 {
			return template, "", "", false
		}
		open += from
		length := strings.Index(template[open:], "}}")
		if length < 0 {
			return template, "", "", false
		}
		name := strings.TrimSpace(template[open+2 : open+length])
		if isSubjectField(name) {
			return template[:open], name, template[open+length+2:], true
		}
		from = open + 2
	}
}

func isSubjectField(name string) bool {
	for _, f := range SubjectFields() {
		if f.Name == name {
			return true
		}
	}
	return false
}

// OneLine removes line breaks, and the white space around; a space stays between the
// words that they parted.
func OneLine(text string) string {
	return strings.TrimSpace(strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r == '\r' || r == '\n' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029'
	}), " "))
}

// Cut keeps at most so many characters, counted as Salesforce does, in UTF-16 units.
func Cut(text string, most int) string {
	units := 0
	for at, r := range text {
		units++
		if r > 0xffff {
			units++
		}
		if units > most {
			return text[:at]
		}
	}
	return text
}
