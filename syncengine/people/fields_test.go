package people

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

// thirteen are the fields by our name, Marketo's usual one, and a value.
var thirteen = []struct{ ours, theirs, value string }{
	{"first_name", "firstName", "Ada"},
	{"last_name", "lastName", "Lovelace"},
	{"salesforce_contact_id", "sfdcContactId", "0031"},
	{"salesforce_lead_id", "sfdcLeadId", "00Q1"},
	{"salesforce_account_id", "sfdcAccountId", "0011"},
	{"salesforce_opportunity_id", "sfdcOpptyId", "0061"},
	{"marketo_id", "id", "7"},
	{"company", "company", "Acme"},
	{"title", "title", "Analyst"},
	{"email", "email", "ada@acme.example"},
	{"phone", "phone", "+44 20 7946 0000"},
	{"linkedin_url", "linkedInProfileURL", "https://linkedin.example/ada"},
	{"source", "leadSource", "Web"},
}

func TestTheFieldsAreThirteen(t *testing.T) {
	t.Parallel()
	fields := Fields(Rule{})
	require.Len(t, fields, len(thirteen))
	for i, want := range thirteen {
		require.Equal(t, want.ours, fields[i].Name)
		require.Equal(t, []string{want.theirs}, fields[i].Candidates)
		require.NotEmpty(t, fields[i].Label)
	}
}

// TestAFieldIsReadAndWrittenInOnePlace sets each field alone, and expects it where it
// belongs and nowhere else.
func TestAFieldIsReadAndWrittenInOnePlace(t *testing.T) {
	t.Parallel()
	mapping := Resolve(Rule{}, fieldsNamed(allFields()...))
	for _, f := range thirteen {
		t.Run(f.ours, func(t *testing.T) {
			t.Parallel()
			row := mapping.Row(7, lookup(map[string]string{f.theirs: f.value}), time.Time{}, Rule{})
			got := map[string]string{}
			for _, field := range mapping.Fields {
				if v := field.get(&row); v != nil {
					got[field.Name] = *v
				}
			}
			require.Empty(t, cmp.Diff(map[string]string{"marketo_id": "7", f.ours: f.value}, got))
		})
	}
}

func lookup(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestResolve(t *testing.T) {
	t.Parallel()
	all := []string{"firstName", "lastName", "sfdcContactId", "sfdcLeadId", "sfdcAccountId", "sfdcOpptyId", "id", "company", "title", "email",
		"phone", "linkedInProfileURL", "leadSource", "sfdcLeadOwnerId", "externalSalesPersonId", "sfdcType", "unsubscribed", "createdAt", "updatedAt"}
	for name, c := range map[string]struct {
		rule                     Rule
		known                    []string
		request, owners, missing []string
	}{
		"everything_is_there":      {Rule{}, allFields(), all, all[13:15], nil},
		"the_order_is_ours":        {Rule{}, reversed(allFields()), all, all[13:15], nil},
		"more_is_not_asked_for":    {Rule{}, append(allFields(), "leadScore", "city"), all, all[13:15], nil},
		"a_name_counts_as_spelled": {Rule{}, []string{"id", "FirstName", "EMAIL"}, []string{"id", "createdAt", "updatedAt"}, nil, missingBut("marketo_id")},
		"a_sparse_instance": {Rule{}, []string{"id", "email", "externalSalesPersonId"}, []string{"id", "email", "externalSalesPersonId", "createdAt", "updatedAt"},
			[]string{"externalSalesPersonId"}, missingBut("marketo_id", "email")},
		"nothing_is_known": {Rule{}, nil, []string{"createdAt", "updatedAt"}, nil, missingBut()},
		"the_first_configured_field_that_is_there": {Rule{LinkedInFields: []string{"gone", "linkedIn2", "linkedIn3"}, SourceFields: []string{"origin"}},
			[]string{"id", "linkedIn3", "linkedIn2", "linkedInProfileURL", "leadSource"}, []string{"id", "linkedIn2", "createdAt", "updatedAt"}, nil,
			missingBut("marketo_id", "linkedin_url")},
		"all_configured_owner_fields_that_are_there": {Rule{OwnerFields: []string{"owner2", "gone", "owner1"}}, []string{"id", "owner1", "owner2", "sfdcLeadOwnerId"},
			[]string{"id", "owner2", "owner1", "createdAt", "updatedAt"}, []string{"owner2", "owner1"}, missingBut("marketo_id")},
		"one_field_for_two_uses_is_asked_once": {Rule{OwnerFields: []string{"company"}, SourceFields: []string{"company"}}, []string{"id", "company"},
			[]string{"id", "company", "createdAt", "updatedAt"}, []string{"company"}, missingBut("marketo_id", "company", "source")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Resolve(c.rule, fieldsNamed(c.known...))
			require.Empty(t, cmp.Diff(c.request, m.Request))
			require.Empty(t, cmp.Diff(c.owners, m.Owners))
			require.Empty(t, cmp.Diff(c.missing, m.Missing))
			require.Len(t, m.Names, len(thirteen)-len(c.missing))
		})
	}
}

