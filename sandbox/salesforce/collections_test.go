package salesforce

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
)

func records(each ...values) []values {
	for _, r := range each {
		r["attributes"] = values{"type": "Task"}
	}
	return each
}

func many(n int) []values {
	list := make([]values, n)
	for i := range list {
		list[i] = values{"Subject": fmt.Sprint("Task ", i)}
	}
	return records(list...)
}

func (o *bundle) saveMany(method, path string, allOrNone bool, list []values) []saved {
	o.t.Helper()
	var results []saved
	o.call(method, "/composite/sobjects"+path, values{"allOrNone": allOrNone, "records": list}).is(http.StatusOK, &results)
	require.Len(o.t, results, len(list))
	return results
}

func TestACallSavesUpTo200RecordsInTheirOrder(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	results := o.saveMany(http.MethodPost, "", false, many(200))
	for i, r := range results {
		require.True(t, r.Success)
		var task values
		if i%50 == 0 {
			o.call(http.MethodGet, "/sobjects/Task/"+r.ID, nil).is(http.StatusOK, &task)
			require.Equal(t, fmt.Sprint("Task ", i), task["Subject"])
		}
	}
	o.call(http.MethodPost, "/composite/sobjects", values{"records": many(201)}).is(http.StatusBadRequest, nil)
	require.NotEmpty(t, o.server.Violations())
	o.call(http.MethodPost, "/composite/sobjects", values{"records": []values{{"attributes": values{"type": "Nothing"}}}}).is(http.StatusBadRequest, nil)
	o.call(http.MethodPost, "/composite/sobjects", "no records").is(http.StatusBadRequest, nil)
}

func TestRecordsFailOneByOne(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	list := records(values{"Subject": "good"}, values{"Subject": strings.Repeat("x", 300)}, values{"Subject": "good too"})
	results := o.saveMany(http.MethodPost, "", false, list)
	require.True(t, results[0].Success && results[2].Success)
	require.False(t, results[1].Success)
	require.Empty(t, results[1].ID)
	require.Equal(t, "STRING_TOO_LONG", results[1].Errors[0].StatusCode)
	require.Equal(t, []string{"Subject"}, results[1].Errors[0].Fields)
	require.Contains(t, results[1].Errors[0].Message, "(max length=255)")

	before := len(o.subjects())
	results = o.saveMany(http.MethodPost, "", true, records(values{"Subject": "innocent"}, values{"Subject": strings.Repeat("x", 300)}))
	require.Equal(t, "ALL_OR_NONE_OPERATION_ROLLED_BACK", results[0].Errors[0].StatusCode)
	require.Len(t, o.subjects(), before, "nothing stays")
}

func (o *bundle) subjects() []string {
	var list []string
	for r := range o.server.Records("Task", false) {
		subject, _ := r.Values["Subject"].(string)
		list = append(list, subject)
	}
	return list
}

func TestManyAreChangedUpsertedReadAndDeleted(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Key__c"})
	made := o.saveMany(http.MethodPatch, "/Task/Key__c", false, records(values{"Key__c": "a", "Subject": "one"}, values{"Key__c": "b", "Subject": "two"}))
	require.True(t, *made[0].Created && *made[1].Created)
	again := o.saveMany(http.MethodPatch, "/Task/Key__c", false, records(values{"Key__c": "a", "Subject": "one, changed"}))
	require.False(t, *again[0].Created)
	require.Equal(t, made[0].ID, again[0].ID)

	changed := o.saveMany(http.MethodPatch, "", false, records(values{"id": made[1].ID, "Subject": "two, changed"}, values{"id": "00T000000000000AAA", "Subject": "?"}))
	require.True(t, changed[0].Success)
	require.False(t, changed[1].Success)
	doubles := o.saveMany(http.MethodPost, "", false, records(values{"Key__c": "a", "Subject": "again"}))
	require.Equal(t, "DUPLICATE_VALUE", doubles[0].Errors[0].StatusCode)
	require.Contains(t, doubles[0].Errors[0].Message, made[0].ID, "it names the one that is there")

	var read []values
	o.call(http.MethodPost, "/composite/sobjects/Task", values{"ids": []string{made[1].ID, "00T000000000000AAA", made[0].ID}, "fields": []string{"Subject"}}).is(http.StatusOK, &read)
	require.Len(t, read, 3)
	require.Equal(t, "two, changed", read[0]["Subject"])
	require.Nil(t, read[1], "unknown")
	var gone []saved
	o.call(http.MethodDelete, "/composite/sobjects?ids="+made[0].ID+","+made[1].ID, nil).is(http.StatusOK, &gone)
	require.True(t, gone[0].Success && gone[1].Success)
	require.Empty(t, o.subjects())
}

func TestSomeRecordsAreRefusedOnCommand(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	o.server.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.RecordCode, Code: "UNABLE_TO_LOCK_ROW", Message: "busy", Count: 1})
	results, failed := o.saveMany(http.MethodPost, "", false, many(100)), 0
	for _, r := range results {
		if !r.Success {
			failed++
			require.Equal(t, "UNABLE_TO_LOCK_ROW", r.Errors[0].StatusCode)
		}
	}
	require.Greater(t, failed, 5)
	require.Less(t, failed, 60)
	require.Len(t, o.subjects(), 100-failed)
}
