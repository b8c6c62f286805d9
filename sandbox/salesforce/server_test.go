package salesforce

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
)

func TestVersionsNeedNoToken(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	o.token = ""
	var versions []struct{ Label, URL, Version string }
	o.call(http.MethodGet, "/services/data/", nil).is(http.StatusOK, &versions)
	require.Equal(t, "67.0", versions[len(versions)-1].Version, "ascending")
	require.Equal(t, "/services/data/v67.0", versions[len(versions)-1].URL)
}

func TestCallsNeedAToken(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	o.call(http.MethodGet, "/limits", nil).is(http.StatusOK, nil)
	o.token = "wrong"
	o.call(http.MethodGet, "/limits", nil).refused(http.StatusUnauthorized, "INVALID_SESSION_ID")
	o.token = ""
	o.call(http.MethodGet, "/limits", nil).refused(http.StatusUnauthorized, "INVALID_AUTH_HEADER")
	o.token = o.server.AccessToken()
	o.server.ExpireSessions()
	o.call(http.MethodGet, "/limits", nil).refused(http.StatusUnauthorized, "INVALID_SESSION_ID")
}

func TestEachAnswerTellsTheUsage(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{DailyRequests: 3})
	usage := func(a answered) string { return a.Header.Get("Sforce-Limit-Info") }
	require.Equal(t, "api-usage=1/3", usage(o.call(http.MethodGet, "/limits", nil)))
	require.Equal(t, "api-usage=2/3", usage(o.call(http.MethodGet, "/sobjects", nil)))
	o.call(http.MethodGet, "/limits", nil).is(http.StatusOK, nil)
	o.call(http.MethodGet, "/limits", nil).refused(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED")

	unlimited := setup(t, Config{DailyRequests: 1, QuotaOff: true})
	for range 3 {
		unlimited.call(http.MethodGet, "/limits", nil).is(http.StatusOK, nil)
	}
	unlimited.server.SpendQuota()
	unlimited.call(http.MethodGet, "/limits", nil).refused(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED")
	unlimited.server.RefillQuota()
	unlimited.call(http.MethodGet, "/limits", nil).is(http.StatusOK, nil)
}

func TestDescribeTellsOfFields(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Sales_Actions_Key__c", TaskTypes: []string{"Call", "Email"}})
	var task struct {
		Name, KeyPrefix string
		Createable      bool
		Fields          []struct {
			Name, Type                                                               string
			Length                                                                   int
			Createable, Updateable, Filterable, ExternalID, Unique, Custom, Nillable bool
			PicklistValues                                                           []struct {
				Value  string
				Active bool
			}
			ReferenceTo []string
		}
	}
	o.call(http.MethodGet, "/sobjects/Task/describe", nil).is(http.StatusOK, &task)
	require.Equal(t, "00T", task.KeyPrefix)
	found := map[string]int{}
	for i, f := range task.Fields {
		found[f.Name] = i
	}
	key := task.Fields[found["Sales_Actions_Key__c"]]
	require.True(t, key.ExternalID && key.Unique && key.Createable && key.Custom)
	require.False(t, task.Fields[found["Description"]].Filterable, "long text cannot be searched")
	require.False(t, task.Fields[found["TaskSubtype"]].Updateable, "it is set once")
	require.False(t, task.Fields[found["CompletedDateTime"]].Createable)
	require.Equal(t, []string{"Contact", "Lead"}, task.Fields[found["WhoId"]].ReferenceTo)
	require.Len(t, task.Fields[found["Type"]].PicklistValues, 2)

	bare := setup(t, Config{NoMSEFields: true})
	answer := bare.call(http.MethodGet, "/sobjects/Task/describe", nil).is(http.StatusOK, nil)
	require.NotContains(t, string(answer.raw), "MSE_")
	bare.call(http.MethodGet, "/sobjects/Nothing/describe", nil).refused(http.StatusNotFound, "NOT_FOUND")
	var global struct{ Sobjects []struct{ Name string } }
	bare.call(http.MethodGet, "/sobjects", nil).is(http.StatusOK, &global)
	require.Greater(t, len(global.Sobjects), 5)
}

func TestMisbehaviourOnCommand(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	tasks := func() (n int) {
		for range o.server.Records("Task", true) {
			n++
		}
		return n
	}
	before := tasks()
	body := values{"Subject": "x"}
	send := func(kind fault.Kind) (*http.Response, error) {
		o.server.Fault(fault.Rule{Path: "/sobjects/Task", Kind: kind, Count: 1, Code: "UNABLE_TO_LOCK_ROW", Message: "busy"})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.site.URL+base+"/sobjects/Task", strings.NewReader(`{"Subject":"x"}`))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+o.token)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			require.NoError(t, resp.Body.Close())
		}
		return resp, err
	}
	_, err := send(fault.DropBefore)
	require.Error(t, err)
	require.Equal(t, before, tasks(), "nothing was done")
	_, err = send(fault.DropAfter)
	require.Error(t, err)
	require.Equal(t, before+1, tasks(), "it was done, and the answer lost")
	resp, err := send(fault.CommitThen503)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Equal(t, before+2, tasks())
	resp, err = send(fault.HTML)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, resp.StatusCode)
	require.Equal(t, before+2, tasks())
	o.server.Fault(fault.Rule{Path: "/sobjects/Task", Kind: fault.Code, Count: 1, Code: "UNABLE_TO_LOCK_ROW", Message: "busy"})
	o.call(http.MethodPost, "/sobjects/Task", body).refused(http.StatusBadRequest, "UNABLE_TO_LOCK_ROW")
	o.call(http.MethodPost, "/sobjects/Task", body).is(http.StatusCreated, nil)
}

func TestAnswersAreDatedByTheSandboxsClock(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{})
	date := func(a answered) string { return a.Header.Get("Date") }
	require.Equal(t, "Tue, 10 Mar 2026 09:30:15 GMT", date(o.call(http.MethodGet, "/limits", nil).is(http.StatusOK, nil)))
	clock.Advance(24 * time.Hour)
	for name, a := range map[string]answered{
		"an answer":          o.call(http.MethodGet, "/limits", nil).is(http.StatusOK, nil),
		"one without a body": o.call(http.MethodPatch, "/sobjects/Task/"+o.task(values{"Subject": "x"}), values{"Subject": "y"}).is(http.StatusNoContent, nil),
		"an error":           o.call(http.MethodGet, "/nothing", nil).is(http.StatusNotFound, nil),
		"the versions":       o.call(http.MethodGet, "/services/data/", nil).is(http.StatusOK, nil),
	} {
		require.Equal(t, "Wed, 11 Mar 2026 09:30:15 GMT", date(a), name)
	}
}

func TestPeopleFollowALinkToATask(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	id := o.task(values{"Subject": "Email: <b>Hello</b>", "Status": "Completed"})
	resp, err := http.Get(o.site.URL + "/" + id)
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	require.Contains(t, string(page), "Email: &lt;b&gt;Hello&lt;/b&gt;")
	require.Contains(t, string(page), "<dt>Status</dt><dd>Completed")
}
