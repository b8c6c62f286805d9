package activities_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/postgres/postgrestest"
	"salesactions/sandbox/fault"
	sandboxmarketo "salesactions/sandbox/marketo"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

// poisoned waits until only one record is left, parked, and says with what.
func poisoned(d *enginetest.Desk, to models.Destination) models.FailedDelivery {
	d.T.Helper()
	d.Settled(to, 90*time.Second)
	page, err := models.ListFailedDeliveries(d.T.Context(), d.DB.Gorm, models.FailureQuery{Destination: to, AnyCode: true})
	require.NoError(d.T, err)
	require.Len(d.T, page.Deliveries, 1)
	require.Contains(d.T, page.Deliveries[0].ErrorRemedy, "press Retry")
	return page.Deliveries[0]
}

func TestOneActivityThatNoCallOfMarketoSurvivesHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := &enginetest.Bundle{T: t, DB: postgrestest.New(t)}
	var err error
	b.Sandbox, err = sandboxmarketo.New(enginetest.SandboxConfig())
	require.NoError(t, err)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if r.Method == http.MethodPost && bytes.Contains(body, []byte("Poison")) {
			answer(w, 200, `{"requestId":"a#1","success":false,"errors":[{"code":"611","message":"System error"}]}`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		b.Sandbox.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Server.Close)
	config := enginetest.DeliveryConfig()
	config.MarketoSettle = 400 * time.Millisecond
	b.Start(config)
	require.NoError(t, b.Engine.SaveMarketo(t.Context(), b.Server.URL+"/rest", "sandbox-client", "sandbox-secret", "test"))
	d := enginetest.NewDesk(t, b)
	inputs := d.Mixed(80)
	const call = 5
	require.Equal(t, models.CallReceived, inputs[call].Kind)
	inputs[call].Attributes.Subject = "Poison"
	ids := d.Record(inputs...)
	failed := poisoned(d, models.ToMarketo)
	require.Equal(t, &ids[call], failed.ActivityID)
	require.Equal(t, "611", failed.ErrorCode)
	require.Equal(t, 8, failed.Attempts, "three with others, five alone")
	d.OnceInMarketo(slices.Delete(ids, call, call+1))
}

func TestOneTaskThatNoCallOfSalesforceSurvivesHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{"with_the_key_field": models.DefaultKeyField, "with_nothing_installed": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, config := enginetest.OrgConfig(), enginetest.DeliveryConfig()
			org.KeyField, config.SalesforceSettle = field, 600*time.Millisecond
			o := newOfficeBehind(t, org, config, func(_ *enginetest.Office, w http.ResponseWriter, r *http.Request, body []byte) bool {
				if !isCreate(r) || !bytes.Contains(body, []byte("Poison")) {
					return false
				}
				answer(w, 500, `[{"errorCode":"UNKNOWN_EXCEPTION","message":"An unexpected error occurred. (123)"}]`)
				return true
			})
			var inputs []syncengine.ActivityInput
			for i := range 60 {
				inputs = append(inputs, o.Email(fmt.Sprint("e", i)))
			}
			inputs[0].Attributes.Subject = "Poison"
			ids := o.Record(inputs...)
			failed := poisoned(o.Desk, models.ToSalesforce)
			require.Equal(t, &ids[0], failed.ActivityID)
			require.Equal(t, "UNKNOWN_EXCEPTION", failed.ErrorCode)
			require.Contains(t, failed.ErrorText, "(123)")
			require.GreaterOrEqual(t, failed.Attempts, 4, "three of them alone")
			require.LessOrEqual(t, failed.Attempts, 6, "no more than three with others, and three alone")
			require.Equal(t, 59, countTasks(o))
		})
	}
}

func TestATriggerThatDoesNotBearBatchesGetsSmallerOnes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sizes []int
	o := newOfficeBehind(t, enginetest.OrgConfig(), enginetest.DeliveryConfig(), func(_ *enginetest.Office, w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !isCreate(r) {
			return false
		}
		n := bytes.Count(body, []byte(`"attributes"`))
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, n)
		if n <= 50 {
			return false
		}
		one := `{"success":false,"errors":[{"statusCode":"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY","message":"TaskTrigger: System.LimitException: Too many SOQL queries: 101","fields":[]}]}`
		answer(w, 200, "["+strings.Repeat(one+",", n-1)+one+"]")
		return true
	})
	var inputs []syncengine.ActivityInput
	for i := range 200 {
		inputs = append(inputs, o.Email(fmt.Sprint("e", i)))
	}
	o.Record(inputs...)
	o.Settled(models.ToSalesforce, 60*time.Second)
	require.Equal(t, 200, countTasks(o))
	require.LessOrEqual(t, len(sizes), 16, "%v", sizes)
}

func TestWhatHealsByItselfHealsAfterAnOutageToo(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	var person int64
	var lead string
	require.NoError(t, o.DB.Pool.QueryRow(t.Context(), `SELECT id, salesforce_lead_id FROM people WHERE archived_at IS NULL
		AND salesforce_lead_id IS NOT NULL AND salesforce_contact_id IS NULL ORDER BY id LIMIT 1`).Scan(&person, &lead))
	_, err := o.Org.Act("convert", "Lead", lead, nil)
	require.NoError(t, err)
	o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.HTML, Count: 4})
	in := o.Email("to a former lead")
	in.PersonID = person
	id := o.Record(in)[0]
	o.Settled(models.ToSalesforce, 60*time.Second)
	require.Len(t, o.Tasks()[id.String()], 1)
}
