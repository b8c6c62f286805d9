package activities_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

func TestWhatEveryCallWouldMeetPausesAndParksNothing(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]struct {
		status     int
		body, code string
	}{
		"a_blocked_app":            {400, `[{"errorCode":"OAUTH_APP_BLOCKED","message":"this app is blocked by admin"}]`, "OAUTH_APP_BLOCKED"},
		"a_security_policy":        {400, `[{"errorCode":"TXN_SECURITY_NO_ACCESS","message":"The operation was denied"}]`, "TXN_SECURITY_NO_ACCESS"},
		"a_full_storage":           {400, `[{"errorCode":"STORAGE_LIMIT_EXCEEDED","message":"storage limit exceeded"}]`, "STORAGE_LIMIT_EXCEEDED"},
		"a_bare_403":               {403, ``, "403"},
		"a_bare_404":               {404, ``, "404"},
		"a_method_not_allowed":     {405, ``, "405"},
		"an_unsupported_media":     {415, ``, "415"},
		"an_unknown_refusal_of_it": {403, `[{"errorCode":"SOMETHING_NEW","message":"words"}]`, "SOMETHING_NEW"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mended atomic.Bool
			var creates atomic.Int64
			o := newOfficeBehind(t, enginetest.OrgConfig(), enginetest.DeliveryConfig(), func(_ *enginetest.Office, w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if !isCreate(r) || mended.Load() {
					return false
				}
				creates.Add(1)
				answer(w, refusal.status, refusal.body)
				return true
			})
			var inputs []syncengine.ActivityInput
			for i := range 100 {
				inputs = append(inputs, o.Email(fmt.Sprint("e", i)))
			}
			o.Record(inputs...)
			o.Paused(models.ToSalesforce, refusal.code)
			require.LessOrEqual(t, creates.Load(), int64(4), "as many as are in flight at once")
			failures, err := models.ListFailures(t.Context(), o.DB.Gorm)
			require.NoError(t, err)
			require.Empty(t, failures)
			mended.Store(true)
			require.NoError(t, o.Engine.TestSalesforce(t.Context()))
			o.Settled(models.ToSalesforce, 30*time.Second)
			require.Equal(t, 100, countTasks(o))
		})
	}
}

func TestAPauseLastsUntilSomethingWorkedAndGrows(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.SandboxConfig(), enginetest.DeliveryConfig()))
	inputs := d.Mixed(16)
	d.Record(inputs[:8]...)
	d.Settled(models.ToMarketo, 20*time.Second)
	d.Sandbox.Fault(fault.Rule{Path: "/activities/external.json", Kind: fault.Code, Code: "603", Message: "Access denied"})
	d.Sandbox.ResetCounts()
	d.Record(inputs[8:]...)
	first := d.Paused(models.ToMarketo, "603")
	calls := func() int { return d.Sandbox.Calls()["/rest/v1/activities/external.json"] }
	require.Eventually(t, func() bool {
		pauses := d.Pauses()
		require.Len(t, pauses, 1, "the banner stays")
		require.Equal(t, first.Since, pauses[0].Since)
		return calls() >= 2 && pauses[0].RetryAt.Sub(*first.RetryAt) > time.Second
	}, 30*time.Second, 5*time.Millisecond)
	d.Sandbox.ClearFaults()
	d.Settled(models.ToMarketo, 60*time.Second)
	require.Empty(t, d.Pauses())
}

func TestATypeThatIsDeletedInMarketoPausesAndParksNothing(t *testing.T) {
	t.Parallel()
	d := enginetest.NewDesk(t, enginetest.Setup(t, enginetest.SandboxConfig(), enginetest.DeliveryConfig()))
	inputs := d.Mixed(24)
	d.Record(inputs[:8]...)
	d.Settled(models.ToMarketo, 20*time.Second)
	require.NoError(t, deleteType(t, d, "salesActionsSendEmail"))
	ids := d.Record(inputs[8:]...)
	d.Paused(models.ToMarketo, "types_missing")
	d.Settled(models.ToMarketo, 60*time.Second) // the next run makes it anew
	failures, err := models.ListFailures(t.Context(), d.DB.Gorm)
	require.NoError(t, err)
	require.Empty(t, failures)
	times := d.InMarketo()
	for _, id := range ids {
		require.Equal(t, 1, times[id.String()])
	}
}

// deleteType deletes a custom activity type, as a Marketo admin does.
func deleteType(t *testing.T, d *enginetest.Desk, name string) error {
	t.Helper()
	resp, err := http.Get(d.Server.URL + "/identity/oauth/token?grant_type=client_credentials&client_id=sandbox-client&client_secret=sandbox-secret")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Server.URL+"/rest/v1/activities/external/type/"+name+"/delete.json", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.Access)
	req.Header.Set("Content-Type", "application/json")
	done, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return done.Body.Close()
}
