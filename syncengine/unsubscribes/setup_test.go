package unsubscribes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/crypt"
	"salesactions/models"
	"salesactions/postgres"
	"salesactions/postgres/postgrestest"
	sandboxmarketo "salesactions/sandbox/marketo"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/marketo"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/salesforce"
	"salesactions/syncengine/unsubscribes"
	"salesactions/syncengine/who"
)

// The people of the world: Ada and King share an address; Zoë and Jennifer are leads,
// the others contacts; Nobody has neither, and no owner.
const (
	ada      = "Ada Lovelace"
	king     = "Ada King"
	wei      = "伟 王"
	zoe      = "Zoë Ångström"
	grace    = "Grace Hopper"
	jennifer = "Jennifer null"
	fedor    = "Фёдор Достоевский"
	nobody   = "No Owner"
)

// custom is an opt-out field that an org may have.
const custom = models.SalesOptOut

// call is one that arrived at Salesforce.
type call struct {
	method, path string
	header       http.Header
	body         string
}

// world is a workspace between a Marketo and a Salesforce.
type world struct {
	t     *testing.T
	db    *postgres.DB
	clock *clock
	org   *sandboxsalesforce.Server
	other *sandboxmarketo.Server
	down  atomic.Bool // Salesforce is
	gone  bool        // somebody pressed Disconnect
	// instead answers writes in Salesforce's place.
	instead http.HandlerFunc
	ids     map[string]int64
	record  map[string]string // the lead or contact of each
	email   map[string]string
	outbox  *outbox.Outbox
	keeper  *unsubscribes.Keeper
	client  *salesforce.Client
	known   *org.Org // what the process knows of Salesforce
	server  *httptest.Server
	there   *httptest.Server // Marketo

	mu    sync.Mutex
	calls []call
}

// clock is the time of the keeper and of Salesforce: it runs on from where it was set.
type clock struct {
	clockwork.Clock
	ahead atomic.Int64
}

func (c *clock) Now() time.Time                   { return c.Clock.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) Since(at time.Time) time.Duration { return c.Now().Sub(at) }
func (c *clock) pass(d time.Duration)             { c.ahead.Add(int64(d)) }
func (c *clock) set(at time.Time)                 { c.pass(at.Sub(c.Now())) }

func newWorld(t *testing.T, config sandboxsalesforce.Config) *world {
	t.Helper()
	return newWorldAt(t, config, time.Now().UTC().Truncate(time.Second))
}

func newWorldAt(t *testing.T, config sandboxsalesforce.Config, at time.Time) *world {
	t.Helper()
	w := &world{t: t, db: postgrestest.New(t), clock: &clock{Clock: clockwork.NewRealClock()},
		ids: map[string]int64{}, record: map[string]string{}, email: map[string]string{}}
	w.clock.set(at)
	w.outbox = outbox.New(w.db.Pool, w.clock)
	config.People, config.QuotaOff, config.Clock, config.LockWait = 8, true, w.clock, 50*time.Millisecond
	var err error
	w.org, err = sandboxsalesforce.New(config)
	require.NoError(t, err)
	w.other, err = sandboxmarketo.New(sandboxmarketo.Config{People: 8, QuotaOff: true, Rate: 1 << 30, DailyQuota: 1 << 30, Clock: w.clock})
	require.NoError(t, err)
	w.server = httptest.NewServer(http.HandlerFunc(w.answer))
	t.Cleanup(w.server.Close)
	w.there = httptest.NewServer(w.other)
	t.Cleanup(w.there.Close)
	for p := range w.other.People() {
		w.arrive(p.Fields["firstName"] + " " + p.Fields["lastName"])
	}
	w.start(unsubscribes.Config{})
	return w
}

// answer is Salesforce's, while it is up.
func (w *world) answer(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	w.calls = append(w.calls, call{r.Method, r.URL.Path, r.Header.Clone(), string(body)})
	w.mu.Unlock()
	if w.down.Load() {
		http.Error(rw, "<html>maintenance</html>", http.StatusServiceUnavailable)
		return
	}
	if w.instead != nil && r.Method == http.MethodPatch {
		w.instead(rw, r)
		return
	}
	w.org.ServeHTTP(rw, r)
}

// writes counts the calls that changed something, or would have.
func (w *world) writes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.calls {
		if c.method != http.MethodGet {
			n++
		}
	}
	return n
}

// bodies is all that was sent.
func (w *world) bodies() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	for _, c := range w.calls {
		all.WriteString(c.body)
	}
	return all.String()
}

