package salesforce

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/world"
)

func TestARowIsMadeReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, account := o.someone("Contact")
	id := o.task(values{"Subject": "Call", "WhoId": contact, "Status": "Completed", "ActivityDate": "2026-03-31", "Description": "Line\nline"})
	require.Len(t, id, 18)
	require.True(t, strings.HasPrefix(id, "00T"))

	var task values
	o.call(http.MethodGet, "/sobjects/Task/"+id, nil).is(http.StatusOK, &task)
	require.Equal(t, "Task", task["attributes"].(values)["type"])
	require.Equal(t, account, task["AccountId"], "derived from the contact")
	require.Equal(t, true, task["IsClosed"])
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000$`, task["CompletedDateTime"])
	require.Equal(t, "Normal", task["Priority"], "defaulted")
	require.NotEmpty(t, task["OwnerId"])
	o.call(http.MethodGet, "/sobjects/Task/"+id[:15]+"?fields=Subject", nil).is(http.StatusOK, &task)

	require.Empty(t, o.call(http.MethodPatch, "/sobjects/Task/"+id, values{"Status": "Not Started", "Description": nil}).is(http.StatusNoContent, nil).raw)
	task = nil
	o.call(http.MethodGet, "/sobjects/Task/"+id, nil).is(http.StatusOK, &task)
	require.Nil(t, task["Description"], "null clears")
	require.Equal(t, "Call", task["Subject"], "what is absent stays")
	require.Nil(t, task["CompletedDateTime"], "reopened")

	o.call(http.MethodDelete, "/sobjects/Task/"+id, nil).is(http.StatusNoContent, nil)
	o.call(http.MethodDelete, "/sobjects/Task/"+id, nil).refused(http.StatusNotFound, "ENTITY_IS_DELETED")
	o.call(http.MethodGet, "/sobjects/Task/"+id, nil).refused(http.StatusNotFound, "ENTITY_IS_DELETED")
	o.call(http.MethodGet, "/sobjects/Task/"+world.SalesforceID("00T", 77), nil).refused(http.StatusNotFound, "NOT_FOUND")
}

func TestATaskMustMakeSense(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, account := o.someone("Contact")
	lead, _ := o.someone("Lead")
	gone := o.task(values{"Subject": "x"})
	converted, _ := o.someone("Lead")
	for r := range o.server.Records("Lead", false) {
		if r.ID != lead {
			converted = r.ID
			break
		}
	}
	_, err := o.server.Act("convert", "Lead", converted, nil)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		fields values
		code   string
	}{
		"a subject of 256":         {values{"Subject": strings.Repeat("x", 256)}, "STRING_TOO_LONG"},
		"a description too long":   {values{"Description": strings.Repeat("x", 32_001)}, "STRING_TOO_LONG"},
		"an unknown field":         {values{"Nope__c": 1}, "INVALID_FIELD"},
		"a lead and an account":    {values{"WhoId": lead, "WhatId": account}, "FIELD_INTEGRITY_EXCEPTION"},
		"an account as the person": {values{"WhoId": account}, "FIELD_INTEGRITY_EXCEPTION"},
		"a contact as the what":    {values{"WhatId": contact}, "FIELD_INTEGRITY_EXCEPTION"},
		"a contact that is not":    {values{"WhoId": world.SalesforceID("003", 99_999_999)}, "INVALID_CROSS_REFERENCE_KEY"},
		"no id at all":             {values{"WhoId": "nobody"}, "MALFORMED_ID"},
		"a converted lead":         {values{"WhoId": converted}, "CANNOT_UPDATE_CONVERTED_LEAD"},
		"an owner who is not":      {values{"OwnerId": world.SalesforceID("005", 99_999_999)}, "INVALID_CROSS_REFERENCE_KEY"},
		"a subtype of its own":     {values{"TaskSubtype": "Fax"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"},
		"a derived field":          {values{"IsClosed": true}, "INVALID_FIELD_FOR_INSERT_UPDATE"},
	} {
		t.Run(name, func(t *testing.T) {
			o := *o
			o.t = t
			o.call(http.MethodPost, "/sobjects/Task", c.fields).refused(http.StatusBadRequest, c.code)
		})
	}
	o.task(values{"Subject": strings.Repeat("x", 255), "Type": "Not in the list", "WhoId": contact, "WhatId": account})
	o.call(http.MethodPatch, "/sobjects/Task/"+gone, values{"TaskSubtype": "Call"}).refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE")
	o.call(http.MethodPost, "/sobjects/User", values{"Username": "x"}).is(http.StatusBadRequest, nil)
}

func TestASeriesOfTasksHasAMaster(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	master, err := o.server.Act("create", "Task", "", values{"Subject": "Every Monday", "IsRecurrence": true})
	require.NoError(t, err)
	occurrence := o.task(values{"Subject": "Monday", "RecurrenceActivityId": master})
	page := o.ask("/query", "SELECT Id, RecurrenceActivityId FROM Task WHERE IsRecurrence = false")
	require.Equal(t, 1, page.TotalSize)
	require.Equal(t, occurrence, page.Records[0]["Id"])
	require.Equal(t, master, page.Records[0]["RecurrenceActivityId"])
	for _, change := range []values{{"IsRecurrence": false}, {"RecurrenceActivityId": nil}} {
		o.call(http.MethodPatch, "/sobjects/Task/"+master, change).refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE")
	}
	contact, _ := o.someone("Contact")
	o.call(http.MethodPost, "/sobjects/Task", values{"RecurrenceActivityId": contact}).refused(http.StatusBadRequest, "FIELD_INTEGRITY_EXCEPTION")
}

func TestUpsertByTheKeyField(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Key__c"})
	var first, second saved
	o.call(http.MethodPatch, "/sobjects/Task/Key__c/k-1", values{"Subject": "a"}).is(http.StatusCreated, &first)
	require.True(t, *first.Created)
	o.call(http.MethodPatch, "/sobjects/Task/Key__c/k-1", values{"Subject": "b"}).is(http.StatusOK, &second)
	require.False(t, *second.Created)
	require.Equal(t, first.ID, second.ID)
	o.call(http.MethodPost, "/sobjects/Task", values{"Subject": "c", "Key__c": "k-1"}).refused(http.StatusBadRequest, "DUPLICATE_VALUE")
	o.call(http.MethodDelete, "/sobjects/Task/"+first.ID, nil).is(http.StatusNoContent, nil)
	o.task(values{"Subject": "d", "Key__c": "k-1"}) // one in the recycle bin does not block its value
	o.call(http.MethodPatch, "/sobjects/Task/Nope__c/k-1", values{"Subject": "a"}).refused(http.StatusNotFound, "NOT_FOUND")
}
