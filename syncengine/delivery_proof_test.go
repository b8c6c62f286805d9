package syncengine_test

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
)

// intercept answers a call in the org's stead, or does not.
type intercept func(o *office, w http.ResponseWriter, r *http.Request, body []byte) bool

// newOfficeBehind is an office whose org stands behind a gateway of the test.
func newOfficeBehind(t *testing.T, org sandboxsalesforce.Config, config syncengine.Config, gateway intercept) *office {
	t.Helper()
	o := &office{}
	org.Clock = cmp.Or(org.Clock, clockwork.NewRealClock())
	var err error
	o.org, err = sandboxsalesforce.New(org)
	require.NoError(t, err)
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !gateway(o, w, r, body) {
			o.org.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(o.server.Close)
	config.Salesforce = syncengine.SalesforceCredentials{LoginURL: o.server.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	config.SalesforceDaily = 1 << 40
	o.desk = newDesk(t, setup(t, sandboxConfig(), config))
	o.logging(true, true, true)
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

// state is that of the only delivery of an activity to Salesforce.
func (o *office) state(activity any) (state, code, remote string) {
	o.t.Helper()
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `SELECT state, coalesce(error_code, ''), coalesce(remote_id, '') FROM deliveries
		WHERE activity_id = $1 AND destination = 'salesforce' AND operation = 'create'`, activity).Scan(&state, &code, &remote))
	return state, code, remote
}

// total counts the org's Tasks.
func (o *office) total() int {
	n := 0
	for range o.org.Records("Task", true) {
		n++
	}
	return n
}

func TestATaskInDoubtIsFoundWhereverItWasMoved(t *testing.T) {
	t.Parallel()
	org := orgConfig()
	org.KeyField = ""
	config := deliveryConfig()
	config.SalesforceSettle = 4 * time.Second
	o := newOffice(t, sandboxConfig(), org, config)
	rows, err := o.db.Pool.Query(t.Context(), `SELECT id, salesforce_contact_id FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NOT NULL ORDER BY id LIMIT 3`)
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
	o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.DropAfter, Count: 1})
	o.org.Fault(fault.Rule{Path: "/queryAll", Kind: fault.HTML, Count: 2}) // no look comes before the merge
	in := o.email("a")
	in.PersonID = people[0]
	id := o.record(in)[0]
	require.Eventually(t, func() bool { return o.total() == 1 }, 20*time.Second, time.Millisecond)
	var task string
	for r := range o.org.Records("Task", true) {
		task = r.ID
	}
	for n := range 2 { // merged, and the winner again; Salesforce moves the Task along
		_, err = o.org.Act("update", "Task", task, map[string]any{"WhoId": contacts[n+1]})
		require.NoError(t, err)
		_, err = o.org.Act("merge", "Contact", contacts[n], map[string]any{"into": contacts[n+1]})
		require.NoError(t, err)
	}
	o.settled(models.ToSalesforce, 60*time.Second)
	require.Equal(t, 1, o.total())
	state, _, remote := o.state(id)
	require.Equal(t, "delivered", state)
	require.Equal(t, task, remote)
}

func TestAChangeOfTheKeyFieldDoublesNothingInDoubt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *office){
		"another_field_takes_over": func(o *office) {
			none, field := "", "CallObject"
			require.NoError(o.t, o.engine.ChangeLogging(o.t.Context(), syncengine.LoggingChange{KeyField: &none, MarkerField: &field}, "test"))
		},
		"no_field_is_left": func(o *office) {
			none := ""
			require.NoError(o.t, o.engine.ChangeLogging(o.t.Context(), syncengine.LoggingChange{KeyField: &none}, "test"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
			o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.CommitThen503, Count: 1}) // closes the breaker for a while
			id := o.record(o.email("a"))[0]
			require.Eventually(t, func() bool { state, code, _ := o.state(id); return state == "pending" && code == "503" }, 20*time.Second, time.Millisecond)
			change(o)
			require.NoError(t, o.engine.TestSalesforce(t.Context()))
			o.settled(models.ToSalesforce, 60*time.Second)
			require.Equal(t, 1, o.total())
			state, _, remote := o.state(id)
			require.Equal(t, "delivered", state)
			require.NotEmpty(t, remote)
		})
	}
}

