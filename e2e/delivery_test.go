package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

var (
	activities = flag.Int("activities", 400, "how many activities each case of TestKilledWhileDelivering sends")
	kills      = flag.Int("kills", 6, "how often the tests that kill the program while it delivers do so")
)

// TestKilledWhileDelivering kills the program again and again while activities are
// recorded and delivered, and both systems misbehave: each activity must end up once
// in both, with a key field in the org, with a marker field, and with nothing.
func TestKilledWhileDelivering(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keyField, settings string
	}{
		"with_the_key_field":     {"Sales_Actions_Key__c", `{}`},
		"with_a_marker_field":    {"", `{"marker_field":"CallObject"}`},
		"with_nothing_installed": {"", `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDelivering(t, c.keyField)
			d.prepare(c.settings, *activities)
			d.misbehave()
			random := rand.New(rand.NewPCG(3, 4))
			for range *kills {
				p := d.serve()
				deadline := time.Now().Add(700*time.Millisecond + time.Duration(random.Int64N(int64(900*time.Millisecond)))) // a random moment is the point
				d.sendUntil(deadline)
				require.NoError(t, p.Process.Kill())
				_ = p.Wait() // says that it was killed
			}
			p := d.serve()
			d.sendUntil(time.Now().Add(patience))
			require.Empty(t, d.unsent, "everything is recorded")
			d.settled()
			require.NoError(t, p.Process.Signal(interrupt))
			require.NoError(t, p.Wait())
			d.compare()
		})
	}
}

// delivering is a deployment beside both sandboxes.
type delivering struct {
	t       *testing.T
	sandbox *running
	env     []string
	addr    string
	token   string
	people  []person
	whose   map[string]person // whom each activity is about, by key
	day     string            // on which all of them happened
	unsent  [][]byte          // batches
	ids     map[string]string // of activities that were recorded, by key
	kinds   map[string]string // by key
}

// person is somebody as the API tells of them.
type person struct {
	ID      string
	Contact string `json:"salesforce_contact_id"`
	Lead    string `json:"salesforce_lead_id"`
	Account string `json:"salesforce_account_id"`
}

func newDelivering(t *testing.T, keyField string) *delivering {
	t.Helper()
	d := &delivering{t: t, ids: map[string]string{}, kinds: map[string]string{}, whose: map[string]person{}}
	d.sandbox = start(t, nil, "sandbox", "--json", "--marketo-addr", "127.0.0.1:0", "--salesforce-addr", "127.0.0.1:0", "--people", "300",
		"--quota", "off", "--bulk-delay", "100ms", "--bulk-refresh", "50ms", "--commit-lag", "500ms", "--key-field", keyField, "--log-level", "error")
	d.env = append(environment(t, d.sandbox), "MARKETO_COPY=paged", "SALESFORCE_LOGIN_URL="+d.sandbox.Salesforce.LoginURL, "SALESFORCE_CLIENT_ID="+d.sandbox.Salesforce.ClientID,
		"SALESFORCE_CLIENT_SECRET="+d.sandbox.Salesforce.ClientSecret, "SALESFORCE_DAILY_BUDGET=10000000", "MARKETO_SETTLE=2s", "SALESFORCE_SETTLE=2s")
	d.addr = freeAddress(t)
	return d
}

// freeAddress is where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// serve starts the program; it may not answer yet.
func (d *delivering) serve() *exec.Cmd {
	d.t.Helper()
	return d.serveAt(d.addr)
}

func (d *delivering) serveAt(addr string) *exec.Cmd {
	d.t.Helper()
	p := exec.Command(program, "serve", "--addr", addr, "--log-level", "error")
	p.Env = d.env
	p.Stderr = d.t.Output()
	require.NoError(d.t, p.Start())
	d.t.Cleanup(func() { end(p) })
	return p
}

// prepare copies the people, turns the logging on, and makes the batches: each tenth
// activity is sent twice.
func (d *delivering) prepare(settings string, activities int) {
	d.t.Helper()
	d.token = strings.TrimSpace(command(d.t, d.env, "token", "add", "--name", "e2e", "--scope", "admin"))
	serveFor(d.t, d.env, func() {
		command(d.t, d.env, "sync", "start")
		command(d.t, d.env, "sync", "status", "--wait")
	})
	p := d.serve()
	eventually(d.t, "the program to be ready", func() bool { return d.call("GET", "/sync", nil, nil) == nil })
	require.NoError(d.t, d.call("PATCH", "/settings", []byte(`{"log_emails":true,"log_replies":true,"log_calls":true}`), nil))
	require.NoError(d.t, d.call("PATCH", "/settings", []byte(settings), nil))
	var page struct{ Items []person }
	require.NoError(d.t, d.call("GET", "/people?limit=500", nil, &page))
	d.people = page.Items
	require.NoError(d.t, p.Process.Signal(interrupt))
	require.NoError(d.t, p.Wait())
	d.makeBatches(activities)
}

var activityKinds = []string{"email_sent", "email_opened", "email_clicked", "email_replied", "email_bounced", "call_received", "campaign_added", "campaign_removed"}

// makeBatches makes so many batches that kills fall between them and into them.
func (d *delivering) makeBatches(n int) {
	size := n/12 + 1
	now := time.Now().UTC().Format(time.RFC3339)
	d.day = now[:len(time.DateOnly)]
	var batch []map[string]any
	for i := range n {
		kind, key := activityKinds[i%len(activityKinds)], fmt.Sprintf("k%d", i)
		whose := d.people[(i/len(activityKinds))%len(d.people)]
		a := map[string]any{"key": key, "type": kind, "occurred_at": now, "person_id": whose.ID, "rep": "rep@example.com"}
		switch kind {
		case "email_opened", "email_clicked", "email_replied", "email_bounced":
			a["email_key"] = fmt.Sprintf("k%d", i-i%len(activityKinds))
		default:
			a["subject"] = "Subject " + key
		}
		d.kinds[key], d.whose[key] = kind, whose
		batch = append(batch, a)
		if i%10 == 0 {
			batch = append(batch, a)
		}
		if len(batch) >= size || i == n-1 {
			raw, err := json.Marshal(map[string]any{"activities": batch})
			require.NoError(d.t, err)
			d.unsent, batch = append(d.unsent, raw), nil
		}
	}
}

// sendUntil sends batches, each until it is answered.
func (d *delivering) sendUntil(deadline time.Time) {
	d.t.Helper()
	for time.Now().Before(deadline) && len(d.unsent) > 0 {
		d.sendOne()
		time.Sleep(5 * time.Millisecond) // so that recording and delivering go on together
	}
	if left := time.Until(deadline); left > 0 && len(d.unsent) == 0 && left < time.Minute {
		time.Sleep(left)
	}
}

// sendOne sends the next batch, which stays the next where it was not answered.
func (d *delivering) sendOne() {
	d.t.Helper()
	var answered struct {
		Results []struct {
			Key, Status, ID string
		}
	}
	if d.call("POST", "/activities", d.unsent[0], &answered) != nil {
		return
	}
	for _, r := range answered.Results {
		require.NotEqual(d.t, "invalid", r.Status)
		if first, known := d.ids[r.Key]; known {
			require.Equal(d.t, first, r.ID)
		}
		d.ids[r.Key] = r.ID
	}
	d.unsent = d.unsent[1:]
}

// call asks the API; an error says that there was no good answer.
func (d *delivering) call(method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(d.t.Context(), method, "http://"+d.addr+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// misbehave lets both systems fail in every way at one call in twenty each.
func (d *delivering) misbehave() {
	d.t.Helper()
	rules := map[string][]string{
		d.sandbox.Marketo.Endpoint: {`"kind":"drop_before"`, `"kind":"drop_after"`, `"kind":"html_5xx"`, `"kind":"truncate_body"`, `"kind":"expire_token"`,
			`"kind":"latency","delay":300000000`, `"kind":"code","count":2,"code":"606","message":"Max rate limit '100' exceeded with in '20' secs"`,
			`"kind":"code","code":"615","message":"Concurrent access limit '10' reached"`},
		d.sandbox.Salesforce.LoginURL: {`"kind":"drop_before"`, `"kind":"drop_after"`, `"kind":"html_5xx"`, `"kind":"truncate_body"`, `"kind":"expire_token"`,
			`"kind":"latency","delay":300000000`, `"kind":"commit_then_503"`, `"kind":"delay_commit","delay":200000000`,
			`"kind":"record_code","code":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access to this record"`,
			`"kind":"code","status":500,"code":"UNABLE_TO_LOCK_ROW","message":"unable to obtain exclusive access to this record or 200 records"`,
			`"kind":"code","status":403,"code":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded."`},
	}
	for url, list := range rules {
		path := map[bool]string{true: "/activities", false: "/services/data/"}[url == d.sandbox.Marketo.Endpoint]
		for _, rule := range list {
			post(d.t, url+"/_sandbox/faults", fmt.Sprintf(`{"path":%q,"probability":0.05,%s}`, path, rule))
		}
	}
}

