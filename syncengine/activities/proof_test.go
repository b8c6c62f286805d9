package activities_test

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

// intercept answers a call in the org's stead, or does not.
type intercept func(o *enginetest.Office, w http.ResponseWriter, r *http.Request, body []byte) bool

// newOfficeBehind is an office whose org stands behind a gateway of the test.
func newOfficeBehind(t *testing.T, org sandboxsalesforce.Config, config syncengine.Config, gateway intercept) *enginetest.Office {
	t.Helper()
	o := &enginetest.Office{}
	org.Clock = cmp.Or(org.Clock, clockwork.NewRealClock())
	var err error
	o.Org, err = sandboxsalesforce.New(org)
	require.NoError(t, err)
	o.OrgServer = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !gateway(o, w, r, body) {
			o.Org.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(o.OrgServer.Close)
	config.Salesforce = syncengine.SalesforceCredentials{LoginURL: o.OrgServer.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	config.SalesforceDaily = 1 << 40
	o.Desk = enginetest.NewDesk(t, enginetest.Setup(t, enginetest.SandboxConfig(), config))
	o.Logging(true, true, true)
	return o
}

// isCreate says that a call creates Tasks.
func isCreate(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/composite/sobjects")
}

// answer sends JSON.
func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// stateOf is that of the only delivery of an activity to Salesforce.
func stateOf(o *enginetest.Office, activity any) (state, code, remote string) {
	o.T.Helper()
	require.NoError(o.T, o.DB.Pool.QueryRow(o.T.Context(), `SELECT state, coalesce(error_code, ''), coalesce(remote_id, '') FROM deliveries
		WHERE activity_id = $1 AND destination = 'salesforce' AND operation = 'create'`, activity).Scan(&state, &code, &remote))
	return state, code, remote
}

// countTasks counts the org's Tasks.
func countTasks(o *enginetest.Office) int {
	n := 0
	for range o.Org.Records("Task", true) {
		n++
	}
	return n
}

func TestATaskInDoubtIsFoundWhereverItWasMoved(t *testing.T) {
	t.Parallel()
	org := enginetest.OrgConfig()
	org.KeyField = ""
	config := enginetest.DeliveryConfig()
	config.SalesforceSettle = 4 * time.Second
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), org, config)
	rows, err := o.DB.Pool.Query(t.Context(), `SELECT id, salesforce_contact_id FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NOT NULL ORDER BY id LIMIT 3`)
	require.NoError(t, err)
	defer rows.Close()
	var people []int64
	var contacts []string
	for rows.Next() {
		var id int64
		var contact string
		require.NoError(t, rows.Scan(&id, &contact))
		people, contacts = append(people, id), append(contacts, contact)
	}
	o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.DropAfter, Count: 1})
	o.Org.Fault(fault.Rule{Path: "/queryAll", Kind: fault.HTML, Count: 2}) // no look comes before the merge
	in := o.Email("a")
	in.PersonID = people[0]
	id := o.Record(in)[0]
	require.Eventually(t, func() bool { return countTasks(o) == 1 }, 20*time.Second, time.Millisecond)
	var task string
	for r := range o.Org.Records("Task", true) {
		task = r.ID
	}
	for n := range 2 { // merged, and the winner again; Salesforce moves the Task along
		_, err = o.Org.Act("update", "Task", task, map[string]any{"WhoId": contacts[n+1]})
		require.NoError(t, err)
		_, err = o.Org.Act("merge", "Contact", contacts[n], map[string]any{"into": contacts[n+1]})
		require.NoError(t, err)
	}
	o.Settled(models.ToSalesforce, 60*time.Second)
	require.Equal(t, 1, countTasks(o))
	state, _, remote := stateOf(o, id)
	require.Equal(t, "delivered", state)
	require.Equal(t, task, remote)
}

func TestAChangeOfTheKeyFieldDoublesNothingInDoubt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *enginetest.Office){
		"another_field_takes_over": func(o *enginetest.Office) {
			none, field := "", "CallObject"
			require.NoError(o.T, o.Engine.ChangeLogging(o.T.Context(), syncengine.LoggingChange{KeyField: &none, MarkerField: &field}, "test"))
		},
		"no_field_is_left": func(o *enginetest.Office) {
			none := ""
			require.NoError(o.T, o.Engine.ChangeLogging(o.T.Context(), syncengine.LoggingChange{KeyField: &none}, "test"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
			o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.CommitThen503, Count: 1}) // closes the breaker for a while
			id := o.Record(o.Email("a"))[0]
			require.Eventually(t, func() bool { state, code, _ := stateOf(o, id); return state == "pending" && code == "503" }, 20*time.Second, time.Millisecond)
			change(o)
			require.NoError(t, o.Engine.TestSalesforce(t.Context()))
			o.Settled(models.ToSalesforce, 60*time.Second)
			require.Equal(t, 1, countTasks(o))
			state, _, remote := stateOf(o, id)
			require.Equal(t, "delivered", state)
			require.NotEmpty(t, remote)
		})
	}
}

