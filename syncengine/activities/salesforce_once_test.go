package activities_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

// onceInSalesforce checks that each activity that is logged is there exactly once,
// and shows what happened to it.
func onceInSalesforce(o *enginetest.Office, inputs []syncengine.ActivityInput, ids []uuid.UUID) {
	o.T.Helper()
	tasks, logged := o.Tasks(), 0
	for i, in := range inputs {
		person, err := models.FindPerson(o.T.Context(), o.DB.Gorm, in.PersonID)
		require.NoError(o.T, err)
		found := tasks[ids[i].String()]
		switch in.Kind {
		case models.EmailSent, models.EmailReplied, models.CallReceived:
		default:
			require.Empty(o.T, found)
			continue
		}
		if person.SalesforceContactID == nil && person.SalesforceLeadID == nil {
			require.Empty(o.T, found)
			continue
		}
		logged++
		require.Len(o.T, found, 1, "%s %s", in.Kind, ids[i])
		checkTask(o, in, person, found[0])
	}
	total := 0
	for _, found := range tasks {
		total += len(found)
	}
	require.Equal(o.T, logged, total)
}

func checkTask(o *enginetest.Office, in syncengine.ActivityInput, person models.Person, task map[string]any) {
	o.T.Helper()
	require.Equal(o.T, "Completed", task["Status"])
	require.Equal(o.T, in.OccurredAt.UTC().Format(time.DateOnly), task["ActivityDate"])
	if person.SalesforceContactID != nil {
		require.Equal(o.T, *person.SalesforceContactID, task["WhoId"])
		require.NotEmpty(o.T, task["WhatId"])
		if person.SalesforceOpportunityID != nil {
			require.Equal(o.T, *person.SalesforceOpportunityID, task["WhatId"])
		}
	} else {
		require.Equal(o.T, *person.SalesforceLeadID, task["WhoId"])
		require.Empty(o.T, task["WhatId"])
	}
	switch in.Kind {
	case models.EmailSent:
		require.Equal(o.T, "Email: "+in.Attributes.Subject, task["Subject"])
		require.Equal(o.T, "Email", task["Type"])
		require.Equal(o.T, "Bounced", task["MSE_Email_Status__c"])
		require.Equal(o.T, true, task["MSE_Clicked__c"])
		require.Equal(o.T, true, task["MSE_Replied__c"])
		require.Equal(o.T, true, task["MSE_Viewed__c"])
	case models.EmailReplied:
		require.Equal(o.T, "Reply", task["Type"])
		require.True(o.T, strings.HasPrefix(fmt.Sprint(task["Subject"]), "Reply: Subject "), task["Subject"])
	case models.CallReceived:
		require.Equal(o.T, "Call: "+in.Attributes.Subject, task["Subject"])
		require.Equal(o.T, "Call", task["TaskSubtype"])
	}
}

var activities = flag.Int("activities", 4000, "how many activities TestActivitiesReachSalesforceOnce records")

func TestActivitiesReachSalesforceOnce(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	inputs := o.Mixed(*activities)
	var ids []uuid.UUID
	for batch := range slices.Chunk(inputs, 1000) {
		ids = append(ids, o.Record(batch...)...)
	}
	for at := 0; at < len(inputs); at += 10 { // sent twice
		require.Equal(t, ids[at:at+1], o.Record(inputs[at]))
	}
	o.Settled(models.ToSalesforce, enginetest.Patience)
	onceInSalesforce(o, inputs, ids)
	require.Empty(t, o.Org.Violations())
	o.Settled(models.ToMarketo, enginetest.Patience)
	o.OnceInMarketo(ids)
}

func TestSalesforceMisbehavesAndNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sandboxsalesforce.Config, *syncengine.LoggingChange){
		"with_the_key_field": func(*sandboxsalesforce.Config, *syncengine.LoggingChange) {},
		"with_a_marker_field": func(c *sandboxsalesforce.Config, l *syncengine.LoggingChange) {
			c.KeyField = ""
			field := "CallObject"
			l.MarkerField = &field
		},
		"with_nothing_installed": func(c *sandboxsalesforce.Config, _ *syncengine.LoggingChange) { c.KeyField = "" },
		"with_rotating_tokens":   func(c *sandboxsalesforce.Config, _ *syncengine.LoggingChange) { c.Rotation = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, logging := enginetest.OrgConfig(), syncengine.LoggingChange{}
			change(&org, &logging)
			o := enginetest.NewOffice(t, enginetest.SandboxConfig(), org, enginetest.DeliveryConfig())
			require.NoError(t, o.Engine.ChangeLogging(t.Context(), logging, "test"))
			for _, kind := range []fault.Kind{fault.DropBefore, fault.DropAfter, fault.HTML, fault.Truncate, fault.ExpireToken, fault.CommitThen503} {
				o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: kind, Probability: 0.03})
			}
			o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.RecordCode, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record", Probability: 0.05})
			o.Org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.DelayCommit, Delay: 200 * time.Millisecond, Probability: 0.03})
			o.Org.Fault(fault.Rule{Path: "/query", Kind: fault.HTML, Probability: 0.03})
			var ids []uuid.UUID
			inputs := o.Mixed(1600)
			for from := 0; from < len(inputs); from += 80 {
				ids = append(ids, o.Record(inputs[from:from+80]...)...)
			}
			o.Settled(models.ToSalesforce, 90*time.Second)
			o.Org.ClearFaults()
			onceInSalesforce(o, inputs, ids)
		})
	}
}