// settled waits until no delivery is open.
func (d *delivering) settled() {
	d.t.Helper()
	d.settledWithin(10 * time.Minute)
}

func (d *delivering) settledWithin(limit time.Duration) {
	d.t.Helper()
	within(d.t, limit, "all deliveries", func() bool {
		for _, state := range []string{"pending", "sending"} {
			var page struct{ Items []struct{ ID string } }
			if d.call("GET", "/activities?limit=1&state="+state, nil, &page) != nil || len(page.Items) > 0 {
				return false
			}
		}
		return true
	})
}

// compare holds both systems against what was sent: each activity once, about the right
// person, on the right records and with the right words.
func (d *delivering) compare() {
	d.t.Helper()
	require.Len(d.t, d.ids, len(d.kinds))
	inMarketo := map[string][]map[string]any{}
	for _, line := range lines(d.t, d.sandbox.Marketo.Endpoint+"/_sandbox/activities") {
		id := fmt.Sprint(line["attributes"].(map[string]any)["saActivityId"])
		inMarketo[id] = append(inMarketo[id], line)
	}
	inSalesforce, markers := map[string][]map[string]any{}, map[string]string{}
	for _, id := range d.ids {
		raw := uuid.MustParse(id)
		markers["[sa:"+base64.RawURLEncoding.EncodeToString(raw[:])+"]"] = id
	}
	for _, line := range d.records("Task") {
		description := fmt.Sprint(line["Description"])
		id, isKey := line["Sales_Actions_Key__c"].(string)
		if !isKey {
			id, isKey = line["CallObject"].(string)
		}
		if !isKey {
			id = markers[description[max(strings.LastIndex(description, "[sa:"), 0):]]
		}
		inSalesforce[id] = append(inSalesforce[id], line)
	}
	tasks, opportunities := 0, d.opportunities()
	for key, id := range d.ids {
		require.Len(d.t, inMarketo[id], 1, "%s in Marketo", key)
		require.Equal(d.t, d.whose[key].ID, fmt.Sprint(inMarketo[id][0]["lead"]), key)
		require.Contains(d.t, inMarketo[id][0]["date"], d.day, key)
		if !slices.Contains([]string{"email_sent", "email_replied", "call_received"}, d.kinds[key]) {
			require.Empty(d.t, inSalesforce[id], "%s (%s) in Salesforce", key, d.kinds[key])
			continue
		}
		tasks++
		require.Len(d.t, inSalesforce[id], 1, "%s (%s) in Salesforce", key, d.kinds[key])
		d.compareTask(key, inSalesforce[id][0], opportunities)
	}
	require.Len(d.t, inMarketo, len(d.ids))
	require.Len(d.t, inSalesforce, tasks)
}

