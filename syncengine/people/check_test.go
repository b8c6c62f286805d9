package people

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
)

func TestUncheckedFieldsNameMarketosUsualOnes(t *testing.T) {
	t.Parallel()
	unchecked := Unchecked(Rule{SourceFields: []string{"origin", "leadSource"}})
	require.Len(t, unchecked, len(thirteen))
	for i, f := range unchecked {
		want := thirteen[i].theirs
		if f.Field == "source" {
			want = "origin"
		}
		require.Equal(t, want, f.MarketoName)
		require.Nil(t, f.Found, "it is not known yet whether %s is there", f.Field)
		require.Empty(t, f.Note)
	}
}

func TestFoundFieldsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	rule := Rule{LinkedInFields: []string{"li1", "li2"}}
	found := Resolve(rule, fieldsNamed("id", "email", "li2")).found()
	require.Len(t, found, len(thirteen))
	got := map[string]string{}
	for _, f := range found {
		require.NotNil(t, f.Found)
		require.Equal(t, !*f.Found, f.Note != "", f.Field)
		got[f.Field] = fmt.Sprint(f.MarketoName, " ", *f.Found)
		if f.Field == "salesforce_opportunity_id" {
			require.Contains(t, f.Note, "asked of Salesforce")
		} else if f.Note != "" {
			require.Contains(t, f.Note, "stays empty")
		}
	}
	require.Equal(t, "li2 true", got["linkedin_url"])
	require.Equal(t, "email true", got["email"])
	require.Equal(t, "phone false", got["phone"])
	missing := Resolve(rule, fieldsNamed("id")).found()
	i := slices.IndexFunc(missing, func(f FieldMapping) bool { return f.Field == "linkedin_url" })
	require.Equal(t, "li1 or li2", missing[i].MarketoName, "either would do")
}

// TestCheckLooksWhetherContactsHaveOwners puts contacts among the newest people of an
// instance, where the check looks.
func TestCheckLooksWhetherContactsHaveOwners(t *testing.T) {
	t.Parallel()
	contact := func(owner string) map[string]string {
		return map[string]string{"sfdcContactId": "003", "sfdcLeadOwnerId": owner}
	}
	for name, c := range map[string]struct {
		people   map[int64]map[string]string
		fields   []string
		contacts int
		owned    int
		trusted  bool
		notes    []string
	}{
		"some_have":                   {map[int64]map[string]string{1: contact("005"), 2: contact("")}, allFields(), 2, 1, true, nil},
		"none_has":                    {map[int64]map[string]string{1: contact(""), 2: contact(" ")}, allFields(), 2, 0, false, []string{"None of 2 contacts"}},
		"leads_do_not_tell":           {map[int64]map[string]string{1: {"sfdcLeadId": "00Q", "sfdcLeadOwnerId": "005"}}, allFields(), 0, 0, true, nil},
		"nobody_is_there":             {nil, allFields(), 0, 0, true, nil},
		"three_batches_are_looked_at": {map[int64]map[string]string{1: contact("005"), 299: contact("005"), 300: contact("005"), 600: contact("005"), 1199: contact("")}, allFields(), 3, 2, true, nil},
		"without_owner_fields": {map[int64]map[string]string{1: contact("005")}, []string{"id", "sfdcContactId"}, 1, 0, false,
			[]string{"none of the owner fields sfdcLeadOwnerId, externalSalesPersonId", "None of 1 contacts"}},
		"without_contact_ids": {map[int64]map[string]string{1: contact("005")}, []string{"id", "sfdcLeadOwnerId"}, 0, 0, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newInstance()
			in.fields = c.fields
			for id, values := range c.people {
				in.leads[id] = values
			}
			b := syncOf(t, nil, in)
			found, err := b.Check(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.contacts, found.Contacts)
			require.Equal(t, c.owned, found.ContactsWithOwner)
			require.Equal(t, c.trusted, found.OwnerTrusted)
			require.Len(t, found.Notes, len(c.notes), strings.Join(found.Notes, "\n"))
			for i, words := range c.notes {
				require.Contains(t, found.Notes[i], words)
			}
		})
	}
}

func TestTheFieldsAreRememberedForADay(t *testing.T) {
	t.Parallel()
	in, clock := newInstance(), clockwork.NewFakeClockAt(at(t, "2026-11-28T12:00:00Z"))
	b := setup(t, nil, in, Rule{Mode: ModeOwnerField}, clock, Config{})
	asked := func() int { b.opened(); return in.called("describe2") }
	require.Equal(t, 1, asked())
	require.Equal(t, 1, asked(), "they are known")
	clock.Advance(describeEvery - 1)
	require.Equal(t, 1, asked(), "until the day is over")
	clock.Advance(1)
	require.Equal(t, 2, asked())
	other := source{client: b.source.(source).client, rule: Rule{Mode: ModeOwnerField, SourceFields: []string{"company"}}}
	b.source = other
	require.Equal(t, 3, asked(), "another rule has other fields")
	require.Equal(t, "company", b.opened().mapping.Names["source"])
	_, err := b.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, in.called("describe2"), "a check asks again")
}

func TestAnInstanceWithoutIDsIsRefused(t *testing.T) {
	t.Parallel()
	in := newInstance()
	in.fields = []string{"email", "sfdcLeadOwnerId"}
	_, err := syncOf(t, nil, in).session(t.Context())
	require.ErrorContains(t, err, "does not show the field id")
	require.Empty(t, cmp.Diff(0, in.called("leads")))
}
