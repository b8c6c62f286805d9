package syncengine_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

// gateway stands between the engine and both systems. It breaks the calls that a test
// names, in the ways of the documented errors, and passes on everything else.
type gateway struct {
	mu     sync.Mutex
	breaks func(r *http.Request, body string) *http.Response // nil answer: the call goes on
	drops  func(r *http.Request) bool                        // the answer is lost after the call
}

// RoundTrip implements http.RoundTripper.
func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	breaks, drops := g.breaks, g.drops
	g.mu.Unlock()
	if breaks != nil {
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		if answer := breaks(r, r.URL.RawQuery+string(body)); answer != nil {
			answer.Request = r
			// The call was on its way: the other side saw it before it answered so.
			reached, err := http.DefaultTransport.RoundTrip(probe(r))
			if err == nil {
				_ = reached.Body.Close()
			}
			return answer, nil
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && drops != nil && drops(r) {
		_ = answer.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return answer, err
}

// probe is a request that changes nothing, on the connection that the call would take, so
// that the client knows that its call was on its way.
func probe(r *http.Request) *http.Request {
	harmless := r.Clone(r.Context())
	harmless.Method, harmless.Body, harmless.ContentLength = http.MethodGet, nil, 0
	harmless.URL.Path, harmless.URL.RawQuery = "/nowhere", ""
	return harmless
}

func (g *gateway) set(breaks func(*http.Request, string) *http.Response, drops func(*http.Request) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.breaks, g.drops = breaks, drops
}

func answered(status int, contentType, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// refusal is how either system refuses a whole call: Marketo with a code and HTTP 200,
// Salesforce with a list of codes and its own status.
type refusal struct {
	marketo    string
	status     int
	salesforce string
}

func (f refusal) answer(toMarketo bool) *http.Response {
	switch {
	case f.marketo == "" && f.salesforce == "":
		return answered(f.status, "text/html", "<html>a gateway's page</html>")
	case toMarketo:
		return answered(http.StatusOK, "application/json", fmt.Sprintf(`{"requestId":"1#2","success":false,"errors":[{"code":%q,"message":"refused"}]}`, f.marketo))
	}
	return answered(f.status, "application/json", fmt.Sprintf(`[{"errorCode":%q,"message":"TotalRequests Limit exceeded."}]`, f.salesforce))
}

// lane is one kind of work at a destination.
type lane struct {
	name      string
	job       string
	operation models.Operation
	call      func(r *http.Request) bool // the call that makes the deliveries
	add       func(w *lanes, n int) []string
	there     func(w *lanes, tokens []string) []int // how often each is in the other system
}

// lanes are a workspace in which all lanes have work.
type lanes struct {
	*days
	gateway *gateway
	n       int
}

func newLanes(t *testing.T) *lanes {
	t.Helper()
	w := &lanes{gateway: &gateway{}}
	w.days = newDays(t, at(t, "2026-06-01 08:00:00"), syncengine.Config{HTTP: w.gateway})
	w.copied()
	on := true
	require.NoError(t, w.Engine.ChangeLogging(t.Context(), syncengine.LoggingChange{Emails: &on, Replies: &on, Calls: &on, Tasks: &on}, "test"))
	w.until(w.clock.Now().Add(time.Hour))
	return w
}

// person is one of those with a contact in Salesforce, another with each number.
func (w *lanes) person(n int) (id int64, contact string) {
	w.T.Helper()
	require.NoError(w.T, w.DB.Pool.QueryRow(w.T.Context(), `SELECT id, salesforce_contact_id FROM people WHERE archived_at IS NULL AND salesforce_contact_id <> ''
		AND NOT unsubscribed ORDER BY id LIMIT 1 OFFSET $1::int % (SELECT count(*) FROM people WHERE archived_at IS NULL AND salesforce_contact_id <> '' AND NOT unsubscribed)`, n).Scan(&id, &contact))
	return id, models.NormalSalesforceID(contact)
}

// email records an email and returns its subject, by which it is found in either system.
func (w *lanes) email() (token string, id uuid.UUID) {
	w.n++
	person, _ := w.person(w.n)
	token = fmt.Sprintf("Subject-%04d-", w.n)
	return token, w.Record(syncengine.ActivityInput{Key: token, Kind: models.EmailSent, OccurredAt: w.clock.Now(), PersonID: person,
		Attributes: models.ActivityAttributes{Subject: token}})[0]
}

func (w *lanes) task() (token string, id uuid.UUID) {
	w.n++
	person, _ := w.person(w.n)
	token = fmt.Sprintf("Reminder-%04d-", w.n)
	task, err := w.Engine.CreateTask(w.T.Context(), syncengine.TaskFields{Kind: ptr(models.TaskCall), Name: &token}, syncengine.PersonRef{PersonID: person}, "test")
	require.NoError(w.T, err)
	return token, task.ID
}

// remote is the record of the delivery that something has.
func (w *lanes) remote(where string, id uuid.UUID) string {
	w.T.Helper()
	var remote string
	require.NoError(w.T, w.DB.Pool.QueryRow(w.T.Context(), `SELECT remote_id FROM deliveries WHERE destination = 'salesforce' AND `+where+` = $1 AND operation <> 'update'`, id).Scan(&remote))
	return remote
}

// count says how many Tasks fit each token.
func (w *lanes) count(tokens []string, fits func(r sandboxsalesforce.Record, token string) bool) []int {
	counts := make([]int, len(tokens))
	for r := range w.Org.Records("Task", false) {
		for n, token := range tokens {
			if fits(r, token) {
				counts[n]++
			}
		}
	}
	return counts
}

func repeat(n int, one func() string) []string {
	tokens := make([]string, n)
	for i := range tokens {
		tokens[i] = one()
	}
	return tokens
}

func to(method, path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method && strings.HasSuffix(r.URL.Path, path) }
}

func subjectIs(r sandboxsalesforce.Record, token string) bool {
	return strings.HasSuffix(fmt.Sprint(r.Values["Subject"]), ": "+token)
}

// all are the lanes of both destinations. A new lane is added here.
var all = []lane{
	{name: "activities to Marketo", job: "deliver_marketo", operation: models.Create, call: to(http.MethodPost, "/activities/external.json"),
		add: func(w *lanes, n int) []string {
			return repeat(n, func() string { token, _ := w.email(); return token })
		},
		there: func(w *lanes, tokens []string) []int {
			counts := make([]int, len(tokens))
			for id, times := range w.InMarketo() {
				var subject string
				require.NoError(w.T, w.DB.Pool.QueryRow(w.T.Context(), `SELECT attributes->>'subject' FROM activities WHERE id = $1`, id).Scan(&subject))
				if at := slices.Index(tokens, subject); at >= 0 {
					counts[at] += times
				}
			}
			return counts
		}},
	{name: "activities to Salesforce", job: "deliver_salesforce", operation: models.Create, call: to(http.MethodPost, "/composite/sobjects"),
		add: func(w *lanes, n int) []string {
			return repeat(n, func() string { token, _ := w.email(); return token })
		},
		there: func(w *lanes, tokens []string) []int { return w.count(tokens, subjectIs) }},
	{name: "changes of logged Tasks", job: "deliver_salesforce", operation: models.Update, call: to(http.MethodPatch, "/composite/sobjects"),
		add: func(w *lanes, n int) []string {
			var ids []uuid.UUID
			var keys []string
			for range n {
				key, id := w.email()
				ids, keys = append(ids, id), append(keys, key)
			}
			w.deliver("deliver_salesforce")
			for _, key := range keys {
				person, _ := w.person(0)
				w.Record(syncengine.ActivityInput{Key: "open-" + key, Kind: models.EmailOpened, OccurredAt: w.clock.Now(), PersonID: person, EmailKey: key})
			}
			at := 0
			return repeat(n, func() string { at++; return w.remote("activity_id", ids[at-1]) })
		},
		there: func(w *lanes, tokens []string) []int {
			return w.count(tokens, func(r sandboxsalesforce.Record, id string) bool {
				return r.ID == id && r.Values["MSE_Viewed__c"] == true
			})
		}},
	{name: "creations of reminders", job: "deliver_salesforce", operation: models.Sync, call: to(http.MethodPost, "/composite/sobjects"),
		add:   func(w *lanes, n int) []string { return repeat(n, func() string { token, _ := w.task(); return token }) },
		there: func(w *lanes, tokens []string) []int { return w.count(tokens, subjectIs) }},
	{name: "changes of reminders", job: "deliver_salesforce", operation: models.Sync, call: to(http.MethodPost, "/composite"),
		add: func(w *lanes, n int) []string {
			return w.known(n, func(id uuid.UUID) error {
				_, err := w.Engine.ChangeTask(w.T.Context(), id, syncengine.TaskFields{Status: ptr(models.TaskComplete)}, "test")
				return err
			})
		},
		there: func(w *lanes, tokens []string) []int {
			return w.count(tokens, func(r sandboxsalesforce.Record, id string) bool {
				return r.ID == id && r.Values["Status"] == "Completed"
			})
		}},
	{name: "deletions of reminders", job: "deliver_salesforce", operation: models.Sync, call: to(http.MethodDelete, "/composite/sobjects"),
		add: func(w *lanes, n int) []string {
			return w.known(n, func(id uuid.UUID) error { return w.Engine.DeleteTask(w.T.Context(), id, "test") })
		},
		there: func(w *lanes, tokens []string) []int {
			counts := w.count(tokens, func(r sandboxsalesforce.Record, id string) bool { return r.ID == id })
			for n := range counts {
				counts[n] = 1 - counts[n] // gone is what it is to be
			}
			return counts
		}},
	{name: "opt-outs", job: "deliver_salesforce", operation: models.OptOut, call: to(http.MethodPatch, "/composite/sobjects"),
		add: func(w *lanes, n int) []string {
			return repeat(n, func() string {
				for range 200 { // who was opted out before has nothing to send
					w.n++
					person, contact := w.person(w.n)
					_, created, err := w.Engine.Unsubscribe(w.T.Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{PersonID: person}, Source: models.ByRep, Actor: "test"})
					require.NoError(w.T, err)
					if created && !optedOut(w.Office, contact, models.StandardOptOut) {
						return contact
					}
				}
				require.FailNow(w.T, "nobody is left to be opted out")
				return ""
			})
		},
		there: func(w *lanes, tokens []string) []int {
			counts := make([]int, len(tokens))
			for n, contact := range tokens {
				if optedOut(w.Office, contact, models.StandardOptOut) {
					counts[n] = 1
				}
			}
			return counts
		}},
}

// known makes reminders that are in Salesforce, changes them, and returns their Tasks.
func (w *lanes) known(n int, change func(uuid.UUID) error) []string {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		_, ids[i] = w.task()
	}
	w.deliver("deliver_salesforce")
	tokens := make([]string, n)
	for i, id := range ids {
		tokens[i] = w.remote("task_id", id)
		require.NoError(w.T, change(id))
	}
	return tokens
}

