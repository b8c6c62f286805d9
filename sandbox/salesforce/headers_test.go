package salesforce

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADuplicateRuleBlocksPeopleUnlessToldNotTo(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{DuplicateRule: true})
	lead, _ := o.someone("Lead")
	contact, _ := o.someone("Contact")
	optOut := values{"HasOptedOutOfEmail": true}
	header := func(value string) map[string]string {
		return map[string]string{"Sforce-Duplicate-Rule-Header": value}
	}
	for _, path := range []string{"/sobjects/Lead/" + lead, "/sobjects/Contact/" + contact} {
		o.call(http.MethodPatch, path, optOut).refused(http.StatusBadRequest, "DUPLICATES_DETECTED")
		o.callWith(header("allowSave=false"), http.MethodPatch, path, optOut).refused(http.StatusBadRequest, "DUPLICATES_DETECTED")
		o.callWith(header("includeRecordDetails=false, allowSave=true"), http.MethodPatch, path, optOut).is(http.StatusNoContent, nil)
	}
	batch := values{"records": []values{{"attributes": values{"type": "Lead"}, "id": lead, "HasOptedOutOfEmail": true}}}
	var results []saved
	o.call(http.MethodPatch, "/composite/sobjects", batch).is(http.StatusOK, &results)
	require.Equal(t, "DUPLICATES_DETECTED", results[0].Errors[0].StatusCode)
	o.callWith(header("allowSave=true"), http.MethodPatch, "/composite/sobjects", batch).is(http.StatusOK, &results)
	require.True(t, results[0].Success)
	o.task(values{"Subject": "Tasks have no such rules"})
	_, err := o.server.Act("update", "Lead", lead, optOut)
	require.NoError(t, err)
}

func TestAnAssignmentRuleGivesLeadsAwayUnlessToldNotTo(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{AssignmentRule: true})
	lead, _ := o.someone("Lead")
	contact, _ := o.someone("Contact")
	owner := func(object, id string) any { return o.held(object, id)["OwnerId"] }
	before, contacts := owner("Lead", lead), owner("Contact", contact)
	optOut := values{"HasOptedOutOfEmail": true}
	o.callWith(map[string]string{"Sforce-Auto-Assign": "FALSE"}, http.MethodPatch, "/sobjects/Lead/"+lead, optOut).is(http.StatusNoContent, nil)
	require.Equal(t, before, owner("Lead", lead))
	for range 2 {
		o.call(http.MethodPatch, "/sobjects/Lead/"+lead, optOut).is(http.StatusNoContent, nil)
		require.NotEqual(t, before, owner("Lead", lead), "the header was forgotten")
		before = owner("Lead", lead)
	}
	o.call(http.MethodPatch, "/sobjects/Contact/"+contact, optOut).is(http.StatusNoContent, nil)
	require.Equal(t, contacts, owner("Contact", contact))
	_, err := o.server.Act("update", "Lead", lead, optOut)
	require.NoError(t, err)
	require.Equal(t, before, owner("Lead", lead))
}