func reversed(names []string) []string {
	slices.Reverse(names)
	return names
}

func missingBut(there ...string) []string {
	var missing []string
	for _, f := range thirteen {
		if !slices.Contains(there, f.ours) {
			missing = append(missing, f.ours)
		}
	}
	return missing
}

// TestWatch: a change of an id cannot be, and one of updatedAt says nothing; asking
// for them would return the whole log.
func TestWatch(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"firstName", "lastName", "sfdcContactId", "sfdcLeadId", "sfdcAccountId", "sfdcOpptyId", "company", "title", "email",
		"phone", "linkedInProfileURL", "leadSource", "sfdcLeadOwnerId", "externalSalesPersonId", "sfdcType", "unsubscribed"},
		Resolve(Rule{}, fieldsNamed(allFields()...)).Watch())
	require.Empty(t, Resolve(Rule{}, fieldsNamed("id", "createdAt", "updatedAt")).Watch())
}

func TestTextIsKeptAsMarketoHasIt(t *testing.T) {
	t.Parallel()
	mapping := Resolve(Rule{}, fieldsNamed(allFields()...))
	for name, c := range map[string]struct {
		value string
		want  *string
	}{
		"plain":                        {"Acme", ptr("Acme")},
		"white_space_around":           {"  Acme\t", ptr("  Acme\t")},
		"only_white_space":             {" ", ptr(" ")},
		"line_breaks":                  {"a\r\nb\nc\rd", ptr("a\r\nb\nc\rd")},
		"empty_is_none":                {"", nil},
		"nul_is_dropped":               {"a\x00b\x00", ptr("ab")},
		"the_word_null":                {"null", ptr("null")},
		"the_word_undefined":           {"undefined", ptr("undefined")},
		"composed_characters":          {"\u00e9", ptr("\u00e9")},
		"combining_characters":         {"e\u0301", ptr("e\u0301")},
		"other_scripts_and_directions": {"王伟 \u200fمرحبا\u200e 😀", ptr("王伟 \u200fمرحبا\u200e 😀")},
		"markup":                       {"<b>&amp;", ptr("<b>&amp;")},
		"the_unit_separator":           {"a\x1fb", ptr("a\x1fb")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := mapping.Row(1, lookup(map[string]string{"company": c.value}), time.Time{}, Rule{})
			require.Empty(t, cmp.Diff(c.want, row.Company))
		})
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	mapping := Resolve(Rule{}, fieldsNamed(allFields()...))
	for name, c := range map[string]struct {
		values map[string]string
		want   *string
	}{
		"none":                             {nil, nil},
		"the_first_field":                  {map[string]string{"sfdcLeadOwnerId": "0051"}, ptr("0051")},
		"the_second_where_the_first_lacks": {map[string]string{"externalSalesPersonId": "x"}, ptr("x")},
		"the_first_before_the_second":      {map[string]string{"sfdcLeadOwnerId": "0051", "externalSalesPersonId": "x"}, ptr("0051")},
		"an_empty_one_is_none":             {map[string]string{"sfdcLeadOwnerId": "", "externalSalesPersonId": "x"}, ptr("x")},
		"spaces_are_none":                  {map[string]string{"sfdcLeadOwnerId": " \t", "externalSalesPersonId": "x"}, ptr("x")},
		"only_spaces_anywhere_is_none":     {map[string]string{"sfdcLeadOwnerId": " ", "externalSalesPersonId": "\r\n"}, nil},
		"spaces_around_stay":               {map[string]string{"sfdcLeadOwnerId": " 0051 "}, ptr(" 0051 ")},
		"a_field_that_is_not_an_owner":     {map[string]string{"ownerId": "0051"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := mapping.Row(1, lookup(c.values), time.Time{}, Rule{Mode: ModeOwnerField})
			require.Empty(t, cmp.Diff(c.want, row.OwnerID))
			require.Equal(t, c.want != nil, row.Qualifies)
		})
	}
}

