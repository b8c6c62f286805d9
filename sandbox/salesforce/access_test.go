package salesforce

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
)

// described are the fields of an object by name.
func (o *bundle) described(object string) map[string]values {
	o.t.Helper()
	var d struct{ Fields []values }
	o.call(http.MethodGet, "/sobjects/"+object+"/describe", nil).is(http.StatusOK, &d)
	fields := map[string]values{}
	for _, f := range d.Fields {
		fields[f["name"].(string)] = f
	}
	return fields
}

func TestAHiddenFieldIsUnknownToCalls(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Key__c", HiddenFields: map[string][]string{"Task": {"key__c", "Priority"}, "Lead": {"HasOptedOutOfEmail"}}})
	require.NotContains(t, o.described("Task"), "Key__c")
	require.NotContains(t, o.described("Lead"), "HasOptedOutOfEmail")
	require.Contains(t, o.described("Contact"), "HasOptedOutOfEmail")
	id := o.task(values{"Subject": "x"})
	lead, _ := o.someone("Lead")

	for _, soql := range []string{"SELECT Priority FROM Task", "SELECT Id FROM Task WHERE Priority = 'High'", "SELECT Id FROM Task ORDER BY Priority", "SELECT Id FROM Lead WHERE HasOptedOutOfEmail = true"} {
		o.call(http.MethodGet, "/query?q="+url.QueryEscape(soql), nil).refused(http.StatusBadRequest, "INVALID_FIELD")
	}
	o.call(http.MethodGet, "/sobjects/Task/"+id+"?fields=Priority", nil).refused(http.StatusBadRequest, "INVALID_FIELD")
	var row values
	o.call(http.MethodGet, "/sobjects/Task/"+id, nil).is(http.StatusOK, &row)
	require.NotContains(t, row, "Priority")
	o.call(http.MethodPatch, "/sobjects/Lead/"+lead, values{"HasOptedOutOfEmail": true}).refused(http.StatusBadRequest, "INVALID_FIELD")
	o.call(http.MethodPost, "/composite/sobjects", values{"records": records(values{"Key__c": "k"})}).refused(http.StatusBadRequest, "INVALID_FIELD")
	o.call(http.MethodPatch, "/sobjects/Task/Key__c/k", values{"Subject": "x"}).refused(http.StatusNotFound, "NOT_FOUND")

	require.Equal(t, "Normal", o.held("Task", id)["Priority"], "the org has it")
	for range 2 {
		_, err := o.server.Act("create", "Task", "", values{"Key__c": "k"})
		if err != nil {
			require.ErrorContains(t, err, "DUPLICATE_VALUE", "other users have it, and so do rules")
			return
		}
	}
	require.Fail(t, "the second should be refused")
}

func TestAReadOnlyFieldRefusesToBeWritten(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{ReadOnlyFields: map[string][]string{"Task": {"Priority"}, "Contact": {"HasOptedOutOfEmail"}}})
	contact, _ := o.someone("Contact")
	f := o.described("Contact")["HasOptedOutOfEmail"]
	require.Equal(t, false, f["updateable"])
	require.Equal(t, false, f["createable"])
	require.Equal(t, true, o.described("Lead")["HasOptedOutOfEmail"]["updateable"])
	answer := o.call(http.MethodPatch, "/sobjects/Contact/"+contact, values{"HasOptedOutOfEmail": true})
	answer.refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE")
	require.Contains(t, string(answer.raw), "Unable to create/update fields: HasOptedOutOfEmail.")
	o.call(http.MethodPost, "/sobjects/Task", values{"Priority": "High"}).refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE")
	require.Equal(t, "Normal", o.held("Task", o.task(values{"Subject": "x"}))["Priority"], "defaults are the org's")
	_, err := o.server.Act("update", "Contact", contact, values{"HasOptedOutOfEmail": true})
	require.NoError(t, err)
	require.Equal(t, 1, o.ask("/query", "SELECT Id FROM Contact WHERE HasOptedOutOfEmail = true").TotalSize)
}

func TestACustomOptOutMayBeOnOneObjectOnly(t *testing.T) {
	t.Parallel()
	both := setup(t, Config{OptOutField: "No_Sales__c"})
	one := setup(t, Config{OptOutField: "No_Sales__c", OptOutOn: []string{"Contact"}})
	for object, has := range map[string]bool{"Lead": false, "Contact": true} {
		id, _ := one.someone(object)
		require.Contains(t, both.described(object), "No_Sales__c")
		_, found := one.described(object)["No_Sales__c"]
		require.Equal(t, has, found, object)
		status := one.call(http.MethodPatch, "/sobjects/"+object+"/"+id, values{"No_Sales__c": true}).StatusCode
		require.Equal(t, has, status == http.StatusNoContent, object)
	}
	lead, _ := one.someone("Lead")
	_, err := one.server.Act("convert", "Lead", lead, nil)
	require.NoError(t, err)
	contact := one.held("Contact", one.held("Lead", lead)["ConvertedContactId"].(string))
	require.Equal(t, false, contact["No_Sales__c"])
}

func TestAccessThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for option, cfg := range map[string]Config{
		"HiddenFields":   {HiddenFields: map[string][]string{"Nothing": {"x"}}},
		"ReadOnlyFields": {ReadOnlyFields: map[string][]string{"Task": {"Nope__c"}}},
		"IsDeleted":      {HiddenFields: map[string][]string{"Task": {"IsDeleted"}}},
		"OptOutOn":       {OptOutField: "x__c", OptOutOn: []string{"Account"}},
	} {
		cfg.Clock = clockwork.NewRealClock()
		_, err := New(cfg)
		require.ErrorContains(t, err, option)
	}
}