// deliver lets a deliverer do all that is due, and what becomes due within some hours.
func (w *lanes) deliver(job string) {
	w.T.Helper()
	for range 40 {
		w.once(job)
		var open bool
		require.NoError(w.T, w.DB.Pool.QueryRow(w.T.Context(), `SELECT EXISTS (SELECT FROM deliveries WHERE destination = $1 AND (state = 'pending' AND hold IS NULL OR state = 'sending'))`,
			strings.TrimPrefix(job, "deliver_")).Scan(&open))
		if !open {
			return
		}
		w.move(w.clock.Now().Add(10 * time.Minute))
	}
	require.Fail(w.T, "deliveries never come to rest")
}

// once runs a deliverer once.
func (w *lanes) once(job string) {
	for _, j := range w.jobs {
		if j.Name == job {
			w.run(j)
		}
	}
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
}

// rows are the states of the newest deliveries of a lane, and their codes.
func (w *lanes) rows(l lane, since int64) map[models.DeliveryState]int {
	w.T.Helper()
	rows, err := w.DB.Pool.Query(w.T.Context(), `SELECT state, count(*) FROM deliveries WHERE destination = $1 AND operation = $2 AND updated_at > to_timestamp($3) GROUP BY 1`,
		strings.TrimPrefix(l.job, "deliver_"), l.operation, since)
	require.NoError(w.T, err)
	defer rows.Close()
	states := map[models.DeliveryState]int{}
	for rows.Next() {
		var state models.DeliveryState
		var n int
		require.NoError(w.T, rows.Scan(&state, &n))
		states[state] = n
	}
	require.NoError(w.T, rows.Err())
	return states
}

