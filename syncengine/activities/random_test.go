package activities_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

var histories = flag.Int("histories", 6, "how many random histories TestRandomHistoriesLoseAndDoubleNothing goes through")

// TestRandomHistoriesLoseAndDoubleNothing lets activities, faults, switches, spent
// quotas, dead sessions and restarts happen in any order, and holds both systems
// against what a simple model says must be there.
func TestRandomHistoriesLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	for seed := range *histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, uint64(seed))
			for range 40 {
				h.step()
			}
			h.quiet()
			h.check()
		})
	}
}

// history is one sequence of random events, with what must come of them.
type history struct {
	*enginetest.Office
	config syncengine.Config
	random *rand.Rand
	record map[uuid.UUID]recorded
	inputs []syncengine.ActivityInput // what was recorded, to be sent again
	on     struct{ emails, replies, calls bool }
}

// recorded is what must become of an activity.
type recorded struct {
	in   syncengine.ActivityInput
	task bool
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{random: rand.New(rand.NewPCG(seed, 42)), record: map[uuid.UUID]recorded{}}
	marketo, org := enginetest.SandboxConfig(), enginetest.OrgConfig()
	marketo.People, org.People, marketo.Seed, org.Seed = 60, 60, int64(seed), int64(seed)
	if h.chance(3) {
		marketo.CustomTypesTaken = 6
	}
	scheme := h.random.IntN(3)
	if scheme > 0 {
		org.KeyField = ""
	}
	org.Rotation = h.chance(3)
	h.config = enginetest.DeliveryConfig()
	h.Office = enginetest.NewOffice(t, marketo, org, h.config)
	h.config.Salesforce = syncengine.SalesforceCredentials{LoginURL: h.OrgServer.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	h.config.SalesforceDaily = 1 << 40
	if scheme == 1 {
		field := "CallObject"
		require.NoError(t, h.Engine.ChangeLogging(t.Context(), syncengine.LoggingChange{MarkerField: &field}, "test"))
		require.NoError(t, h.Engine.TestSalesforce(t.Context()))
	}
	h.on.emails, h.on.replies, h.on.calls = true, true, true
	return h
}

// chance is true once in n.
func (h *history) chance(n int) bool { return h.random.IntN(n) == 0 }

func (h *history) step() {
	h.T.Helper()
	switch h.random.IntN(14) {
	case 0:
		h.on.emails, h.on.replies, h.on.calls = h.chance(2), h.chance(2), h.chance(2)
		h.Logging(h.on.emails, h.on.replies, h.on.calls)
		require.NoError(h.T, h.Engine.BackdateLogging(h.T.Context())) // whoever tells late is another test's subject
	case 1, 2:
		h.misbehave()
	case 3:
		h.Org.ClearFaults()
		h.Sandbox.ClearFaults()
	case 4:
		h.Org.ExpireSessions()
		h.Sandbox.ExpireToken()
	case 5:
		h.Org.SpendQuota()
		h.Sandbox.SpendQuota()
	case 6:
		h.Org.RefillQuota()
		h.Sandbox.RefillQuota()
		h.Engine.TestMarketo(h.T.Context())
		_ = h.Engine.TestSalesforce(h.T.Context()) // another fault may hit it
	case 7:
		h.restart()
	default:
		h.recordSome()
	}
	time.Sleep(time.Duration(h.random.IntN(60)) * time.Millisecond) // the engine works meanwhile
}

func (h *history) misbehave() {
	kinds := []fault.Kind{fault.DropBefore, fault.DropAfter, fault.HTML, fault.Truncate, fault.ExpireToken, fault.CommitThen503, fault.DelayCommit, fault.RecordCode, fault.Latency}
	kind := kinds[h.random.IntN(len(kinds))]
	rule := fault.Rule{Kind: kind, Probability: 0.02 + 0.1*h.random.Float64(), Delay: time.Duration(h.random.IntN(250)) * time.Millisecond, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access"}
	rule.Path = []string{"/composite/sobjects", "/query", "/services/data"}[h.random.IntN(3)]
	h.Org.Fault(rule)
	if kind == fault.RecordCode || kind == fault.CommitThen503 || kind == fault.DelayCommit {
		rule.Kind, rule.Code, rule.Message = fault.Code, []string{"604", "606", "611", "615", "502"}[h.random.IntN(5)], "Some words"
	}
	rule.Path = []string{"/activities/external.json", "/activities"}[h.random.IntN(2)]
	h.Sandbox.Fault(rule)
}

// restart ends the engine wherever it is, and begins another.
func (h *history) restart() {
	h.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_ = h.Engine.Stop(ctx) // it is cut off: that is the point
	h.Start(h.config)
}

// emailKey is that of an email, which may not have been told of yet, or never will be.
func (h *history) emailKey() string {
	at := h.random.IntN(len(h.inputs) + 3)
	for ; at < len(h.inputs) && h.inputs[at].Kind != models.EmailSent; at++ {
	}
	return fmt.Sprint("k", at)
}

func (h *history) recordSome() {
	h.T.Helper()
	kinds := models.ActivityKinds()
	var batch []syncengine.ActivityInput
	for range 1 + h.random.IntN(25) {
		if len(h.inputs) > 0 && h.chance(10) {
			batch = append(batch, h.inputs[h.random.IntN(len(h.inputs))]) // sent again
			continue
		}
		kind := kinds[h.random.IntN(len(kinds))]
		in := syncengine.ActivityInput{Key: fmt.Sprint("k", len(h.inputs)), Kind: kind, OccurredAt: time.Now(), PersonID: h.People[h.random.IntN(len(h.People))],
			RepEmail: "rep@example.com", Attributes: models.ActivityAttributes{Subject: fmt.Sprint("Subject ", len(h.inputs))}}
		if kind.Engagement() {
			in.EmailKey, in.Attributes.Subject = h.emailKey(), ""
		}
		h.inputs = append(h.inputs, in)
		batch = append(batch, in)
	}
	for i, id := range h.Desk.Record(batch...) {
		if _, known := h.record[id]; known {
			continue
		}
		in := batch[i]
		person, err := models.FindPerson(h.T.Context(), h.DB.Gorm, in.PersonID)
		require.NoError(h.T, err)
		linked := person.SalesforceContactID != nil || person.SalesforceLeadID != nil
		due := map[models.ActivityKind]bool{models.EmailSent: h.on.emails, models.EmailReplied: h.on.emails && h.on.replies, models.CallReceived: h.on.calls}[in.Kind]
		h.record[id] = recorded{in, due && linked}
	}
}

// quiet lets everything heal.
func (h *history) quiet() {
	h.T.Helper()
	h.Org.ClearFaults()
	h.Sandbox.ClearFaults()
	h.Org.RefillQuota()
	h.Sandbox.RefillQuota()
	h.Engine.TestMarketo(h.T.Context())
	require.NoError(h.T, h.Engine.TestSalesforce(h.T.Context()))
	require.NoError(h.T, h.Engine.SetUpMarketoTypes(h.T.Context(), "test"))
	_, err := h.Engine.RetryAll(h.T.Context(), "test")
	require.NoError(h.T, err)
	h.Settled(models.ToMarketo, 90*time.Second)
	h.Settled(models.ToSalesforce, 90*time.Second)
}

func (h *history) check() {
	h.T.Helper()
	there, tasks := h.InMarketo(), h.Tasks()
	require.Len(h.T, there, len(h.record))
	total := 0
	for id, r := range h.record {
		require.Equal(h.T, 1, there[id.String()], "%s %s in Marketo", r.in.Kind, r.in.Key)
		want := 0
		if r.task {
			want = 1
		}
		total += want
		require.Len(h.T, tasks[id.String()], want, "%s %s in Salesforce", r.in.Kind, r.in.Key)
	}
	require.Len(h.T, tasks, total)
	failures, err := models.ListFailures(h.T.Context(), h.DB.Gorm)
	require.NoError(h.T, err)
	require.Empty(h.T, failures)
}