func TestATaskInDoubtWhoseFieldIsGoneIsParkedAndNotDoubledByRetry(t *testing.T) {
	t.Parallel()
	var hidden, changed atomic.Bool
	var creates atomic.Int32
	o := newOfficeBehind(t, enginetest.OrgConfig(), enginetest.DeliveryConfig(), func(o *enginetest.Office, w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if isCreate(r) && creates.Add(1) > 1 && !changed.Load() { // a second try would find the first before the field is gone
			answer(w, 503, "")
			return true
		}
		if hidden.Load() && strings.HasSuffix(r.URL.Path, "/queryAll") && strings.Contains(r.URL.RawQuery, models.DefaultKeyField) {
			answer(w, 400, `[{"errorCode":"INVALID_FIELD","message":"No such column"}]`)
			return true
		}
		return false
	})
	o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.CommitThen503, Count: 1})
	id := o.Record(o.Email("a"))[0]
	require.Eventually(t, func() bool { state, code, _ := stateOf(o, id); return state == "pending" && code == "503" }, 20*time.Second, time.Millisecond)
	hidden.Store(true)
	none := ""
	require.NoError(t, o.Engine.ChangeLogging(t.Context(), syncengine.LoggingChange{KeyField: &none}, "test"))
	require.NoError(t, o.Engine.TestSalesforce(t.Context()))
	changed.Store(true)
	for range 2 {
		require.Eventually(t, func() bool { state, code, _ := stateOf(o, id); return state == "failed" && code == "field_gone" }, 30*time.Second, 20*time.Millisecond)
		require.Equal(t, 1, countTasks(o))
		_, err := o.Engine.RetryAll(t.Context(), "test")
		require.NoError(t, err)
	}
	hidden.Store(false)
	require.Eventually(t, func() bool {
		_, err := o.Engine.RetryAll(t.Context(), "test")
		state, _, _ := stateOf(o, id)
		return err == nil && state == "delivered"
	}, 30*time.Second, 200*time.Millisecond)
	require.Equal(t, 1, countTasks(o))
}

var taskID = regexp.MustCompile(`id: 00T[0-9A-Za-z]+`)

func TestATaskThatTheConnectedUserCannotSeeIsDelivered(t *testing.T) {
	t.Parallel()
	var creates atomic.Int64
	o := newOfficeBehind(t, enginetest.OrgConfig(), enginetest.DeliveryConfig(), func(o *enginetest.Office, w http.ResponseWriter, r *http.Request, _ []byte) bool {
		switch {
		case isCreate(r):
			recorder := httptest.NewRecorder()
			o.Org.ServeHTTP(recorder, r)
			if creates.Add(1) == 1 { // the answer is lost
				answer(w, 502, "")
				return true
			}
			answer(w, recorder.Code, taskID.ReplaceAllString(recorder.Body.String(), "id: <unknown>"))
			return true
		case strings.HasSuffix(r.URL.Path, "/queryAll"):
			answer(w, 200, `{"totalSize":0,"done":true,"records":[]}`)
			return true
		}
		return false
	})
	in := o.Email("a")
	id := o.Record(in)[0]
	opened := o.Email("opened")
	opened.Kind, opened.EmailKey, opened.PersonID = models.EmailOpened, in.Key, in.PersonID
	o.Record(opened)
	o.Settled(models.ToSalesforce, 30*time.Second)
	state, _, remote := stateOf(o, id)
	require.Equal(t, "delivered", state)
	require.Empty(t, remote)
	require.EqualValues(t, 2, creates.Load())
	require.Equal(t, 1, countTasks(o))
	var reason string
	require.NoError(t, o.DB.Pool.QueryRow(t.Context(), `SELECT reason FROM deliveries WHERE operation = 'update'`).Scan(&reason))
	require.Equal(t, string(models.SkippedTaskUnseen), reason)
}

func TestATaskThatWaitsForItsTurnTooLongIsNotSent(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	o.Record(o.Email("before"))
	o.Settled(models.ToSalesforce, 30*time.Second)
	_, err := o.DB.Pool.Exec(t.Context(), `UPDATE api_pace SET blocked_until = now() + interval '40 seconds', blocked_why = 'test' WHERE system = 'salesforce'`)
	require.NoError(t, err)
	id := o.Record(o.Email("during"))[0]
	is := func(state string, attempts int) func() bool {
		return func() bool {
			var is bool
			require.NoError(t, o.DB.Pool.QueryRow(t.Context(), `SELECT state = $2 AND attempts = $3 AND (sent_at IS NULL) = ($3 = 0) FROM deliveries
				WHERE activity_id = $1 AND destination = 'salesforce'`, id, state, attempts).Scan(&is))
			return is
		}
	}
	require.Eventually(t, is("sending", 1), 10*time.Second, 5*time.Millisecond)
	require.Eventually(t, is("pending", 0), 25*time.Second, 2*time.Millisecond, "it is as if it had not been claimed")
	require.NoError(t, o.Engine.TestSalesforce(t.Context())) // an admin's test lifts the block
	o.Settled(models.ToSalesforce, 30*time.Second)
	require.Equal(t, 2, countTasks(o))
}
