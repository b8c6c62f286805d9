package salesforce

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheNightlyRunArchivesOldClosedTasks(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{KeyField: "Key__c"}) // it is 2026-03-10
	tasks := map[string]struct {
		fields   values
		at, late bool // archived at once, or after a year
	}{
		"closed, of a year ago":           {values{"Status": "Completed", "ActivityDate": "2025-03-10", "Key__c": "k"}, true, true},
		"closed, of a day less":           {values{"Status": "Completed", "ActivityDate": "2025-03-11"}, false, true},
		"open, of a year ago":             {values{"ActivityDate": "2025-03-10"}, false, false},
		"closed, without a date":          {values{"Status": "Completed"}, false, true},
		"closed, with a date still ahead": {values{"Status": "Completed", "ActivityDate": "2027-04-01"}, false, false},
	}
	ids := map[string]string{}
	for name, c := range tasks {
		ids[name] = o.task(c.fields)
	}
	archived := func(name string) bool {
		soql := "SELECT Id, IsArchived FROM Task WHERE Id = '" + ids[name] + "'"
		shown := o.ask("/query", soql).TotalSize == 1
		require.Equal(t, !shown, o.ask("/queryAll", soql).Records[0]["IsArchived"], name)
		return !shown
	}
	require.Equal(t, 1, o.server.Archive())
	require.Zero(t, o.server.Archive(), "once")
	for name, c := range tasks {
		require.Equal(t, c.at, archived(name), name)
	}
	old := ids["closed, of a year ago"]
	o.call(http.MethodPatch, "/sobjects/Task/"+old, values{"Subject": "still there"}).is(http.StatusNoContent, nil)
	require.True(t, archived("closed, of a year ago"), "changed by its id, and archived")
	o.call(http.MethodPost, "/sobjects/Task", values{"Key__c": "k"}).refused(http.StatusBadRequest, "DUPLICATE_VALUE")

	clock.Advance(365 * 24 * time.Hour)
	o.control("/act", values{"do": "archive"}).is(http.StatusOK, nil)
	for name, c := range tasks {
		require.Equal(t, c.late, archived(name), name)
	}
	o.delete(old)
}
