package activities_test

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
	"salesactions/syncengine/enginetest"
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
	o := enginetest.OpenOrg(t, enginetest.OrgConfig())
	toSalesforce := &watch{next: o.Org, suffix: "/composite/sobjects"}
	o.OrgServer.Config.Handler = toSalesforce
	b := &enginetest.Bundle{T: t, DB: postgrestest.New(t)}
	var err error
	b.Sandbox, err = sandboxmarketo.New(enginetest.SandboxConfig())
	require.NoError(t, err)
	toMarketo := &watch{next: b.Sandbox, suffix: "/activities/external.json"}
	b.Server = httptest.NewServer(toMarketo)
	t.Cleanup(b.Server.Close)
	config := enginetest.DeliveryConfig()
	config.Salesforce = syncengine.SalesforceCredentials{LoginURL: o.OrgServer.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	config.SalesforceDaily, config.UserAgent = 1<<40, "first"
	b.Start(config)
	first := b.Engine
	require.NoError(t, first.SaveMarketo(t.Context(), b.Server.URL+"/rest", "sandbox-client", "sandbox-secret", "test"))
	o.Desk = enginetest.NewDesk(t, b)
	o.Logging(true, true, true)
	config.UserAgent = "second"
	b.Start(config)
	second := b.Engine
	o.Sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.Latency, Delay: 80 * time.Millisecond})
	o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.Latency, Delay: 80 * time.Millisecond})

	var ids []uuid.UUID
	send := func(engine *syncengine.Engine, n int) {
		o.Engine = engine
		ids = append(ids, o.Record(o.Email(fmt.Sprint("e", n)))...)
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
	o.Settled(models.ToMarketo, 60*time.Second)
	o.Settled(models.ToSalesforce, 60*time.Second)
	o.OnceInMarketo(ids)
	tasks := o.Tasks()
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
	marketo, org := enginetest.SandboxConfig(), enginetest.OrgConfig()
	marketo.Clock = aheadClock{clockwork.NewRealClock(), &ahead}
	o := enginetest.NewOffice(t, marketo, org, enginetest.DeliveryConfig())
	o.Record(o.Email("before"))
	o.Settled(models.ToSalesforce, 30*time.Second)
	o.Settled(models.ToMarketo, 30*time.Second)
	o.Sandbox.SpendQuota()
	o.Org.SpendQuota()
	id := o.Record(o.Email("during"))[0]
	o.Paused(models.ToMarketo, "")
	o.Paused(models.ToSalesforce, "")
	pass := func() {
		for _, sql := range []string{`UPDATE api_pace SET spent_until = spent_until - interval '1 hour'`,
			`UPDATE destinations SET retry_at = retry_at - interval '1 hour'`, `UPDATE deliveries SET due_at = due_at - interval '1 hour'`} {
			_, err := o.DB.Pool.Exec(t.Context(), sql)
			require.NoError(t, err)
		}
	}
	pass() // an hour later the quota is spent still: it is asked and believed again
	require.Eventually(t, func() bool {
		return o.Paused(models.ToMarketo, "").RetryAt.After(time.Now()) && o.Paused(models.ToSalesforce, "").RetryAt.After(time.Now())
	}, 30*time.Second, 10*time.Millisecond)
	require.Zero(t, o.InMarketo()[id.String()])

	ahead.Store(int64(24 * time.Hour)) // Marketo's midnight
	o.Org.RefillQuota()                // Salesforce's calls come free
	pass()
	o.Settled(models.ToMarketo, 60*time.Second)
	o.Settled(models.ToSalesforce, 60*time.Second)
	require.Equal(t, 1, o.InMarketo()[id.String()])
	require.Len(t, o.Tasks()[id.String()], 1)
	require.Empty(t, o.Pauses(), "the banner goes too")
}

// TestPeopleAndDeliveriesOutliveExtracts: background work spends all that it may of a
// small budget; activities are delivered all the same, and a person's page has its grid.
func TestPeopleAndDeliveriesOutliveExtracts(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.WithHistory(), enginetest.Idle()))
	require.NoError(t, d.Engine.SetUpMarketoTypes(t.Context(), "test"))
	spent, err := d.Engine.MarketoBudget(t.Context())
	require.NoError(t, err)
	config := enginetest.DeliveryConfig()
	config.PollInterval, config.SweepInterval, config.DailyBudget = time.Hour, time.Hour, spent.Calls*2+100
	require.NoError(t, d.Engine.Stop(t.Context())) // it has another budget
	d.Start(config)
	client, err := d.Engine.Marketo(t.Context())
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
	spent, err = d.Engine.MarketoBudget(t.Context())
	require.NoError(t, err)
	require.InDelta(t, float64(config.DailyBudget)*0.8, float64(spent.Calls), 8)
	ids := d.Record(d.Mixed(16)...)
	d.Settled(models.ToMarketo, 30*time.Second)
	d.OnceInMarketo(ids)

	_, err = d.DB.Pool.Exec(t.Context(), `UPDATE api_usage SET calls = calls + $1 WHERE system = 'marketo' AND purpose = 'initial sync'`, config.DailyBudget*92/100-spent.Calls)
	require.NoError(t, err)
	waiting := d.Mixed(1)[0]
	waiting.Key = "too late"
	d.Record(waiting)
	require.Equal(t, "budget", d.Paused(models.ToMarketo, "").Code)
	require.Nil(t, d.Grid(d.People[0], false).Trouble)
}
