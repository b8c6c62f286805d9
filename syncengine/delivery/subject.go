package delivery

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

// subjectValues are those of an activity.
func subjectValues(kind models.ActivityKind, a models.ActivityAttributes) SubjectValues {
	what := "Email"
	if kind == models.CallReceived {
		what = "Call"
	}
	return SubjectValues{
		"activity_type": what, "activity_subject": a.Subject, "sales_campaign_name": a.CampaignName,
		"sales_campaign_day": a.CampaignDay, "sales_campaign_step": a.CampaignStep,
		"call_outcome": a.CallOutcome, "call_reason": a.CallReason,
	}
}

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
	return cutText(strings.TrimSpace(withoutBreaks(b.String())), MaxSubject)
}

// CheckSubject says what is wrong with a template, or nil. The error is an *InvalidError.
func CheckSubject(template string) error {
	if strings.TrimSpace(template) == "" {
		return invalid("subject_template", "Write a template, for example %s.", models.DefaultSubjectTemplate)
	}
	if len([]rune(template)) > 1000 {
		return invalid("subject_template", "The template is longer than 1,000 characters; a subject has %d.", MaxSubject)
	}
	if !utf8.ValidString(template) || strings.ContainsRune(template, 0) {
		return invalid("subject_template", "The template holds characters that cannot be kept.")
	}
	for part := range templateParts(template) {
		if part.field == "" && strings.Contains(part.text, "{{") {
			return invalid("subject_template", "%s", unknownField(part.text))
		}
	}
	return nil
}

func unknownField(text string) string {
	_, rest, _ := strings.Cut(text, "{{")
	name, _, closed := strings.Cut(rest, "}}")
	if !closed {
		return "A field begins with {{ and is not closed with }}."
	}
	return fmt.Sprintf("There is no field {{%s}}. Choose one from the list.", cutText(name, 40))
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

// withoutBreaks removes line breaks; a space stays between the words that they parted.
func withoutBreaks(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r == '\r' || r == '\n' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029'
	}), " ")
}

// cutText keeps at most so many characters, counted as Salesforce does, in UTF-16 units.
func cutText(text string, most int) string {
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

// PreviewSubject is the subject that an activity would have with a template.
func PreviewSubject(template string, kind models.ActivityKind, a models.ActivityAttributes) string {
	return RenderSubject(template, subjectValues(kind, a))
}