func (w *lanes) paused(job string) bool {
	w.T.Helper()
	var paused bool
	require.NoError(w.T, w.DB.Pool.QueryRow(w.T.Context(), `SELECT paused_class IS NOT NULL FROM destinations WHERE name = $1`, strings.TrimPrefix(job, "deliver_")).Scan(&paused))
	return paused
}

// class is a kind of error, and what it means for the deliveries of every lane.
type class struct {
	name   string
	fails  refusal
	drops  bool // the call is carried out, and its answer lost
	poison bool // only calls with the first of the deliveries fail
	paused bool // no other call would fare better
}

var classes = []class{
	{name: "the answer is lost", drops: true},
	{name: "a gateway's page", fails: refusal{status: 502}},
	{name: "the system is down", fails: refusal{status: 503}},
	{name: "the rows are locked, or calls come too fast", fails: refusal{marketo: "606", status: 400, salesforce: "UNABLE_TO_LOCK_ROW"}},
	{name: "the user may not use the API", fails: refusal{marketo: "603", status: 403, salesforce: "API_DISABLED_FOR_ORG"}, paused: true},
	{name: "the calls of the day are spent", fails: refusal{marketo: "607", status: 403, salesforce: "REQUEST_LIMIT_EXCEEDED"}, paused: true},
	{name: "one record cannot be read", fails: refusal{marketo: "609", status: 400, salesforce: "JSON_PARSER_ERROR"}, poison: true},
}