func TestATaskInDoubtWhoseFieldIsGoneIsParkedAndNotDoubledByRetry(t *testing.T) {
	t.Parallel()
	var hidden atomic.Bool
	o := newOfficeBehind(t, orgConfig(), deliveryConfig(), func(o *office, w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if hidden.Load() && strings.HasSuffix(r.URL.Path, "/queryAll") && strings.Contains(r.URL.RawQuery, models.DefaultKeyField) {
			answer(w, 400, `[{"errorCode":"INVALID_FIELD","message":"No such column"}]`)
			return true
		}
		return false
	})
	o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.CommitThen503, Count: 1})
	id := o.record(o.email("a"))[0]
	require.Eventually(t, func() bool { state, code, _ := o.state(id); return state == "pending" && code == "503" }, 20*time.Second, time.Millisecond)
	hidden.Store(true)
	none := ""
	require.NoError(t, o.engine.ChangeLogging(t.Context(), syncengine.LoggingChange{KeyField: &none}, "test"))
	require.NoError(t, o.engine.TestSalesforce(t.Context()))
	for range 2 {
		require.Eventually(t, func() bool { state, code, _ := o.state(id); return state == "failed" && code == "field_gone" }, 30*time.Second, 20*time.Millisecond)
		require.Equal(t, 1, o.total())
		_, err := o.engine.RetryAll(t.Context(), "test")
		require.NoError(t, err)
	}
	hidden.Store(false)
	require.Eventually(t, func() bool {
		_, err := o.engine.RetryAll(t.Context(), "test")
		state, _, _ := o.state(id)
		return err == nil && state == "delivered"
	}, 30*time.Second, 200*time.Millisecond)
	require.Equal(t, 1, o.total())
}

var taskID = regexp.MustCompile(`id: 00T[0-9A-Za-z]+`)

func TestATaskThatTheConnectedUserCannotSeeIsDelivered(t *testing.T) {
	t.Parallel()
	var creates atomic.Int64
	o := newOfficeBehind(t, orgConfig(), deliveryConfig(), func(o *office, w http.ResponseWriter, r *http.Request, _ []byte) bool {
		switch {
		case isCreate(r):
			recorder := httptest.NewRecorder()
			o.org.ServeHTTP(recorder, r)
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
	in := o.email("a")
	id := o.record(in)[0]
	opened := o.email("opened")
	opened.Kind, opened.EmailKey, opened.PersonID = models.EmailOpened, in.Key, in.PersonID
	o.record(opened)
	o.settled(models.ToSalesforce, 30*time.Second)
	state, _, remote := o.state(id)
	require.Equal(t, "delivered", state)
	require.Empty(t, remote)
	require.EqualValues(t, 2, creates.Load())
	require.Equal(t, 1, o.total())
	var reason string
	require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT reason FROM deliveries WHERE operation = 'update'`).Scan(&reason))
	require.Equal(t, string(models.SkippedTaskUnseen), reason)
}

func TestATaskThatWaitsForItsTurnTooLongIsNotSent(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	o.record(o.email("before"))
	o.settled(models.ToSalesforce, 30*time.Second)
	_, err := o.db.Pool.Exec(t.Context(), `UPDATE api_pace SET blocked_until = now() + interval '40 seconds', blocked_why = 'test' WHERE system = 'salesforce'`)
	require.NoError(t, err)
	id := o.record(o.email("during"))[0]
	is := func(state string, attempts int) func() bool {
		return func() bool {
			var is bool
			require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT state = $2 AND attempts = $3 AND (sent_at IS NULL) = ($3 = 0) FROM deliveries
				WHERE activity_id = $1 AND destination = 'salesforce'`, id, state, attempts).Scan(&is))
			return is
		}
	}
	require.Eventually(t, is("sending", 1), 10*time.Second, 5*time.Millisecond)
	require.Eventually(t, is("pending", 0), 25*time.Second, 2*time.Millisecond, "it is as if it had not been claimed")
	require.NoError(t, o.engine.TestSalesforce(t.Context())) // an admin's test lifts the block
	o.settled(models.ToSalesforce, 30*time.Second)
	require.Equal(t, 2, o.total())
}
