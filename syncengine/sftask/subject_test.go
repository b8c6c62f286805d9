package sftask

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

func TestRenderSubject(t *testing.T) {
	t.Parallel()
	values := SubjectValues{"activity_type": "Email", "activity_subject": "Quick question", "sales_campaign_name": "Q1", "call_outcome": ""}
	cases := map[string]struct{ template, want string }{
		"fields_and_text":                {"{{activity_type}}: {{activity_subject}}", "Email: Quick question"},
		"spaces_inside_the_braces":       {"{{ activity_type }}", "Email"},
		"an_absent_value_is_nothing":     {"{{activity_subject}}{{call_outcome}}{{call_reason}}", "Quick question"},
		"the_same_field_twice":           {"{{sales_campaign_name}}/{{sales_campaign_name}}", "Q1/Q1"},
		"an_unknown_field_stays":         {"{{nobody}} {{activity_type}}", "{{nobody}} Email"},
		"an_open_brace_stays":            {"{{activity_type", "{{activity_type"},
		"braces_within_braces":           {"{{{{activity_type}}}}", "{{Email}}"},
		"no_field":                       {"Sales", "Sales"},
		"line_breaks_leave_one_line":     {"a\r\nb\nc\u2028d", "a b c d"},
		"nothing_left_over_at_the_edges": {" {{call_outcome}} x ", "x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, RenderSubject(c.template, values))
		})
	}
}

func TestASubjectIsCutAt255Characters(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.Repeat("é", 255), RenderSubject(strings.Repeat("é", 300), nil))
	// Salesforce counts what lies beyond the basic plane as two.
	require.Equal(t, strings.Repeat("😀", 127), RenderSubject(strings.Repeat("😀", 300), nil))
}

func TestCheckSubjectNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	require.Empty(t, CheckSubject(models.DefaultSubjectTemplate))
	for template, words := range map[string]string{"": "Write a template", " \n": "Write a template", "{{activity_typ}}": "no field {{activity_typ}}",
		"{{activity_type": "not closed", strings.Repeat("x", 1001): "longer than"} {
		require.Contains(t, CheckSubject(template), words)
	}
}

func FuzzRenderSubject(f *testing.F) {
	f.Add("{{activity_type}}: {{activity_subject}}", "x\ny")
	f.Add("{{{{activity_type}}", "{{activity_type}}")
	f.Fuzz(func(t *testing.T, template, value string) {
		if !utf8.ValidString(template) || !utf8.ValidString(value) {
			return // what is stored is valid text
		}
		subject := RenderSubject(template, SubjectValues{"activity_type": value, "activity_subject": value})
		if len([]rune(subject)) > MaxSubject || strings.ContainsAny(subject, "\r\n\u2028\u2029") || !utf8.ValidString(subject) {
			t.Fatalf("%q became %q", template, subject)
		}
		if CheckSubject(template) == "" && strings.Contains(RenderSubject(template, nil), "{{activity_type}}") {
			t.Fatalf("a good template %q keeps a field", template)
		}
	})
}
