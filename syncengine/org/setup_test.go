package org

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/salesforce"
)

func TestTheBestSchemeThatTheOrgHas(t *testing.T) {
	t.Parallel()
	key := Field{Create: true, External: true, Unique: true, Filter: true, Length: 36}
	with := func(f Field, change func(*Field)) Field { change(&f); return f }
	both := models.Logging{KeyField: "K__c", MarkerField: "M__c"}
	for name, c := range map[string]struct {
		fields  map[string]Field
		logging models.Logging
		want    Setup
	}{
		"a_unique_external_id":          {map[string]Field{"K__c": key, "M__c": key}, both, Setup{Scheme: SchemeKey, KeyField: "K__c"}},
		"that_is_longer":                {map[string]Field{"K__c": with(key, func(f *Field) { f.Length = 255 })}, both, Setup{Scheme: SchemeKey, KeyField: "K__c"}},
		"a_key_that_is_not_unique":      {map[string]Field{"K__c": with(key, func(f *Field) { f.Unique = false })}, both, Setup{Scheme: SchemeField, MarkerName: "K__c"}},
		"a_key_that_is_no_external_id":  {map[string]Field{"K__c": with(key, func(f *Field) { f.External = false })}, both, Setup{Scheme: SchemeField, MarkerName: "K__c"}},
		"the_marker's_field_first":      {map[string]Field{"K__c": with(key, func(f *Field) { f.Unique = false }), "M__c": key}, both, Setup{Scheme: SchemeField, MarkerName: "M__c"}},
		"a_key_that_is_too_short":       {map[string]Field{"K__c": with(key, func(f *Field) { f.Length = 35 })}, both, Setup{Scheme: SchemeMarker}},
		"a_key_that_cannot_be_set":      {map[string]Field{"K__c": with(key, func(f *Field) { f.Create = false })}, both, Setup{Scheme: SchemeMarker}},
		"a_field_that_is_not_searched":  {map[string]Field{"M__c": with(key, func(f *Field) { f.Filter = false })}, both, Setup{Scheme: SchemeMarker}},
		"fields_that_the_org_lacks":     {nil, both, Setup{Scheme: SchemeMarker}},
		"no_fields_in_the_settings":     {map[string]Field{"": key}, models.Logging{}, Setup{Scheme: SchemeMarker}},
		"only_a_key_in_the_settings":    {map[string]Field{"K__c": key, "M__c": key}, models.Logging{KeyField: "K__c"}, Setup{Scheme: SchemeKey, KeyField: "K__c"}},
		"only_a_marker_in_the_settings": {map[string]Field{"K__c": key, "M__c": key}, models.Logging{MarkerField: "M__c"}, Setup{Scheme: SchemeField, MarkerName: "M__c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Setup{Fields: c.fields}
			s.chooseScheme(c.logging)
			s.Fields = nil
			require.Empty(t, cmp.Diff(c.want, s))
		})
	}
}

func TestWhatASetupMaySet(t *testing.T) {
	t.Parallel()
	s := Setup{Omitted: []string{"MSE_Clicked__c"}, Fields: map[string]Field{
		"Subject": {Create: true, Update: true}, "OwnerId": {Create: true}, "Status": {Update: true}, "MSE_Clicked__c": {Create: true, Update: true}}}
	for field, want := range map[string][2]bool{
		"Subject": {true, true}, "OwnerId": {true, false}, "Status": {false, true}, "Nothing__c": {false, false}, "": {false, false},
		"subject":        {false, false}, // names are as the org describes them
		"MSE_Clicked__c": {false, false}, // the org refused it
	} {
		require.Equal(t, want, [2]bool{s.Creates(field), s.Updates(field)}, field)
	}
	s.Omitted = []string{"mse_clicked__C"}
	require.False(t, s.Creates("MSE_Clicked__c"), "a refusal may spell a field in another case")
}

func TestWhatAFieldTakes(t *testing.T) {
	t.Parallel()
	s := Setup{Scheme: SchemeField, KeyField: "K__c", MarkerName: "M__c", Fields: map[string]Field{
		"Type": {Values: []string{"Call", "Email"}}, "CallDisposition": {}, "TaskSubtype": {Values: []string{}},
		"Status": {Values: []string{"Done"}}, "Description": {Values: []string{"x"}}, "M__c": {Values: []string{"x"}}}}
	for name, c := range map[string]struct {
		field string
		value any
		want  bool
	}{
		"one_of_its_values":          {"Type", "Call", true},
		"another_value":              {"Type", "InMail", false},
		"in_another_case":            {"Type", "call", false},
		"nothing":                    {"Type", "", false},
		"no_text":                    {"Type", 7, true},
		"nil":                        {"Type", nil, true},
		"any_of_a_free_field":        {"CallDisposition", "Busy", true},
		"none_of_an_empty_picklist":  {"TaskSubtype", "Call", false},
		"of_a_field_that_is_lacking": {"Nothing__c", "x", true},
		// What a Task cannot be without is tried all the same.
		"the_status":              {"Status", "Completed", true},
		"what_it_is_found_by":     {"M__c", "id", true},
		"a_description_is_extras": {"Description", "y", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, s.Takes(c.field, c.value))
		})
	}
	marked := Setup{Scheme: SchemeMarker, Fields: s.Fields}
	require.True(t, marked.Takes("Description", "y"), "where the marker is in it, it is not")
}

