package syncengine_test

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
)

// poisoned waits until only one record is left, parked, and says with what.
func (d *desk) poisoned(to models.Destination) models.FailedDelivery {
	d.t.Helper()
	d.settled(to, 90*time.Second)
	page, err := models.ListFailedDeliveries(d.t.Context(), d.db.Gorm, models.FailureQuery{Destination: to, AnyCode: true})
	require.NoError(d.t, err)
	require.Len(d.t, page.Deliveries, 1)
	require.Contains(d.t, page.Deliveries[0].ErrorRemedy, "press Retry")
	return page.Deliveries[0]
}

func TestOneActivityThatNoCallOfMarketoSurvivesHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := &bundle{t: t, db: postgrestest.New(t)}
	var err error
	b.sandbox, err = sandboxmarketo.New(sandboxConfig())
	require.NoError(t, err)
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if r.Method == http.MethodPost && bytes.Contains(body, []byte("Poison")) {
			answer(w, 200, `{"requestId":"a#1","success":false,"errors":[{"code":"611","message":"System error"}]}`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		b.sandbox.ServeHTTP(w, r)
	}))
	t.Cleanup(b.server.Close)
	config := deliveryConfig()
	config.MarketoSettle = 400 * time.Millisecond
	b.start(config)
	require.NoError(t, b.engine.SaveMarketo(t.Context(), b.server.URL+"/rest", "sandbox-client", "sandbox-secret", "test"))
	d := newDesk(t, b)
	inputs := d.mixed(80)
	const call = 5
	require.Equal(t, models.CallReceived, inputs[call].Kind)
	inputs[call].Attributes.Subject = "Poison"
	ids := d.record(inputs...)
	failed := d.poisoned(models.ToMarketo)
	require.Equal(t, &ids[call], failed.ActivityID)
	require.Equal(t, "611", failed.ErrorCode)
	require.Equal(t, 8, failed.Attempts, "three with others, five alone")
	d.onceInMarketo(slices.Delete(ids, call, call+1))
}

func TestOneTaskThatNoCallOfSalesforceSurvivesHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{"with_the_key_field": models.DefaultKeyField, "with_nothing_installed": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, config := orgConfig(), deliveryConfig()
			org.KeyField, config.SalesforceSettle = field, 600*time.Millisecond
			o := newOfficeBehind(t, org, config, func(_ *office, w http.ResponseWriter, r *http.Request, body []byte) bool {
				if !isCreate(r) || !bytes.Contains(body, []byte("Poison")) {
					return false
				}
				answer(w, 500, `[{"errorCode":"UNKNOWN_EXCEPTION","message":"An unexpected error occurred. (123)"}]`)
				return true
			})
			var inputs []syncengine.ActivityInput
			for i := range 60 {
				inputs = append(inputs, o.email(fmt.Sprint("e", i)))
			}
			inputs[0].Attributes.Subject = "Poison"
			ids := o.record(inputs...)
			failed := o.poisoned(models.ToSalesforce)
			require.Equal(t, &ids[0], failed.ActivityID)
			require.Equal(t, "UNKNOWN_EXCEPTION", failed.ErrorCode)
			require.Contains(t, failed.ErrorText, "(123)")
			require.GreaterOrEqual(t, failed.Attempts, 4, "three of them alone")
			require.LessOrEqual(t, failed.Attempts, 6, "no more than three with others, and three alone")
			require.Equal(t, 59, o.total())
		})
	}
}

func TestATriggerThatDoesNotBearBatchesGetsSmallerOnes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sizes []int
	o := newOfficeBehind(t, orgConfig(), deliveryConfig(), func(_ *office, w http.ResponseWriter, r *http.Request, body []byte) bool {
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
		inputs = append(inputs, o.email(fmt.Sprint("e", i)))
	}
	o.record(inputs...)
	o.settled(models.ToSalesforce, 60*time.Second)
	require.Equal(t, 200, o.total())
	require.LessOrEqual(t, len(sizes), 16, "%v", sizes)
}

func TestWhatHealsByItselfHealsAfterAnOutageToo(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	var person int64
	var lead string
	require.NoError(t, o.db.Pool.QueryRow(t.Context(), `SELECT id, salesforce_lead_id FROM people WHERE archived_at IS NULL
		AND salesforce_lead_id IS NOT NULL AND salesforce_contact_id IS NULL ORDER BY id LIMIT 1`).Scan(&person, &lead))
	_, err := o.org.Act("convert", "Lead", lead, nil)
	require.NoError(t, err)
	o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.HTML, Count: 4})
	in := o.email("to a former lead")
	in.PersonID = person
	id := o.record(in)[0]
	o.settled(models.ToSalesforce, 60*time.Second)
	require.Len(t, o.tasks()[id.String()], 1)
}
