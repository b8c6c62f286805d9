package org

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
)

var sentID = uuid.MustParse("01234567-89ab-7cde-8f01-23456789abcd")

func TestAMarkerIsFoundAgain(t *testing.T) {
	t.Parallel()
	const marker = "[sa:ASNFZ4mrfN6PASNFZ4mrzQ]"
	require.Equal(t, marker, Marker(sentID))
	other := uuid.MustParse("fedcba98-7654-7210-8fed-cba987654321")
	for name, c := range map[string]struct {
		text string
		want uuid.UUID // nil: none
	}{
		"alone":                     {marker, sentID},
		"at_the_end":                {"Called Ada.\n" + marker, sentID},
		"at_the_beginning":          {marker + "\nCalled Ada.", sentID},
		"inside_a_word":             {"x" + marker + "y", sentID},
		"with_line_ends_of_windows": {"Called.\r\n" + marker + "\r\n", sentID},
		"the_last_of_two":           {Marker(other) + " " + marker, sentID},
		"quoted_before_ours":        {"> " + marker + "\n" + Marker(other), other},
		"no_text":                   {"", uuid.Nil},
		"no_marker":                 {"Called Ada [twice].", uuid.Nil},
		"not_closed":                {strings.TrimSuffix(marker, "]"), uuid.Nil},
		"cut_off":                   {marker[:12] + "]", uuid.Nil},
		"longer":                    {"[sa:ASNFZ4mrfN6PASNFZ4mrzQAA]", uuid.Nil},
		"empty":                     {"[sa:]", uuid.Nil},
		"with_padding":              {"[sa:ASNFZ4mrfN6PASNFZ4mrzQ==]", uuid.Nil},
		"with_a_space":              {"[sa: ASNFZ4mrfN6PASNFZ4mrzQ]", uuid.Nil},
		"of_the_other_alphabet":     {"[sa:ASNFZ4mrfN6PASNFZ4mr+Q]", uuid.Nil},
		"in_capitals":               {"[SA:ASNFZ4mrfN6PASNFZ4mrzQ]", uuid.Nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, found := FindMarker(c.text)
			require.Equal(t, c.want, got)
			require.Equal(t, c.want != uuid.Nil, found)
		})
	}
}

func TestMarkersAreTextThatNothingChanges(t *testing.T) {
	t.Parallel()
	for range 500 {
		id := uuid.New()
		marker := Marker(id)
		require.Len(t, marker, 27)
		require.Equal(t, marker, OneLine(marker))
		require.NotContains(t, marker[1:26], "[")
		got, found := FindMarker("a " + marker + " b")
		require.True(t, found)
		require.Equal(t, id, got)
	}
}

func FuzzFindMarker(f *testing.F) {
	f.Add("[sa:ASNFZ4mrfN6PASNFZ4mrzQ]")
	f.Add("[sa:[sa:]]")
	f.Fuzz(func(t *testing.T, text string) {
		if id, found := FindMarker(text); found && !strings.Contains(text, "[sa:") {
			t.Fatalf("%q has the marker of %s", text, id)
		}
		if got, found := FindMarker(text + Marker(sentID)); !found || got != sentID {
			t.Fatalf("the marker after %q is lost", text)
		}
	})
}

func TestATaskIsMarkedWhereAFieldDoesIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setup Setup
		task  map[string]any
		field string
	}{
		"by_a_key":    {Setup{Scheme: SchemeKey, KeyField: "K__c", MarkerName: "M__c"}, map[string]any{"Subject": "x", "K__c": sentID.String()}, "K__c"},
		"by_a_field":  {Setup{Scheme: SchemeField, KeyField: "K__c", MarkerName: "M__c"}, map[string]any{"Subject": "x", "M__c": sentID.String()}, "M__c"},
		"by_a_marker": {Setup{Scheme: SchemeMarker, KeyField: "K__c", MarkerName: "M__c"}, map[string]any{"Subject": "x"}, ""},
		"not_at_all":  {Setup{}, map[string]any{"Subject": "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := map[string]any{"Subject": "x"}
			c.setup.Mark(task, sentID)
			require.Empty(t, cmp.Diff(c.task, task))
			require.Equal(t, c.field, c.setup.proofField())
		})
	}
}

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

func TestALookWaitsForItsShareOfTheTime(t *testing.T) {
	t.Parallel()
	how := Creating{Settle: 100 * time.Second}
	total := time.Duration(0)
	for looks, want := range []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, 50 * time.Second} {
		require.Equal(t, want, how.lookWait(looks).Round(time.Millisecond), "after %d looks", looks)
		total += how.lookWait(looks)
	}
	require.Equal(t, how.Settle, total.Round(time.Millisecond), "the last look is when it may be sent again")
	require.Equal(t, 100*time.Millisecond, how.lookWait(9), "one that comes later does not wait")
	require.Equal(t, 100*time.Millisecond, Creating{Settle: time.Millisecond}.lookWait(0), "nor does one ask without a pause")
}