func TestWhatATaskCannotBeWithout(t *testing.T) {
	t.Parallel()
	s := Setup{Scheme: SchemeKey, KeyField: "K__c", MarkerName: "M__c"}
	for field, want := range map[string]bool{"": true, "Subject": true, "STATUS": true, "activitydate": true, "WhoId": true, "OwnerId": true,
		"K__c": true, "k__C": true, "M__c": true, "WhatId": false, "Priority": false, "Type": false, "Description": false, "MSE_Clicked__c": false} {
		require.Equal(t, want, s.needs(field), field)
	}
}

func TestATypeCountsAsTheOrgSpellsIt(t *testing.T) {
	t.Parallel()
	s := Setup{TaskTypes: []string{"Email", "call", "InMail"}}
	for value, want := range map[string]bool{"Email": true, "InMail": true, "call": true, "Call": false, "email": false, "Reply": false, "": false} {
		require.Equal(t, want, s.HasType(value), value)
	}
	require.False(t, Setup{}.HasType("Email"))
}

func TestTheValuesOfAPicklist(t *testing.T) {
	t.Parallel()
	list := []salesforce.PicklistValue{{Value: "a", Active: true}, {Value: "b"}, {Value: "c", Active: true}}
	require.Empty(t, cmp.Diff([]string{"a", "c"}, valuesOf(salesforce.Field{Restricted: true, Picklist: list})))
	require.Nil(t, valuesOf(salesforce.Field{Picklist: list}), "one that is not restricted takes any value")
	require.Empty(t, cmp.Diff([]string{}, valuesOf(salesforce.Field{Restricted: true})), "a restricted one without values takes none")
}

func TestAnOptOutIsOfAnObject(t *testing.T) {
	t.Parallel()
	o := OptOut{Lead: Access{Read: true}, Contact: Access{Read: true, Write: true}}
	require.Equal(t, o.Lead, o.On("Lead"))
	require.Equal(t, o.Contact, o.On("Contact"))
}

func TestFieldsAreAskedForOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range StandardFields() {
		require.False(t, seen[name], name)
		seen[name] = true
	}
	for _, f := range CustomFields() {
		require.False(t, seen[f.Name], f.Name)
		require.Regexp(t, `^[A-Za-z][A-Za-z0-9_]*__c$`, f.Name)
		require.NotEmpty(t, f.Use)
		seen[f.Name] = true
	}
	require.Len(t, CustomFields(), 13)
}

func TestAddressesAreAskedForOnce(t *testing.T) {
	t.Parallel()
	given := []string{"b@x.example", "", "a@x.example", "b@x.example"}
	require.Equal(t, []string{"a@x.example", "b@x.example"}, distinct(given))
	require.Equal(t, []string{"b@x.example", "", "a@x.example", "b@x.example"}, given, "the caller's list stays")
	require.Empty(t, distinct([]string{"", ""}))
}

func TestTextInAQueryIsQuoted(t *testing.T) {
	t.Parallel()
	require.Empty(t, Quoted(nil))
	require.Equal(t, `'a'`, Quoted([]string{"a"}))
	require.Equal(t, `'a','O\'Hara','\\'`, Quoted([]string{"a", "O'Hara", `\`}))
}

func TestAMergeThatLeadsBackEnds(t *testing.T) {
	t.Parallel()
	a, b := "00Q000000000001", "00Q000000000002"
	records := map[string]known{a: {follow: b}, b: {follow: a}}
	done := make(chan Target, 1)
	go func() { done <- targetOf(SalesforceIDs{LeadID: &a}, records) }()
	select {
	case target := <-done:
		require.Equal(t, "", target.WhatID)
	case <-time.After(10 * time.Second):
		require.FailNow(t, "it goes round and round")
	}
}

func TestWhatIsGoneIsPassedOver(t *testing.T) {
	t.Parallel()
	contact, account, opportunity, other := "003000000000001AAA", "001000000000001AAA", "006000000000001AAA", "001000000000002AAA"
	ids := SalesforceIDs{ContactID: &contact, AccountID: &account, OpportunityID: &opportunity}
	for name, c := range map[string]struct {
		records map[string]known
		what    string
	}{
		"all_are_there":           {nil, opportunity},
		"the_opportunity_is_gone": {map[string]known{ShortID(opportunity): {gone: true}}, account},
		"both_are_gone":           {map[string]known{ShortID(opportunity): {gone: true}, ShortID(account): {gone: true}}, ""},
		"salesforce_has_another_account": {map[string]known{ShortID(opportunity): {gone: true}, ShortID(account): {gone: true},
			ShortID(contact): {account: other}}, other},
		"marketos_account_before_salesforces": {map[string]known{ShortID(opportunity): {gone: true}, ShortID(contact): {account: other}}, account},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, Target{WhoID: contact, WhatID: c.what}, targetOf(ids, c.records))
		})
	}
}