// TestEveryLaneMeansTheSameByAnError runs each lane against each class of error: while it
// lasts, no delivery is blamed that is not the reason, and the destination pauses where
// no call would fare better; once it is over, each delivery is there once.
func TestEveryLaneMeansTheSameByAnError(t *testing.T) {
	t.Parallel()
	w := newLanes(t)
	for _, l := range all {
		for _, c := range classes {
			w.conform(l, c)
			if t.Failed() {
				t.Fatalf("%s, where %s", l.name, c.name)
			}
		}
	}
}

func (w *lanes) conform(l lane, c class) {
	w.T.Helper()
	const n = 3
	tokens := l.add(w, n)
	w.move(w.clock.Now().Add(10 * time.Second)) // a Task is left alone in the second of its last change
	since := w.clock.Now().Unix() - 5
	w.gateway.set(func(r *http.Request, said string) *http.Response {
		if c.drops || !l.call(r) || c.poison && !strings.Contains(said, tokens[0]) {
			return nil
		}
		return c.fails.answer(strings.Contains(r.URL.Path, "/rest/v1/"))
	}, func(r *http.Request) bool { return c.drops && l.call(r) })
	states := w.rows(l, since)
	for tries := 0; len(states) == 0 && tries < 5; tries++ { // a run begins only once the one before gave its lease back
		w.once(l.job)
		states = w.rows(l, since)
	}
	require.Equal(w.T, c.paused, w.paused(l.job), "%s, where %s: whether the destination pauses; %v", l.name, c.name, states)
	if c.poison {
		require.Equal(w.T, 1, states[models.Failed], "%s: the one that spoils the call stands alone; %v", l.name, states)
		require.GreaterOrEqual(w.T, states[models.Delivered], n-1, "%s: the others go on; %v", l.name, states)
	} else {
		require.Zero(w.T, states[models.Failed], "%s, where %s: none is to blame", l.name, c.name)
	}

	w.gateway.set(nil, nil)
	w.move(w.clock.Now().Add(20 * time.Minute))
	if c.poison {
		_, err := w.Engine.RetryAll(w.T.Context(), "test")
		require.NoError(w.T, err)
	}
	w.deliver(l.job)
	require.False(w.T, w.paused(l.job), "%s, where %s: it goes on", l.name, c.name)
	require.Equal(w.T, slices.Repeat([]int{1}, n), l.there(w, tokens), "%s, where %s: each is there once", l.name, c.name)
}
