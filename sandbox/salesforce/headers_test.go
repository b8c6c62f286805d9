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

func TestARowIsChangedOnlyIfItHasNotChangedSince(t *testing.T) {
	t.Parallel()
	o, _ := timed(t, Config{KeyField: "Key__c"}) // it is 09:30:15 and a quarter
	id := o.task(values{"Subject": "x", "Key__c": "k"})
	const before, at = "Tue, 10 Mar 2026 09:30:14 GMT", "Tue, 10 Mar 2026 09:30:15 GMT"
	row, byKey := "/sobjects/Task/"+id, "/sobjects/Task/Key__c/k"
	subject := values{"Subject": "y"}
	for name, c := range map[string]struct {
		method, path, header, date string
		status                     int
	}{
		"a change since, and an update":      {http.MethodPatch, row, "If-Unmodified-Since", before, 412},
		"a change since, and a deletion":     {http.MethodDelete, row, "If-Unmodified-Since", before, 412},
		"a change since, by the external id": {http.MethodPatch, byKey, "If-Unmodified-Since", before, 412},
		"a change since, and a read":         {http.MethodGet, row, "If-Unmodified-Since", before, 412},
		"no change after that second":        {http.MethodPatch, row, "If-Unmodified-Since", at, 204},
		"no date":                            {http.MethodPatch, row, "If-Unmodified-Since", "yesterday", 204},
		"another form of date":               {http.MethodPatch, row, "If-Unmodified-Since", "2026-03-10T09:30:14Z", 204},
		"a read of what has changed":         {http.MethodGet, row, "If-Modified-Since", before, 200},
		"a read of what has not":             {http.MethodGet, row, "If-Modified-Since", at, 304},
		"a read since no date":               {http.MethodGet, byKey, "If-Modified-Since", "yesterday", 200},
		"an update asks for no change":       {http.MethodPatch, row, "If-Modified-Since", at, 204},
	} {
		answer := o.callWith(map[string]string{c.header: c.date}, c.method, c.path, subject)
		require.Equal(t, c.status, answer.StatusCode, "%s: %s", name, answer.raw)
		if c.status == http.StatusPreconditionFailed {
			answer.refused(http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		}
		if c.status == http.StatusNotModified {
			require.Empty(t, answer.raw, name)
		}
	}
	batch := values{"records": records(values{"id": id, "Subject": "z"})}
	o.callWith(map[string]string{"If-Unmodified-Since": before}, http.MethodPatch, "/composite/sobjects", batch).is(http.StatusOK, nil)
	require.Equal(t, "z", o.held("Task", id)["Subject"], "Collections have no conditions")
	o.call(http.MethodDelete, row, nil).is(http.StatusNoContent, nil)
	o.callWith(map[string]string{"If-Unmodified-Since": before}, http.MethodPatch, row, subject).refused(http.StatusNotFound, "ENTITY_IS_DELETED")
}
