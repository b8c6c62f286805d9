package salesforce

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (o *bundle) delete(id string) {
	o.t.Helper()
	o.call(http.MethodDelete, "/sobjects/Task/"+id, nil).is(http.StatusNoContent, nil)
}

// inAll says whether queryAll shows a Task.
func (o *bundle) inAll(id string) bool {
	o.t.Helper()
	return o.ask("/queryAll", "SELECT Id FROM Task WHERE Id = '"+id+"'").TotalSize == 1
}

func TestADeletedRowLies15DaysInTheBin(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{})
	contact, _ := o.someone("Contact")
	first := o.task(values{"Subject": "first", "WhoId": contact})
	second := o.task(values{"Subject": "second", "WhoId": contact})
	o.delete(first)
	clock.Advance(24 * time.Hour)
	o.delete(second)
	clock.Advance(14*24*time.Hour - time.Second)
	require.True(t, o.inAll(first))
	clock.Advance(time.Second)
	require.False(t, o.inAll(first))
	require.True(t, o.inAll(second))
	require.Nil(t, o.held("Task", first))
	require.Equal(t, 1, o.ask("/queryAll", "SELECT Id FROM Task WHERE WhoId = '"+contact+"'").TotalSize)
	o.call(http.MethodGet, "/sobjects/Task/"+first, nil).refused(http.StatusNotFound, "NOT_FOUND")
	o.call(http.MethodDelete, "/sobjects/Task/"+first, nil).refused(http.StatusNotFound, "INVALID_CROSS_REFERENCE_KEY")
	_, err := o.server.Act("undelete", "Task", first, nil)
	require.ErrorContains(t, err, "INVALID_CROSS_REFERENCE_KEY")
	_, err = o.server.Act("undelete", "Task", second, nil)
	require.NoError(t, err)
	clock.Advance(100 * 24 * time.Hour)
	require.True(t, o.inAll(second), "it is out of the bin")
}

func TestUndeletingTakesUniqueValuesBack(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{KeyField: "Key__c"})
	id := o.task(values{"Subject": "first", "Key__c": "k"})
	_, err := o.server.Act("undelete", "Task", id, nil)
	require.ErrorContains(t, err, "UNDELETE_FAILED", "it was never deleted")
	o.delete(id)
	other := o.task(values{"Subject": "second", "Key__c": "K"})
	_, err = o.server.Act("undelete", "Task", id, nil)
	require.ErrorContains(t, err, "DUPLICATE_VALUE")
	require.ErrorContains(t, err, other)
	require.Equal(t, true, o.held("Task", id)["IsDeleted"])
	o.delete(other)
	clock.Advance(time.Minute)
	_, err = o.server.Act("undelete", "Task", id, nil)
	require.NoError(t, err)
	task := o.held("Task", id)
	require.Equal(t, false, task["IsDeleted"])
	require.Equal(t, "2026-03-10T09:31:15.000+0000", task["SystemModstamp"], "a change like any other")
	o.call(http.MethodPost, "/sobjects/Task", values{"Key__c": "k"}).refused(http.StatusBadRequest, "DUPLICATE_VALUE")
}

func TestAnEmptiedBinIsKnownToGetDeletedAlone(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{})
	kept, gone := o.task(values{"Subject": "kept"}), o.task(values{"Subject": "gone"})
	o.delete(gone)
	clock.Advance(time.Minute)
	o.control("/act", values{"do": "purge"}).is(http.StatusOK, nil)
	require.False(t, o.inAll(gone))
	require.True(t, o.inAll(kept))
	require.Equal(t, []string{gone}, o.deleted(ago(o, 3600), ago(o, -60)))
	clock.Advance(14 * 24 * time.Hour)
	require.Equal(t, []string{gone}, o.deleted(ago(o, 15*86_400), ago(o, 0)))
	clock.Advance(24 * time.Hour)
	require.Empty(t, o.deleted(ago(o, 15*86_400), ago(o, 0)))
}