// start begins a life of the program, which knows nothing of Salesforce yet.
func (w *world) start(config unsubscribes.Config) {
	w.t.Helper()
	box, err := crypt.New(bytes.Repeat([]byte{1}, crypt.KeySize))
	require.NoError(w.t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	w.client = salesforce.New(salesforce.Config{Clock: clockwork.NewRealClock()}, tokens{w}, &http.Client{Transport: transport})
	their, err := marketo.New(marketo.Config{Clock: clockwork.NewRealClock(), Endpoint: w.there.URL + "/rest", ClientID: "sandbox-client", ClientSecret: "sandbox-secret"}, &http.Client{Transport: transport})
	require.NoError(w.t, err)
	w.known = org.New(w.db.Pool, w.db.Gorm, w.outbox, func(context.Context) (org.Session, error) {
		if w.gone {
			return org.Session{}, &failure.PausedError{Class: failure.Setup, Code: "not_connected", Text: "Salesforce is not connected.", Remedy: "Connect it."}
		}
		return org.Session{Client: w.client, Instance: w.server.URL, UserID: "005000000000001AAA"}, nil
	})
	w.keeper = unsubscribes.New(w.db.Pool, w.db.Gorm, box, w.outbox, w.known, func(context.Context) (*marketo.Client, error) { return their, nil }, config)
}

// tokens are good for ever; another is there when one was refused.
type tokens struct{ w *world }

func (t tokens) Token(context.Context) (salesforce.Token, error) {
	return salesforce.Token{Access: t.w.org.AccessToken(), Instance: t.w.server.URL}, nil
}

func (t tokens) Refresh(ctx context.Context, _ salesforce.Token) (salesforce.Token, error) {
	return t.Token(ctx)
}

// arrive puts somebody of Marketo into the workspace, or brings them up to date.
func (w *world) arrive(name string) {
	w.t.Helper()
	for p := range w.other.People() {
		if p.Fields["firstName"]+" "+p.Fields["lastName"] != name {
			continue
		}
		w.ids[name], w.email[name], w.record[name] = p.ID, p.Fields["email"], p.Fields["sfdcContactId"]
		if w.record[name] == "" {
			w.record[name] = p.Fields["sfdcLeadId"]
		}
		email := p.Fields["email"]
		_, err := w.db.Pool.Exec(w.t.Context(), `
			INSERT INTO people (id, first_name, last_name, email, email_key, salesforce_contact_id, salesforce_lead_id, name_key, company_key, title_key, source_key, search, read_at, created_run_id)
			VALUES ($1, $2, $3, $4, $5, nullif($6, ''), nullif($7, ''), '', '', '', '', '', now(), 1)
			ON CONFLICT (id) DO UPDATE SET email = $4, email_key = $5, salesforce_contact_id = nullif($6, ''), salesforce_lead_id = nullif($7, '')`,
			p.ID, p.Fields["firstName"], p.Fields["lastName"], email, models.SortKey(&email), p.Fields["sfdcContactId"], p.Fields["sfdcLeadId"])
		require.NoError(w.t, err)
		return
	}
	require.FailNow(w.t, "Marketo knows nobody of that name", name)
}

// leave takes somebody out of the workspace; a merge names whom they became.
func (w *world) leave(name, reason, into string) {
	w.t.Helper()
	_, err := w.db.Pool.Exec(w.t.Context(), `UPDATE people SET archived_at = now(), archive_reason = $2, merged_into = nullif($3, 0) WHERE id = $1`, w.ids[name], reason, w.ids[into])
	require.NoError(w.t, err)
}

// absent makes it so that somebody was never here.
func (w *world) absent(names ...string) {
	w.t.Helper()
	for _, name := range names {
		_, err := w.db.Pool.Exec(w.t.Context(), `DELETE FROM people WHERE id = $1`, w.ids[name])
		require.NoError(w.t, err)
	}
}

// settings changes what an admin chose.
func (w *world) settings(change func(*models.Unsubscribing)) {
	w.t.Helper()
	u, version, err := models.LoadUnsubscribing(w.t.Context(), w.db.Gorm)
	require.NoError(w.t, err)
	change(&u)
	require.NoError(w.t, models.SaveUnsubscribing(w.t.Context(), w.db.Gorm, u, version, "test"))
}

// nightly switches the nightly sync on or off.
func (w *world) nightly(on bool) {
	w.t.Helper()
	w.settings(func(u *models.Unsubscribing) { u.Nightly = u.Nightly.Set(on, w.clock.Now()) })
}

// unsubscribe is a rep's mark on somebody.
func (w *world) unsubscribe(name string) int64 {
	w.t.Helper()
	id, _ := w.add(unsubscribes.Word{Whom: who.Ref{PersonID: w.ids[name]}, Source: models.ByRep, Actor: "user:rep@example.com"})
	return id
}

func (w *world) add(word unsubscribes.Word) (int64, bool) {
	w.t.Helper()
	id, created, err := w.keeper.Add(w.t.Context(), word)
	require.NoError(w.t, err)
	return id, created
}

// deliver is a run of the outbox.
func (w *world) deliver() {
	w.t.Helper()
	run := w.outbox.NewDeliverer(models.ToSalesforce, outbox.Config{Linger: time.Millisecond}, func(ctx context.Context) error {
		if err := w.known.Prepare(ctx); err != nil {
			return err
		}
		return w.outbox.Unpause(ctx, models.ToSalesforce)
	}, unsubscribes.Push{Keeper: w.keeper})
	require.NoError(w.t, run.Run(w.t.Context()))
}

// later lets whatever waits for a time be due now.
func (w *world) later() {
	w.t.Helper()
	_, err := w.db.Pool.Exec(w.t.Context(), `UPDATE deliveries SET due_at = 'epoch' WHERE state IN ('pending', 'sending')`)
	require.NoError(w.t, err)
	_, err = w.db.Pool.Exec(w.t.Context(), `UPDATE destinations SET retry_at = 'epoch' WHERE retry_at IS NOT NULL`)
	require.NoError(w.t, err)
}

// watch is what a job does every minute.
func (w *world) watch() {
	w.t.Helper()
	require.NoError(w.t, w.keeper.Watch(w.t.Context()))
}

func (w *world) find(id int64) models.Unsubscribe {
	w.t.Helper()
	u, err := models.FindUnsubscribe(w.t.Context(), w.db.Gorm, id)
	require.NoError(w.t, err)
	return u
}

// of is what is known of somebody, newest first.
func (w *world) of(name string) []models.Unsubscribe {
	w.t.Helper()
	list, err := models.UnsubscribesOf(w.t.Context(), w.db.Gorm, w.ids[name])
	require.NoError(w.t, err)
	return list
}

// stuck lists whom Salesforce was not told of.
func (w *world) stuck() []models.Unsubscribe {
	w.t.Helper()
	page, err := models.ListUnsubscribes(w.t.Context(), w.db.Gorm, models.UnsubscribeQuery{Stuck: true})
	require.NoError(w.t, err)
	return page.Unsubscribes
}

// optedOut says what a field of a record in Salesforce is.
func (w *world) optedOut(id, field string) bool {
	w.t.Helper()
	for _, object := range []string{"Lead", "Contact"} {
		for r := range w.org.Records(object, true) {
			if r.ID == models.NormalSalesforceID(id) {
				return r.Values[field] == true
			}
		}
	}
	require.FailNow(w.t, "there is no such record", id)
	return false
}

// value is a field of a lead or contact.
func (w *world) value(object, id, field string) any {
	w.t.Helper()
	for r := range w.org.Records(object, true) {
		if r.ID == models.NormalSalesforceID(id) {
			return r.Values[field]
		}
	}
	require.FailNow(w.t, "there is no such record", id)
	return nil
}

// tick sets a field of somebody's record, as somebody in Salesforce does.
func (w *world) tick(name, field string, on bool) {
	w.t.Helper()
	w.act("update", w.record[name], map[string]any{field: on})
}

func (w *world) act(do, id string, values map[string]any) {
	w.t.Helper()
	object := map[string]string{"00Q": "Lead", "003": "Contact"}[id[:3]]
	_, err := w.org.Act(do, object, id, values)
	require.NoError(w.t, err)
}

func (w *world) may(ref who.Ref) unsubscribes.Answer {
	w.t.Helper()
	a, err := w.keeper.MaySend(w.t.Context(), ref)
	require.NoError(w.t, err)
	require.Equal(w.t, len(a.Reasons) == 0, a.Allowed, "a no has a reason, and a yes has none")
	return a
}

// refuse is an answer that refuses every record of a call.
func refuse(code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Records []map[string]any }
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		results := make([]map[string]any, len(sent.Records))
		for n := range results {
			results[n] = map[string]any{"success": false, "errors": []map[string]any{{"statusCode": code, "message": message, "fields": []string{}}}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(results) // the test sees what did not arrive
	}
}

// round is one look of a run that began before.
func (w *world) round() {
	w.t.Helper()
	_, err := unsubscribes.Push{Keeper: w.keeper}.Round(w.t.Context(), uuid.New())
	require.NoError(w.t, err)
}

// retry is an admin's Retry in Diagnostics.
func (w *world) retry() {
	w.t.Helper()
	_, err := w.outbox.Retry(w.t.Context(), outbox.Failed{})
	require.NoError(w.t, err)
}