func TestUnsubscribed(t *testing.T) {
	t.Parallel()
	mapping := Resolve(Rule{}, fieldsNamed(allFields()...))
	for value, want := range map[string]bool{
		"true": true, "TRUE": true, "True": true, "1": true, "false": false, "0": false, "": false, "null": false,
		"yes": false, " true": false, "2": false, "tru\x00e": true,
	} {
		row := mapping.Row(1, lookup(map[string]string{"unsubscribed": value}), time.Time{}, Rule{})
		require.Equal(t, want, row.Unsubscribed, "%q", value)
	}
	require.False(t, mapping.Row(1, lookup(nil), time.Time{}, Rule{}).Unsubscribed)
}

func TestTimesAreReadInEachOfMarketosForms(t *testing.T) {
	t.Parallel()
	mapping := Resolve(Rule{}, fieldsNamed(allFields()...))
	noon := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]*time.Time{
		"2026-02-28T12:00:00Z":      &noon,
		"2026-02-28T06:00:00-06:00": &noon,
		"2026-02-28T17:30:00+05:30": &noon,
		"2026-02-28T06:00:00Z-0600": &noon,
		"2026-02-28T12:00:00Z+0000": &noon,
		"2026-02-28 12:00:00":       &noon,
		"2026-02-28":                ptr(noon.Add(-12 * time.Hour)),
		"2026-02-28T12:00:00.250Z":  ptr(noon.Add(250 * time.Millisecond)),
		"2028-02-29T00:00:00Z":      ptr(time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)),
		"2026-02-29T00:00:00Z":      nil, // no leap year
		"2026-13-01":                nil,
		"28.02.2026":                nil,
		"1772280000":                nil,
		"null":                      nil,
		"":                          nil,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			values := map[string]string{"createdAt": text, "updatedAt": "2026-02-28T12:00:00Z"}
			row := mapping.Row(1, lookup(values), time.Time{}, Rule{})
			require.Empty(t, cmp.Diff(want, utc(row.CreatedAt)))
			require.Empty(t, cmp.Diff(&noon, utc(row.UpdatedAt)))
		})
	}
}

func utc(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	return ptr(at.UTC())
}

func TestAFieldThatTheInstanceLacksIsNotLookedUp(t *testing.T) {
	t.Parallel()
	mapping := Resolve(Rule{}, fieldsNamed("id", "email"))
	row := mapping.Row(1, lookup(map[string]string{"email": "a@b.example", "company": "Acme", "sfdcLeadOwnerId": "0051"}), time.Time{}, Rule{})
	require.Empty(t, cmp.Diff(Row{ID: 1, Email: ptr("a@b.example")}, row))
}

// TestALeadAndABulkRowAreTheSamePerson reads the same values by both ways.
func TestALeadAndABulkRowAreTheSamePerson(t *testing.T) {
	t.Parallel()
	mapping, rule := Resolve(Rule{}, fieldsNamed(allFields()...)), Rule{Mode: ModeOwnerField}
	readAt := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	lead := marketo.Lead{"id": "7", "company": `"Acme", Inc.`, "title": "a\r\nb", "sfdcLeadOwnerId": "0051", "sfdcType": "Contact", "unsubscribed": "true",
		"createdAt": "2026-02-28T12:00:00Z"}
	want := Row{ID: 7, Company: ptr(`"Acme", Inc.`), Title: ptr("a\r\nb"), OwnerID: ptr("0051"), Type: ptr("Contact"), Unsubscribed: true,
		CreatedAt: ptr(time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)), ReadAt: readAt, Qualifies: true}
	require.Empty(t, cmp.Diff(want, mapping.leadRow(lead, readAt, rule)))
	rows, _ := batchOf(t, 10, rule, "id,company,title,sfdcLeadOwnerId,sfdcType,unsubscribed,createdAt,email\n"+
		"7,\"\"\"Acme\"\", Inc.\",\"a\r\nb\",0051,Contact,true,2026-02-28T12:00:00Z,null\n", readAt)
	require.Empty(t, cmp.Diff([]Row{want}, rows))
}
