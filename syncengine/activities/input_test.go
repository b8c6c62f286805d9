package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// sound is an activity without a fault.
func sound() Input {
	return Input{Key: "mail-1", Kind: models.EmailSent, OccurredAt: noon, PersonID: 1001}
}

func TestCheckTakesWhatIsSound(t *testing.T) {
	t.Parallel()
	week := 7 * 24 * 3600
	for name, change := range map[string]func(*Input){
		"the_least":                   func(*Input) {},
		"a_key_of_200_bytes":          func(in *Input) { in.Key = strings.Repeat("é", 100) },
		"a_clock_an_hour_ahead":       func(in *Input) { in.OccurredAt = noon.Add(time.Hour) },
		"1990":                        func(in *Input) { in.OccurredAt = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC) },
		"only_an_address":             func(in *Input) { in.PersonID, in.Email = 0, "ada+sales@acme.example" },
		"only_a_lead":                 func(in *Input) { in.PersonID, in.SalesforceID = 0, "00Q000000000001" },
		"only_a_contact":              func(in *Input) { in.PersonID, in.SalesforceID = 0, "003000000000001AAA" },
		"an_open_without_its_email":   func(in *Input) { in.Kind = models.EmailOpened },
		"an_open_of_an_email":         func(in *Input) { in.Kind, in.EmailKey = models.EmailOpened, "mail-1" },
		"a_NUL_in_text_is_dropped":    func(in *Input) { in.Attributes.Subject = "a\x00b" },
		"a_link_with_a_query":         func(in *Input) { in.Attributes.LinkURL = "http://a.example/x?y=ü" },
		"a_call_of_a_week":            func(in *Input) { in.Attributes.CallDurationSeconds = &week },
		"a_preview_at_its_limit":      func(in *Input) { in.Attributes.BodyPreview = strings.Repeat("x", maxPreview) },
		"line_breaks_in_what_is_said": func(in *Input) { in.Attributes.Subject = "a\r\nb" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := sound()
			change(&in)
			require.NoError(t, in.Check(noon))
		})
	}
}

func TestCheckNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	less, more := -1, 7*24*3600+1
	long := strings.Repeat("x", maxText+1)
	for name, c := range map[string]struct {
		field  string
		change func(*Input)
	}{
		"no_key":                        {"key", func(in *Input) { in.Key = "" }},
		"a_key_of_201_bytes":            {"key", func(in *Input) { in.Key = strings.Repeat("é", 100) + "x" }},
		"a_key_with_NUL":                {"key", func(in *Input) { in.Key = "a\x00" }},
		"a_key_with_a_line_break":       {"key", func(in *Input) { in.Key = "a\nb" }},
		"no_type":                       {"type", func(in *Input) { in.Kind = "" }},
		"an_unknown_type":               {"type", func(in *Input) { in.Kind = "Email_Sent" }},
		"no_time":                       {"occurred_at", func(in *Input) { in.OccurredAt = time.Time{} }},
		"the_future":                    {"occurred_at", func(in *Input) { in.OccurredAt = noon.Add(time.Hour + time.Second) }},
		"before_email":                  {"occurred_at", func(in *Input) { in.OccurredAt = time.Date(1989, 12, 31, 0, 0, 0, 0, time.UTC) }},
		"nobody":                        {"person_id", func(in *Input) { in.PersonID = 0 }},
		"an_account":                    {"salesforce_id", func(in *Input) { in.SalesforceID = "001000000000001AAA" }},
		"an_id_of_16":                   {"salesforce_id", func(in *Input) { in.SalesforceID = "0030000000000011" }},
		"an_id_with_a_quote":            {"salesforce_id", func(in *Input) { in.SalesforceID = "00300000000000'" }},
		"no_address":                    {"email", func(in *Input) { in.Email = "ada" }},
		"two_addresses":                 {"email", func(in *Input) { in.Email = "a@x.example,b@x.example" }},
		"a_name_with_the_address":       {"email", func(in *Input) { in.Email = "Ada<ada@acme.example>" }},
		"an_address_with_NUL":           {"email", func(in *Input) { in.Email = "a\x00@acme.example" }},
		"a_quoted_address_with_NUL":     {"email", func(in *Input) { in.Email = "\"a\x00\"@acme.example" }},
		"a_rep_without_address":         {"rep", func(in *Input) { in.RepEmail = "Rita" }},
		"a_call_of_an_email":            {"email_key", func(in *Input) { in.Kind, in.EmailKey = models.CallReceived, "mail-1" }},
		"an_email_key_too_long":         {"email_key", func(in *Input) { in.Kind, in.EmailKey = models.EmailOpened, strings.Repeat("x", 201) }},
		"an_email_key_with_NUL":         {"email_key", func(in *Input) { in.Kind, in.EmailKey = models.EmailOpened, "a\x00" }},
		"a_subject_too_long":            {"subject", func(in *Input) { in.Attributes.Subject = long }},
		"a_preview_too_long":            {"body_preview", func(in *Input) { in.Attributes.BodyPreview = strings.Repeat("x", maxPreview+1) }},
		"a_link_that_is_a_script":       {"link_url", func(in *Input) { in.Attributes.LinkURL = "javascript:alert(1)" }},
		"a_link_to_nowhere":             {"details_url", func(in *Input) { in.Attributes.DetailsURL = "https:///x" }},
		"a_link_without_a_scheme":       {"template_url", func(in *Input) { in.Attributes.TemplateURL = "a.example/t" }},
		"a_link_too_long":               {"campaign_url", func(in *Input) { in.Attributes.CampaignURL = "https://a.example/" + long }},
		"a_call_that_ends_before_it":    {"call_duration_seconds", func(in *Input) { in.Attributes.CallDurationSeconds = &less }},
		"a_call_of_more_than_a_week":    {"call_duration_seconds", func(in *Input) { in.Attributes.CallDurationSeconds = &more }},
		"a_recording_that_is_a_file":    {"call_recording_url", func(in *Input) { in.Attributes.CallRecordingURL = "file:///etc/passwd" }},
		"a_step_too_long":               {"campaign_step", func(in *Input) { in.Attributes.CampaignStep = long }},
		"a_local_presence_id_too_long":  {"local_presence_id", func(in *Input) { in.Attributes.LocalPresenceID = long }},
		"an_address_longer_than_theirs": {"email", func(in *Input) { in.Email = strings.Repeat("a", 320) + "@x.example" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := sound()
			c.change(&in)
			var wrong *InvalidError
			require.ErrorAs(t, in.Check(noon), &wrong)
			require.Equal(t, c.field, wrong.Field)
			require.NotEmpty(t, wrong.Message)
		})
	}
}

func TestStripNULLeavesAllElse(t *testing.T) {
	t.Parallel()
	seconds := 5
	with := models.ActivityAttributes{Subject: "\x00Grüße 👋\x00", BodyPreview: "a\r\n\x00b ", BounceType: "hard\x00", CallDurationSeconds: &seconds}
	require.Equal(t, models.ActivityAttributes{Subject: "Grüße 👋", BodyPreview: "a\r\nb ", BounceType: "hard", CallDurationSeconds: &seconds}, stripNUL(with))
}
