package salesforce

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsRolledBackLeavesNothing(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Key__c"})
	kept := o.task(values{"Subject": "kept", "Key__c": "k-1"})
	before := o.held("Task", kept)
	tooLong := strings.Repeat("x", 300)
	require.False(t, o.saveMany(http.MethodPatch, "", true, records(values{"id": kept, "Subject": "changed", "Key__c": "k-2"}, values{"id": kept, "Subject": tooLong}))[0].Success)
	require.Equal(t, before, o.held("Task", kept), "its values and its stamp")
	require.False(t, o.saveMany(http.MethodPost, "", true, records(values{"Key__c": "k-2"}, values{"Key__c": "k-1"}))[0].Success)
	require.False(t, o.saveMany(http.MethodPost, "", false, records(values{"Key__c": "k-3", "Subject": tooLong}))[0].Success)
	for _, free := range []string{"k-2", "k-3"} {
		require.True(t, o.saveMany(http.MethodPost, "", false, records(values{"Key__c": free}))[0].Success, "%s belongs to nobody", free)
	}
	require.Equal(t, "DUPLICATE_VALUE", o.saveMany(http.MethodPost, "", false, records(values{"Key__c": "K-1"}))[0].Errors[0].StatusCode, "k-1 has stayed its")
}

func TestARecordIsFoundOnceUnderItsPresentValue(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, _ := o.someone("Contact")
	lead, _ := o.someone("Lead")
	id := o.task(values{"Subject": "moving", "WhoId": contact})
	for _, who := range []string{lead, contact, lead} {
		o.call(http.MethodPatch, "/sobjects/Task/"+id, values{"WhoId": who}).is(http.StatusNoContent, nil)
	}
	require.Zero(t, o.ask("/query", "SELECT Id FROM Task WHERE WhoId = '"+contact+"'").TotalSize)
	require.Equal(t, 1, o.ask("/query", "SELECT Id FROM Task WHERE WhoId IN ('"+contact+"', '"+lead+"')").TotalSize)
	require.Equal(t, 1, o.ask("/query", "SELECT Id FROM Task WHERE Id IN ('"+id+"', '"+id[:15]+"')").TotalSize)
}
