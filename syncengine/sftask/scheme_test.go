package sftask

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/syncengine/org"
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
		setup org.Setup
		task  map[string]any
		field string
	}{
		"by_a_key":    {org.Setup{Scheme: org.SchemeKey, KeyField: "K__c", MarkerName: "M__c"}, map[string]any{"Subject": "x", "K__c": sentID.String()}, "K__c"},
		"by_a_field":  {org.Setup{Scheme: org.SchemeField, KeyField: "K__c", MarkerName: "M__c"}, map[string]any{"Subject": "x", "M__c": sentID.String()}, "M__c"},
		"by_a_marker": {org.Setup{Scheme: org.SchemeMarker, KeyField: "K__c", MarkerName: "M__c"}, map[string]any{"Subject": "x"}, ""},
		"not_at_all":  {org.Setup{}, map[string]any{"Subject": "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := map[string]any{"Subject": "x"}
			Mark(task, c.setup, sentID)
			require.Empty(t, cmp.Diff(c.task, task))
			require.Equal(t, c.field, proofField(c.setup))
		})
	}
}
