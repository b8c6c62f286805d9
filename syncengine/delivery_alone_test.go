package syncengine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
	"salesactions/sandbox/fault"
	sandboxmarketo "salesactions/sandbox/marketo"
	"salesactions/syncengine"
	"salesactions/syncengine/budget"
)

// span is a call as the other system saw it.
type span struct {
	by          string // the process
	began, done time.Time
}

// watch notes the writes of each process.
type watch struct {
	next   http.Handler
	suffix string
	mu     sync.Mutex
	spans  []span
}

// ServeHTTP implements http.Handler.
func (w *watch) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	began := time.Now()
	w.next.ServeHTTP(out, r)
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, w.suffix) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.spans = append(w.spans, span{r.UserAgent(), began, time.Now()})
	}
}

// alone checks that no call of one process ran beside one of another, and returns how
// many each made.
func (w *watch) alone(t *testing.T) map[string]int {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.spans, func(a, b span) int { return a.began.Compare(b.began) })
	calls, last := map[string]int{}, map[string]time.Time{}
	for _, s := range w.spans {
		calls[s.by]++
		for by, done := range last {
			require.False(t, by != s.by && s.began.Before(done), "%s delivered beside %s", s.by, by)
		}
		if s.done.After(last[s.by]) {
			last[s.by] = s.done
		}
	}
	return calls
}

// TestOnlyOneProcessDeliversToASystem: its limits are the system's, whoever calls. Two
// processes on one database take turns, and when one stops the other goes on.
func TestOnlyOneProcessDeliversToASystem(t *testing.T) {
	t.Parallel()
	o := openOrg(t, orgConfig())
	toSalesforce := &watch{next: o.org, suffix: "/composite/sobjects"}
	o.server.Config.Handler = toSalesforce
	b := &bundle{t: t, db: postgrestest.New(t)}
	var err error
	b.sandbox, err = sandboxmarketo.New(sandboxConfig())
	require.NoError(t, err)
	toMarketo := &watch{next: b.sandbox, suffix: "/activities/external.json"}
	b.server = httptest.NewServer(toMarketo)
	t.Cleanup(b.server.Close)
	config := deliveryConfig()
	config.Salesforce = syncengine.SalesforceCredentials{LoginURL: o.server.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	config.SalesforceDaily, config.UserAgent = 1<<40, "first"
	b.start(config)
	first := b.engine
	require.NoError(t, first.SaveMarketo(t.Context(), b.server.URL+"/rest", "sandbox-client", "sandbox-secret", "test"))
	o.desk = newDesk(t, b)
	o.logging(true, true, true)
	config.UserAgent = "second"
	b.start(config)
	second := b.engine
	o.sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.Latency, Delay: 80 * time.Millisecond})
	o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.Latency, Delay: 80 * time.Millisecond})

	var ids []uuid.UUID
	send := func(engine *syncengine.Engine, n int) {
		o.engine = engine
		ids = append(ids, o.record(o.email(fmt.Sprint("e", n)))...)
	}
	for n := range 60 {
		send([]*syncengine.Engine{first, second}[n%2], n) // each is asked to deliver what it records
		time.Sleep(20 * time.Millisecond)                 // a stream is the point
	}
	stopping, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	require.NoError(t, first.Stop(stopping))
	for n := range 20 {
		send(second, 100+n)
	}
	o.settled(models.ToMarketo, 60*time.Second)
	o.settled(models.ToSalesforce, 60*time.Second)
	o.onceInMarketo(ids)
	tasks := o.tasks()
	for _, id := range ids {
		require.Len(t, tasks[id.String()], 1)
	}
	for system, w := range map[string]*watch{"Marketo": toMarketo, "Salesforce": toSalesforce} {
		calls := w.alone(t)
		require.Positive(t, calls["second"], "%s: %v", system, calls)
	}
}

// aheadClock is ahead of the real one.
type aheadClock struct {
	clockwork.Clock
	by *atomic.Int64
}