// compareTask holds a Task against its activity.
func (d *delivering) compareTask(key string, task map[string]any, opportunities map[string]string) {
	d.t.Helper()
	whose, n := d.whose[key], 0
	_, err := fmt.Sscanf(key, "k%d", &n)
	require.NoError(d.t, err)
	want := map[string]string{"WhoId": short(whose.Lead), "WhatId": "", "Status": "Completed", "ActivityDate": d.day}
	if whose.Contact != "" {
		want["WhoId"], want["WhatId"] = short(whose.Contact), short(whose.Account)
		if open := opportunities[short(whose.Contact)]; open != "" {
			want["WhatId"] = open
		}
	}
	switch d.kinds[key] {
	case "email_sent":
		want["Type"], want["TaskSubtype"], want["Subject"] = "Email", "Email", "Email: Subject "+key
	case "call_received":
		want["Type"], want["TaskSubtype"], want["Subject"] = "Call", "Call", "Call: Subject "+key
	default:
		want["Type"], want["TaskSubtype"], want["Subject"] = "Reply", "Email", fmt.Sprintf("Reply: Subject k%d", n-n%len(activityKinds))
	}
	got := map[string]string{}
	for name := range want {
		value, _ := task[name].(string)
		if strings.HasSuffix(name, "Id") {
			value = short(value)
		}
		got[name] = value
	}
	require.Equal(d.t, want, got, "%s: %v", key, task)
}

// records are those of Salesforce, with deleted ones.
func (d *delivering) records(object string) []map[string]any {
	return lines(d.t, d.sandbox.Salesforce.LoginURL+"/_sandbox/records?object="+object+"&deleted=1")
}

// opportunities are the open ones of contacts, that of their primary role first.
func (d *delivering) opportunities() map[string]string {
	open, of := map[string]bool{}, map[string]string{}
	for _, o := range d.records("Opportunity") {
		open[short(fmt.Sprint(o["Id"]))] = o["IsClosed"] != true
	}
	for _, role := range d.records("OpportunityContactRole") {
		id, contact := short(fmt.Sprint(role["OpportunityId"])), short(fmt.Sprint(role["ContactId"]))
		if open[id] && (of[contact] == "" || role["IsPrimary"] == true) {
			of[contact] = id
		}
	}
	return of
}

// short is an id of Salesforce without the three characters that guard its letters.
func short(id string) string { return id[:min(len(id), 15)] }

// lines reads a sandbox's answer of one JSON object a line.
func lines(t *testing.T, url string) []map[string]any {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	var all []map[string]any
	for decoder := json.NewDecoder(resp.Body); decoder.More(); {
		var line map[string]any
		require.NoError(t, decoder.Decode(&line))
		all = append(all, line)
	}
	return all
}

func post(t *testing.T, url, body string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Less(t, resp.StatusCode, 300)
}
