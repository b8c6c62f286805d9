package salesforce

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// grab holds what a change by somebody else locks, until the returned function is called.
func (o *bundle) grab(ch *change) func() {
	o.t.Helper()
	tx := o.server.open(o.server.otherUser(), nil)
	tx.lock([]*change{ch})
	require.Nil(o.t, ch.refusal)
	return func() {
		o.server.mu.Lock()
		defer o.server.mu.Unlock()
		tx.end()
	}
}

func TestATaskThatChangesLocksItsParents(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Key__c"})
	contact, account := o.someone("Contact")
	lead, _ := o.someone("Lead")
	ofContact := values{"WhoId": contact}
	changing := o.task(ofContact)
	sibling, stranger := o.task(ofContact), o.task(values{"WhoId": lead})
	task := func(more values) values {
		for name, value := range ofContact {
			more[name] = value
		}
		return more
	}
	release := o.grab(&change{do: "update", object: o.server.schema["task"], id: changing, values: values{"Key__c": "k"}})
	subject := values{"Subject": "x"}
	for name, c := range map[string]struct {
		method, path string
		body         values
		waits        bool
	}{
		"the Task itself waits":               {http.MethodPatch, "/sobjects/Task/" + changing, subject, true},
		"a Task of the same person waits":     {http.MethodPatch, "/sobjects/Task/" + sibling, subject, true},
		"so does its deletion":                {http.MethodDelete, "/sobjects/Task/" + sibling, nil, true},
		"so does the person":                  {http.MethodPatch, "/sobjects/Contact/" + contact, values{"HasOptedOutOfEmail": true}, true},
		"so does the account":                 {http.MethodPatch, "/sobjects/Account/" + account, values{"Name": "x"}, true},
		"a Task that comes to them waits":     {http.MethodPatch, "/sobjects/Task/" + stranger, ofContact, true},
		"a new open one with a date waits":    {http.MethodPost, "/sobjects/Task", task(values{"ActivityDate": "2026-04-01"}), true},
		"a new one without a date does not":   {http.MethodPost, "/sobjects/Task", task(values{}), false},
		"a new completed one does not":        {http.MethodPost, "/sobjects/Task", task(values{"ActivityDate": "2026-04-01", "Status": "Completed"}), false},
		"whoever writes a value of it waits":  {http.MethodPost, "/sobjects/Task", values{"Key__c": "K"}, true},
		"an upsert of that value waits":       {http.MethodPatch, "/sobjects/Task/Key__c/k", subject, true},
		"a Task of somebody else can be made": {http.MethodPost, "/sobjects/Task", values{"WhoId": lead, "ActivityDate": "2026-04-01"}, false},
	} {
		answer := o.call(c.method, c.path, c.body)
		require.Equal(t, c.waits, answer.StatusCode == http.StatusBadRequest, "%s: %s", name, answer.raw)
		if c.waits {
			answer.refused(http.StatusBadRequest, "UNABLE_TO_LOCK_ROW")
		}
	}
	results := o.saveMany(http.MethodPatch, "", false, records(values{"id": sibling, "Subject": "y"}, values{"id": stranger, "Subject": "y"}))
	require.Equal(t, "UNABLE_TO_LOCK_ROW", results[0].Errors[0].StatusCode)
	require.True(t, results[1].Success, "a record of a batch waits for its own parents alone")
	release()
	o.call(http.MethodPatch, "/sobjects/Task/"+changing, subject).is(http.StatusNoContent, nil)
	require.Empty(t, o.server.Violations(), "other users' changes are not the client's doing")
}
