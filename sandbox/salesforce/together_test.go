package salesforce

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPartsTogetherAreDoneAllOrNone(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Key__c"})
	allOrNone := func() values { return values{"allOrNone": true, "collateSubrequests": false} }
	kept := o.task(values{"Subject": "kept", "Key__c": "k"})
	change := one("change", http.MethodPatch, "/sobjects/Task/"+kept, values{"Subject": "changed", "Key__c": "other"})
	create := one("make", http.MethodPost, "/sobjects/Task", values{"Subject": "made", "Key__c": "k-2"})
	save := one("save", http.MethodPost, "/composite/sobjects", values{"records": records(values{"Subject": "saved"})})
	remake := one("remake", http.MethodPatch, "/sobjects/Task/@{make.id}", values{"Subject": "made anew"})
	before := o.held("Task", kept)

	told := o.composite(allOrNone(), change, create, save, remake, one("bad", http.MethodPatch, "/sobjects/Task/"+kept, values{"Status": nil}))
	require.Equal(t, "REQUIRED_FIELD_MISSING", told["bad"].code())
	for _, name := range []string{"change", "make", "remake"} {
		require.Equal(t, http.StatusBadRequest, told[name].Status, name)
		require.Equal(t, "PROCESSING_HALTED", told[name].code(), name)
		require.Empty(t, told[name].HTTPHeaders["Location"])
	}
	require.Equal(t, []string{"kept"}, o.subjects(), "nothing stays")
	require.Equal(t, before, o.held("Task", kept))
	require.Equal(t, true, told["save"].Body.([]any)[0].(values)["success"], "what Collections tell is void")

	mixed := one("mixed", http.MethodPost, "/composite/sobjects", values{"records": records(values{"Subject": "good"}, values{"WhoId": "bad"})})
	told = o.composite(allOrNone(), change, mixed)
	require.Equal(t, "PROCESSING_HALTED", told["change"].code())
	require.Equal(t, false, told["mixed"].Body.([]any)[0].(values)["success"])
	require.Equal(t, before, o.held("Task", kept), "a record that fails fails all")

	told = o.composite(allOrNone(), change, create, save, remake)
	for name, status := range map[string]int{"change": 204, "make": 201, "save": 200, "remake": 204} {
		require.Equal(t, status, told[name].Status, name)
	}
	require.ElementsMatch(t, []string{"changed", "made anew", "saved"}, o.subjects())
	o.task(values{"Key__c": "k"})
}

func TestNoPartTogetherIsDoneWithoutAllLocks(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, _ := o.someone("Contact")
	mine, theirs := o.task(values{"Subject": "mine"}), o.task(values{"Subject": "theirs", "WhoId": contact})
	release := o.grab(&change{do: "update", object: o.server.schema["contact"], id: contact})
	told := o.composite(values{"allOrNone": true}, one("mine", http.MethodPatch, "/sobjects/Task/"+mine, values{"Subject": "x"}), one("theirs", http.MethodPatch, "/sobjects/Task/"+theirs, values{"Subject": "x"}))
	require.Equal(t, "UNABLE_TO_LOCK_ROW", told["theirs"].code())
	require.Equal(t, "PROCESSING_HALTED", told["mine"].code())
	require.ElementsMatch(t, []string{"mine", "theirs"}, o.subjects())
	release()
	o.call(http.MethodPatch, "/sobjects/Task/"+mine, values{"Subject": "free"}).is(http.StatusNoContent, nil)
}
