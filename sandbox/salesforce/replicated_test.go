package salesforce

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// window asks for what was updated or deleted between two times.
func (o *bundle) window(which, start, end string) answered {
	o.t.Helper()
	return o.call(http.MethodGet, "/sobjects/Task/"+which+"/?start="+url.QueryEscape(start)+"&end="+url.QueryEscape(end), nil)
}

func (o *bundle) updated(start, end string) []string {
	o.t.Helper()
	var answer struct{ IDs []string }
	o.window("updated", start, end).is(http.StatusOK, &answer)
	return answer.IDs
}

func (o *bundle) deleted(start, end string) []string {
	o.t.Helper()
	var answer struct {
		DeletedRecords                           []struct{ ID, DeletedDate string }
		EarliestDateAvailable, LatestDateCovered string
	}
	o.window("deleted", start, end).is(http.StatusOK, &answer)
	require.NotEmpty(o.t, answer.EarliestDateAvailable)
	require.NotEmpty(o.t, answer.LatestDateCovered)
	var ids []string
	for _, r := range answer.DeletedRecords {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestUpdatedAndDeletedRowsAreToldByTheMinute(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{}) // it is 09:30:15
	id := o.task(values{"Subject": "there"})
	const at = "2026-03-10T09:"
	require.Equal(t, []string{id}, o.updated(at+"30:59+00:00", at+"31:00+00:00"), "seconds are ignored")
	require.Empty(t, o.updated(at+"29:00Z", at+"30:59Z"))
	o.window("updated", at+"30:00Z", at+"30:59Z").refused(http.StatusBadRequest, "INVALID_REPLICATION_DATE")
	o.window("deleted", at+"31:00Z", at+"30:00Z").refused(http.StatusBadRequest, "INVALID_REPLICATION_DATE")
	o.window("deleted", "yesterday", at+"30:00Z").refused(http.StatusBadRequest, "INVALID_REPLICATION_DATE")
	require.Empty(t, o.deleted(at+"30:00Z", at+"31:00Z"))
	clock.Advance(5 * time.Minute)
	o.delete(id)
	require.Equal(t, []string{id}, o.deleted(at+"35:00Z", at+"36:00Z"))
	require.Empty(t, o.updated(at+"30:00Z", at+"40:00Z"), "a deleted row is not an updated one")
}

func TestReplicationReachesBackSoManyDays(t *testing.T) {
	t.Parallel()
	o, _ := timed(t, Config{})
	for which, days := range map[string]int{"updated": 30, "deleted": 15} {
		o.window(which, ago(o, days*86_400), ago(o, 0)).is(http.StatusOK, nil)
		o.window(which, ago(o, days*86_400+60), ago(o, 0)).refused(http.StatusBadRequest, "INVALID_REPLICATION_DATE")
	}
}
