package smartgrid

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/marketo"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return v
}

func TestWeeksBeginOnMonday(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"2026-11-23T00:00:00Z":      "2026-11-23T00:00:00Z", // a Monday
		"2026-11-29T23:59:59Z":      "2026-11-23T00:00:00Z", // the Sunday after
		"2026-11-22T23:59:59Z":      "2026-11-16T00:00:00Z",
		"2026-01-01T12:00:00Z":      "2025-12-29T00:00:00Z", // over the new year
		"2026-11-23T01:00:00+02:00": "2026-11-16T00:00:00Z", // still Sunday in UTC
	} {
		require.Equal(t, at(t, want), WeekOf(at(t, given)), given)
	}
}

func TestWeeksCoverNinetyDays(t *testing.T) {
	t.Parallel()
	for day := range 14 {
		now := at(t, "2026-11-16T15:04:05Z").AddDate(0, 0, day)
		weeks := Weeks(now)
		require.False(t, weeks[0].After(Since(now)), "the first week holds the first day")
		require.Equal(t, WeekOf(now), weeks[len(weeks)-1], "the last is the current one")
		require.GreaterOrEqual(t, len(weeks), 13)
		require.LessOrEqual(t, len(weeks), 14)
		for i := 1; i < len(weeks); i++ {
			require.Equal(t, 7*24*time.Hour, weeks[i].Sub(weeks[i-1]))
		}
	}
}

func TestEventsAreCountedByKindAndWeek(t *testing.T) {
	t.Parallel()
	monday := at(t, "2026-11-16T00:00:00Z")
	counts := Count([]Event{{Kind: Email, At: monday}, {Kind: Email, At: monday.Add(167 * time.Hour)}, {Kind: Email, At: monday.Add(168 * time.Hour)}, {Kind: Web, At: monday}})
	require.Equal(t, 2, counts[Email][monday])
	require.Equal(t, 1, counts[Email][monday.AddDate(0, 0, 7)])
	require.Equal(t, 1, counts[Web][monday])
	require.Empty(t, counts[Call])
}

func TestTypesAreFoundByNameThenByNumber(t *testing.T) {
	t.Parallel()
	found := known([]marketo.ActivityType{
		{ID: 1, Name: "Webseite besuchen"},        // translated
		{ID: 11, Name: "Click Email"},             //
		{ID: 152, Name: "Received Sales Call"},    // of no published number
		{ID: 46, Name: "Something else"},          // its name is found at another number
		{ID: 99, Name: "Interesting Moment"},      //
		{ID: 100001, Name: "SA Send Sales Email"}, // ours, which are shown from here
		{ID: 13, Name: "Change Data Value"},       // not of the grid
	})
	require.Len(t, found, 4)
	require.Equal(t, Web, found[1].kind)
	require.Equal(t, Email, found[11].kind)
	require.Equal(t, Call, found[152].kind)
	require.Equal(t, Moment, found[99].kind)
	require.LessOrEqual(t, len(types), marketo.MaxActivityTypes, "one call")
}

func TestARowSaysWhatHappened(t *testing.T) {
	t.Parallel()
	row := marketo.Activity{GUID: "7", LeadID: 1001, TypeID: 46, Primary: "Web", Attributes: map[string]json.RawMessage{
		"Description": json.RawMessage(`" Asked for a demo "`), "Source": json.RawMessage(`null`), "Score": json.RawMessage(`12`),
		"Real": json.RawMessage(`true`), "Half": json.RawMessage(`0.5`), "Odd": json.RawMessage(`{`)}}
	require.Equal(t, Event{ID: "7", Person: 1001, Kind: Moment, What: "Interesting moment", Line: "Asked for a demo", Details: []Detail{
		{"Half", "0.5"}, {"Real", "true"}, {"Score", "12"}, {"Kind", "Web"}}}, types[6].event(row))
}
