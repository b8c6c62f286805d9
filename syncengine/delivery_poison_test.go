package syncengine_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
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
			require.Equal(t, ids[0], failed.ActivityID)
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