func (c aheadClock) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.by.Load())) }

// TestASpentQuotaHealsAtItsReset: nobody presses anything. The sandbox's clock is moved,
// and what the program waits for is brought nearer by as much.
func TestASpentQuotaHealsAtItsReset(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	marketo, org := sandboxConfig(), orgConfig()
	marketo.Clock = aheadClock{clockwork.NewRealClock(), &ahead}
	o := newOffice(t, marketo, org, deliveryConfig())
	o.record(o.email("before"))
	o.settled(models.ToSalesforce, 30*time.Second)
	o.settled(models.ToMarketo, 30*time.Second)
	o.sandbox.SpendQuota()
	o.org.SpendQuota()
	id := o.record(o.email("during"))[0]
	o.paused(models.ToMarketo, "")
	o.paused(models.ToSalesforce, "")
	pass := func() {
		for _, sql := range []string{`UPDATE api_pace SET spent_until = spent_until - interval '1 hour'`,
			`UPDATE destinations SET retry_at = retry_at - interval '1 hour'`, `UPDATE deliveries SET due_at = due_at - interval '1 hour'`} {
			_, err := o.db.Pool.Exec(t.Context(), sql)
			require.NoError(t, err)
		}
	}
	pass() // an hour later the quota is spent still: it is asked and believed again
	require.Eventually(t, func() bool {
		return o.paused(models.ToMarketo, "").RetryAt.After(time.Now()) && o.paused(models.ToSalesforce, "").RetryAt.After(time.Now())
	}, 30*time.Second, 10*time.Millisecond)
	require.Zero(t, o.inMarketo()[id.String()])

	ahead.Store(int64(24 * time.Hour)) // Marketo's midnight
	o.org.RefillQuota()                // Salesforce's calls come free
	pass()
	o.settled(models.ToMarketo, 60*time.Second)
	o.settled(models.ToSalesforce, 60*time.Second)
	require.Equal(t, 1, o.inMarketo()[id.String()])
	require.Len(t, o.tasks()[id.String()], 1)
	require.Empty(t, o.pauses(), "the banner goes too")
}

// TestPeopleAndDeliveriesOutliveExtracts: background work spends all that it may of a
// small budget; activities are delivered all the same, and a person's page has its grid.
func TestPeopleAndDeliveriesOutliveExtracts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup(t, withHistory(), idle()))
	require.NoError(t, d.engine.SetUpMarketoTypes(t.Context(), "test"))
	spent, err := d.engine.MarketoBudget(t.Context())
	require.NoError(t, err)
	config := deliveryConfig()
	config.PollInterval, config.SweepInterval, config.DailyBudget = time.Hour, time.Hour, spent.Calls*2+100
	require.NoError(t, d.engine.Stop(t.Context())) // it has another budget
	d.start(config)
	client, err := d.engine.Marketo(t.Context())
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			ctx := budget.For(t.Context(), budget.InitialSync)
			for {
				if _, err := client.Usage(ctx); err != nil {
					if !strings.Contains(err.Error(), "our daily budget of Marketo calls is used up") {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	group.Wait()
	spent, err = d.engine.MarketoBudget(t.Context())
	require.NoError(t, err)
	require.InDelta(t, float64(config.DailyBudget)*0.8, float64(spent.Calls), 8)
	ids := d.record(d.mixed(16)...)
	d.settled(models.ToMarketo, 30*time.Second)
	d.onceInMarketo(ids)

	_, err = d.db.Pool.Exec(t.Context(), `UPDATE api_usage SET calls = calls + $1 WHERE system = 'marketo' AND purpose = 'initial sync'`, config.DailyBudget*92/100-spent.Calls)
	require.NoError(t, err)
	waiting := d.mixed(1)[0]
	waiting.Key = "too late"
	d.record(waiting)
	require.Equal(t, "budget", d.paused(models.ToMarketo, "").Code)
	require.Nil(t, d.grid(d.people[0], false).Trouble)
}
