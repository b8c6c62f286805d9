package smartgrid

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salesactions/syncengine/marketo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is a Marketo that has nothing but its log of activities: pages by token, and the
// people that each call asked for.
type log struct {
	mu     sync.Mutex
	pages  map[string]page
	calls  map[string]int
	asked  []string // the people of each call
	refuse map[string]string
	types  string
}

type page struct {
	rows string
	next string
	more bool
}

const begin = "90 days"

func newLog(pages map[string]page) *log {
	return &log{pages: pages, calls: map[string]int{}, refuse: map[string]string{}, types: `[{"id":10,"name":"Open Email"},{"id":1,"name":"Visit Webpage"}]`}
}

// ServeHTTP implements http.Handler.
func (l *log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/identity/") {
		fmt.Fprint(w, `{"access_token":"T","token_type":"bearer","expires_in":3599,"scope":"apis@acme.com"}`)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	operation := strings.TrimSuffix(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], ".json")
	l.calls[operation]++
	answer := map[string]any{"requestId": "r", "success": true}
	switch code := l.refuse[operation]; {
	case code != "":
		delete(l.refuse, operation)
		answer["success"], answer["errors"] = false, []any{map[string]string{"code": code, "message": "refused"}}
	case operation == "types":
		answer["result"] = json.RawMessage(l.types)
	case operation == "pagingtoken":
		answer["nextPageToken"] = begin
	default:
		l.asked = append(l.asked, r.FormValue("leadIds"))
		p := l.pages[r.FormValue("nextPageToken")]
		if p.rows == "" {
			p.rows = "[]"
		}
		if p.next == "" {
			p.next = "end"
		}
		answer["result"], answer["nextPageToken"], answer["moreResult"] = json.RawMessage(p.rows), p.next, p.more
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// rows is a page of emails that were opened, a minute apart.
func rows(from, to int) string {
	list := []string{}
	for n := from; n <= to; n++ {
		list = append(list, fmt.Sprintf(`{"marketoGUID":"%d","leadId":1,"activityTypeId":10,"activityDate":%q}`, n,
			time.Date(2026, 11, 1, 0, n, 0, 0, time.UTC).Format(time.RFC3339)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// setup makes a reader of a log, by a clock that stands still.
func setup(t *testing.T, l *log) (*Reader, *marketo.Client, *clockwork.FakeClock) {
	t.Helper()
	clock := clockwork.NewFakeClockAt(at(t, "2026-11-28T12:00:00Z"))
	r := NewReader(clock)
	t.Cleanup(r.Stop)
	return r, clientOf(t, l), clock
}

func clientOf(t *testing.T, l *log) *marketo.Client {
	t.Helper()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	client, err := marketo.New(marketo.Config{Endpoint: server.URL, ClientID: "id", ClientSecret: "secret", Clock: clockwork.NewRealClock()}, server.Client())
	require.NoError(t, err)
	return client
}

func people(n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(i + 1)
	}
	return list
}

func TestRead(t *testing.T) {
	t.Parallel()
	endless := map[string]page{begin: {rows: rows(1, 2), next: "1", more: true}}
	for n := 1; n < 20; n++ {
		endless[fmt.Sprint(n)] = page{rows: rows(2*n+1, 2*n+2), next: fmt.Sprint(n + 1), more: true}
	}
	for name, c := range map[string]struct {
		pages   map[string]page
		people  int
		events  int
		newest  string
		partial bool
		calls   int
	}{
		"nothing_happened":                     {nil, 1, 0, "", false, 1},
		"one_page":                             {map[string]page{begin: {rows: rows(1, 5)}}, 1, 5, "5", false, 1},
		"thirty_people_are_one_call":           {nil, 30, 0, "", false, 1},
		"one_more_is_another":                  {nil, 31, 0, "", false, 2},
		"an_empty_page_is_not_yet_the_last":    {map[string]page{begin: {next: "2", more: true}, "2": {rows: rows(1, 3)}}, 1, 3, "3", false, 2},
		"ten_pages_are_enough":                 {endless, 1, 20, "20", true, 10},
		"as_many_events_as_a_grid_holds":       {map[string]page{begin: {rows: rows(1, maxEvents), next: "2", more: true}}, 1, maxEvents, "3000", true, 1},
		"types_that_nobody_asked_for":          {map[string]page{begin: {rows: `[{"marketoGUID":"1","leadId":1,"activityTypeId":99,"activityDate":"2026-11-01T00:00:00Z"}]`}}, 1, 0, "", false, 1},
		"what_has_no_date_is_in_no_week":       {map[string]page{begin: {rows: `[{"marketoGUID":"1","leadId":1,"activityTypeId":10,"activityDate":"soon"}]`}}, 1, 0, "", false, 1},
		"events_of_one_moment_are_in_an_order": {map[string]page{begin: {rows: strings.ReplaceAll(rows(1, 3), "T00:02", "T00:03")}}, 1, 3, "3", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(c.pages)
			r, client, clock := setup(t, l)
			reading, err := r.Read(t.Context(), client, people(c.people))
			require.NoError(t, err)
			require.Len(t, reading.Events, c.events)
			if c.newest != "" {
				require.Equal(t, c.newest, reading.Events[0].ID)
			}
			require.Equal(t, c.partial, reading.Partial)
			require.Equal(t, clock.Now(), reading.At)
			require.Equal(t, c.calls, l.calls["activities"])
		})
	}
}

func TestAGridIsRememberedForAMinute(t *testing.T) {
	t.Parallel()
	l := newLog(map[string]page{begin: {rows: rows(1, 5)}})
	r, client, clock := setup(t, l)
	read := func(client *marketo.Client, n int) int {
		_, err := r.Read(t.Context(), client, people(n))
		require.NoError(t, err)
		return l.calls["activities"]
	}
	require.Equal(t, 1, read(client, 1))
	clock.Advance(keptFor - 1)
	require.Equal(t, 1, read(client, 1))
	require.Equal(t, 2, read(client, 2), "other people have another grid")
	clock.Advance(1)
	require.Equal(t, 3, read(client, 1), "the minute is over")
	require.Equal(t, 4, read(clientOf(t, l), 1), "another instance has other people")
	require.Equal(t, 5, read(client, 1))
	for n := 2; n < 2*keptMax; n++ {
		read(client, n)
	}
	require.LessOrEqual(t, len(r.grids), keptMax)
	require.Len(t, r.expires, len(r.grids))
}

func TestTypesAndPlaceAreAskedForOnceADay(t *testing.T) {
	t.Parallel()
	l := newLog(nil)
	r, client, clock := setup(t, l)
	grids := 0
	learned := func(after time.Duration) []int { // by a grid that nobody asked for yet
		clock.Advance(after)
		grids++
		_, err := r.Read(t.Context(), client, people(grids))
		require.NoError(t, err)
		return []int{l.calls["types"], l.calls["pagingtoken"]}
	}
	require.Equal(t, []int{1, 1}, learned(0))
	require.Equal(t, []int{1, 1}, learned(12*time.Hour-1), "until the day is over in UTC")
	require.Equal(t, []int{2, 2}, learned(1))
	l.refuse["activities"] = "1003"
	clock.Advance(time.Hour)
	reading, err := r.Read(t.Context(), client, people(1))
	require.Error(t, err)
	require.True(t, reading.Partial)
	require.Equal(t, []int{2, 3}, learned(0), "a place that is refused is asked for again")
	l.refuse["activities"] = "604"
	_, err = r.Read(t.Context(), client, people(2))
	require.Error(t, err)
	require.Equal(t, []int{2, 3}, learned(time.Hour), "an error that passes says nothing of it")
}

func TestWhatArrivedIsReturnedWithTheError(t *testing.T) {
	t.Parallel()
	l := newLog(map[string]page{begin: {rows: rows(1, 5), next: "2", more: true}, "2": {rows: `{}`}})
	r, client, _ := setup(t, l)
	reading, err := r.Read(t.Context(), client, people(1))
	require.ErrorContains(t, err, "read Marketo's activities")
	require.Len(t, reading.Events, 5)
	require.True(t, reading.Partial)
	_, again := r.Read(t.Context(), client, people(1))
	require.Error(t, again, "and is not remembered")
}

func TestAnInstanceWithoutTheTypesHasAnEmptyGrid(t *testing.T) {
	t.Parallel()
	l := newLog(nil)
	l.types = `[{"id":13,"name":"Change Data Value"}]`
	r, client, clock := setup(t, l)
	reading, err := r.Read(t.Context(), client, people(1))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(Reading{At: clock.Now()}, reading))
	require.Zero(t, l.calls["activities"])
}

func TestLearningFailsForAllWhoWait(t *testing.T) {
	t.Parallel()
	l := newLog(nil)
	l.refuse["types"] = "603"
	r, client, _ := setup(t, l)
	_, err := r.Read(t.Context(), client, people(1))
	require.ErrorContains(t, err, "read Marketo's activity types")
	_, err = r.Read(t.Context(), client, people(1))
	require.NoError(t, err, "and is tried again")
	require.Equal(t, 1, l.calls["pagingtoken"], "what was learned meanwhile stays")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = NewReader(clockwork.NewRealClock()).Read(ended, client, people(1))
	require.ErrorIs(t, err, context.Canceled)
	r.Stop()
	r.Stop()
	_, err = r.Read(t.Context(), clientOf(t, l), people(1))
	require.ErrorIs(t, err, errStopped)
}

func TestKinds(t *testing.T) {
	t.Parallel()
	require.Equal(t, []Kind{Email, Call, Moment, Web}, Kinds())
	for kind, valid := range map[Kind]bool{Email: true, Call: true, Moment: true, Web: true, "": false, "EMAIL": false, "task": false} {
		require.Equal(t, valid, kind.Valid(), kind)
	}
	for _, w := range types {
		require.True(t, w.kind.Valid(), w.name)
	}
}

func TestWhatALineOfAnEventSays(t *testing.T) {
	t.Parallel()
	byName := map[string]wanted{}
	for _, w := range types {
		byName[w.name] = w
	}
	for name, c := range map[string]struct {
		kind, primary, attributes string
		line                      string
		details                   []Detail
	}{
		"the_attribute_that_says_most":  {"Click Email", "Newsletter", `{"Link":"https://a.example"}`, "https://a.example", []Detail{{"Email", "Newsletter"}}},
		"else_the_primary_one":          {"Click Email", "Newsletter", `{"Link":""}`, "Newsletter", nil},
		"the_same_is_said_once":         {"Interesting Moment", "Demo", `{"Description":"Demo"}`, "Demo", nil},
		"nothing":                       {"Visit Webpage", "", `{}`, "", nil},
		"details_are_sorted":            {"Visit Webpage", "/a", `{"B":"2","A":"1"}`, "/a", []Detail{{"A", "1"}, {"B", "2"}}},
		"a_line_of_a_number":            {"Received Sales Call", "", `{"Subject":7}`, "7", nil},
		"a_number_beyond_16_digits":     {"Visit Webpage", "", `{"A":1e300}`, "", []Detail{{"A", "1e+300"}}},
		"a_list_and_an_object_as_text":  {"Visit Webpage", "", `{"A":[1,"b"],"B":{}}`, "", []Detail{{"A", "[1 b]"}, {"B", "map[]"}}},
		"spaces_around_are_no_value":    {"Visit Webpage", "", `{"A":"  ","B":" b "}`, "", []Detail{{"B", "b"}}},
		"false_and_zero_are_values_too": {"Visit Webpage", "", `{"A":false,"B":0}`, "", []Detail{{"A", "false"}, {"B", "0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := marketo.Activity{GUID: "1", LeadID: 7, Primary: c.primary}
			require.NoError(t, json.Unmarshal([]byte(c.attributes), &row.Attributes))
			e := byName[c.kind].event(row)
			require.Equal(t, c.line, e.Line)
			require.Empty(t, cmp.Diff(c.details, e.Details))
		})
	}
}

func TestTheNinetyDaysBeginWithADay(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]string{
		"2026-11-28T00:00:00Z": "2026-08-30T00:00:00Z", "2026-11-28T23:59:59Z": "2026-08-30T00:00:00Z", "2028-03-01T12:00:00Z": "2027-12-02T00:00:00Z",
		"2026-11-28T01:00:00+02:00": "2026-08-29T00:00:00Z", // still the day before in UTC
		"2026-03-08T12:00:00-05:00": "2025-12-08T00:00:00Z", // the clocks change on that day in Chicago
	} {
		require.Equal(t, at(t, want), Since(at(t, now)), now)
	}
}
