package people

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestQualifies(t *testing.T) {
	t.Parallel()
	lead, contact, owner := ptr("00Q1"), ptr("0031"), ptr("0051")
	people := map[string]Row{
		"nothing":                  {},
		"a_lead":                   {LeadID: lead},
		"a_contact":                {ContactID: contact},
		"an_account_only":          {AccountID: ptr("0011")},
		"a_type_only":              {Type: ptr("Contact")},
		"an_owner":                 {OwnerID: owner},
		"an_owned_lead":            {LeadID: lead, OwnerID: owner},
		"an_owned_contact":         {ContactID: contact, OwnerID: owner},
		"unsubscribed_with_owner":  {OwnerID: owner, Unsubscribed: true},
		"an_opportunity_and_email": {OpportunityID: ptr("0061"), Email: ptr("ada@example.com")},
	}
	byOwner := []string{"an_owned_contact", "an_owned_lead", "an_owner", "unsubscribed_with_owner"}
	for mode, qualified := range map[Mode][]string{
		ModeOwnerField: byOwner,
		ModeCRMLinked:  {"a_contact", "a_lead", "an_owned_contact", "an_owned_lead"},
		// A list is not visible in a person's values: the owner stays the judge of a change.
		ModeSmartList:  byOwner,
		ModeStaticList: byOwner,
		"":             byOwner,
	} {
		for name, row := range people {
			t.Run(string(mode)+"/"+name, func(t *testing.T) {
				t.Parallel()
				require.Equal(t, slices.Contains(qualified, name), Rule{Mode: mode}.Qualifies(row))
			})
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule  Rule
		wrong string // empty: the rule is good
	}{
		"owner_field":                       {Rule{Mode: ModeOwnerField}, ""},
		"crm_linked":                        {Rule{Mode: ModeCRMLinked}, ""},
		"a_smart_list_by_id":                {Rule{Mode: ModeSmartList, ListID: 1}, ""},
		"a_smart_list_by_name":              {Rule{Mode: ModeSmartList, ListName: "Reps' people"}, ""},
		"a_static_list_by_id":               {Rule{Mode: ModeStaticList, ListID: 1}, ""},
		"a_static_list_by_both":             {Rule{Mode: ModeStaticList, ListID: 1, ListName: "x"}, ""},
		"a_smart_list_without_either":       {Rule{Mode: ModeSmartList}, "id or the name"},
		"a_static_list_without_either":      {Rule{Mode: ModeStaticList}, "id or the name"},
		"a_list_whose_name_is_only_spaces":  {Rule{Mode: ModeSmartList, ListName: " \t\n"}, "id or the name"},
		"a_list_with_a_negative_id":         {Rule{Mode: ModeStaticList, ListID: -1}, "id or the name"},
		"no_mode":                           {Rule{}, "choose how"},
		"a_mode_that_is_not_one":            {Rule{Mode: "everybody"}, "choose how"},
		"a_mode_in_capitals":                {Rule{Mode: "OWNER_FIELD"}, "choose how"},
		"fields_do_not_make_up_for_no_mode": {Rule{OwnerFields: []string{"owner"}}, "choose how"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.rule.Validate()
			if c.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.wrong)
		})
	}
}

func TestListedSaysThatAListDecides(t *testing.T) {
	t.Parallel()
	got := map[Mode]bool{}
	for _, mode := range []Mode{ModeOwnerField, ModeSmartList, ModeStaticList, ModeCRMLinked, ""} {
		got[mode] = Rule{Mode: mode}.Listed()
	}
	require.Empty(t, cmp.Diff(map[Mode]bool{ModeOwnerField: false, ModeSmartList: true, ModeStaticList: true, ModeCRMLinked: false, "": false}, got))
}

func TestTheConfiguredFieldsTakeThePlaceOfTheUsualOnes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule                    Rule
		owners, linkedIn, leads []string
	}{
		"nothing_configured": {Rule{}, []string{"sfdcLeadOwnerId", "externalSalesPersonId"}, []string{"linkedInProfileURL"}, []string{"leadSource"}},
		"one_of_each": {Rule{OwnerFields: []string{"o"}, LinkedInFields: []string{"l"}, SourceFields: []string{"s"}},
			[]string{"o"}, []string{"l"}, []string{"s"}},
		"several_keep_their_order": {Rule{OwnerFields: []string{"b", "a"}}, []string{"b", "a"}, []string{"linkedInProfileURL"}, []string{"leadSource"}},
		"blank_names_are_none": {Rule{OwnerFields: []string{"", " "}, LinkedInFields: []string{" ", "l"}, SourceFields: []string{"\n"}},
			[]string{"sfdcLeadOwnerId", "externalSalesPersonId"}, []string{"l"}, []string{"leadSource"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, cmp.Diff(c.owners, c.rule.owners()))
			require.Empty(t, cmp.Diff(c.linkedIn, c.rule.linkedIn()))
			require.Empty(t, cmp.Diff(c.leads, c.rule.source()))
		})
	}
	configured := []string{"", "a"}
	require.Equal(t, []string{"a"}, Rule{OwnerFields: configured}.owners())
	require.Equal(t, []string{"", "a"}, configured, "a rule is not changed by asking it")
}
