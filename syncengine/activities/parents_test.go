package activities_test

import (
	"bytes"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/enginetest"
)

// withOpportunity finds a person who is a contact with an open opportunity.
func withOpportunity(o *enginetest.Office) (person int64, opportunity string) {
	o.T.Helper()
	open := map[string]bool{}
	for r := range o.Org.Records("Opportunity", false) {
		if r.Values["IsClosed"] == false {
			open[r.ID] = true
		}
	}
	for r := range o.Org.Records("OpportunityContactRole", false) {
		id, _ := r.Values["OpportunityId"].(string)
		contact, _ := r.Values["ContactId"].(string)
		if open[id] && o.DB.Pool.QueryRow(o.T.Context(), `SELECT id FROM people WHERE archived_at IS NULL AND salesforce_opportunity_id IS NULL
			AND left(salesforce_contact_id, 15) = left($1, 15)`, contact).Scan(&person) == nil {
			return person, id
		}
	}
	require.FailNow(o.T, "nobody has an open opportunity")
	return 0, ""
}

func TestATaskOfARecordThatIsGoneHangsOnWhatIsLeft(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	person, opportunity := withOpportunity(o)
	send := func(key string) any {
		in := o.Email(key)
		in.PersonID = person
		id := o.Record(in)[0]
		o.Settled(models.ToSalesforce, 30*time.Second)
		tasks := o.Tasks()[id.String()]
		require.Len(t, tasks, 1)
		return tasks[0]["WhatId"]
	}
	require.Equal(t, opportunity, send("a"))
	var account string
	for {
		_, err := o.Org.Act("delete", "Opportunity", opportunity, nil)
		require.NoError(t, err)
		what, _ := send("after " + opportunity).(string)
		require.NotEqual(t, opportunity, what)
		if account = what; what[:3] == "001" {
			break
		}
		opportunity = what
	}
	_, err := o.Org.Act("delete", "Account", account, nil)
	require.NoError(t, err)
	require.Nil(t, send("without an account"))
}

func TestAValueThatAPicklistRefusesIsLeftOut(t *testing.T) {
	t.Parallel()
	var with, without atomic.Int64
	o := newOfficeBehind(t, enginetest.OrgConfig(), enginetest.DeliveryConfig(), func(_ *enginetest.Office, w http.ResponseWriter, r *http.Request, body []byte) bool {
		if !isCreate(r) {
			return false
		}
		if !bytes.Contains(body, []byte("MSE_Email_Status__c")) {
			without.Add(1)
			return false
		}
		with.Add(1)
		answer(w, 200, `[{"success":false,"errors":[{"statusCode":"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST","message":"bad value for restricted picklist field: Sent","fields":["MSE_Email_Status__c"]}]}]`)
		return true
	})
	for _, key := range []string{"a", "b"} {
		o.Record(o.Email(key))
		o.Settled(models.ToSalesforce, 30*time.Second)
	}
	require.EqualValues(t, 1, with.Load(), "once is enough to learn it")
	require.EqualValues(t, 2, without.Load())
	require.Equal(t, 2, countTasks(o))
	setup, err := o.Engine.SalesforceSetup(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"MSE_Email_Status__c"}, setup.Omitted)
}
