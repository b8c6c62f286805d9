package e2e

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnUnsubscribeOutlivesAnOutage records unsubscribes while Salesforce answers 503 to
// everything, and kills the program meanwhile: each must be there once Salesforce is back.
func TestAnUnsubscribeOutlivesAnOutage(t *testing.T) {
	t.Parallel()
	w := newTaskWorld(t, "Sales_Actions_Key__c", `{"nightly_unsubscribes":false}`)
	post(t, w.sandbox.Salesforce.LoginURL+"/_sandbox/faults",
		`{"path":"/services/data/","kind":"code","status":503,"code":"SERVER_UNAVAILABLE","message":"The server is busy."}`)
	p := w.serve()
	w.ready("the program")
	people := w.people[:5]
	for _, whose := range people {
		require.NoError(t, w.call("POST", "/unsubscribes", fmt.Appendf(nil, `{"person_id":%q,"reason":"Asked for it"}`, whose.ID), nil))
	}
	time.Sleep(2 * time.Second) // the outage goes on while it is tried
	require.NoError(t, p.Process.Kill())
	_ = p.Wait() // says that it was killed
	require.Empty(t, w.optedOut())

	p = w.serve()
	w.ready("the program again")
	require.NoError(t, w.call("POST", "/unsubscribes", fmt.Appendf(nil, `{"person_id":%q}`, people[0].ID), nil), "said twice is as good as once")
	time.Sleep(time.Second)
	require.Empty(t, w.optedOut())
	w.behave()
	var wanted []string
	for _, whose := range people {
		if record := cmp.Or(whose.Contact, whose.Lead); record != "" {
			wanted = append(wanted, short(record))
		}
	}
	require.NotEmpty(t, wanted)
	eventually(t, "the opt-outs", func() bool { return len(w.optedOut()) >= len(wanted) })
	require.ElementsMatch(t, wanted, w.optedOut(), "whom it is about, and nobody else")
	require.NoError(t, p.Process.Signal(interrupt))
	require.NoError(t, p.Wait())
}

// optedOut are the leads and contacts that are opted out in Salesforce, by their short
// ids.
func (w *taskWorld) optedOut() (ids []string) {
	w.t.Helper()
	for _, object := range []string{"Lead", "Contact"} {
		for _, record := range w.records(object) {
			if record["HasOptedOutOfEmail"] == true {
				ids = append(ids, short(record["Id"].(string)))
			}
		}
	}
	return ids
}
