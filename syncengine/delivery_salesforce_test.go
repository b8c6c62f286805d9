package syncengine_test

import (
	"cmp"
	"flag"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	sandboxmarketo "salesactions/sandbox/marketo"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

// office is a desk with a Salesforce that the app signs in to by itself.
type office struct {
	*desk
	org    *sandboxsalesforce.Server
	server *httptest.Server
}

// orgConfig is a Salesforce without its waits.
func orgConfig() sandboxsalesforce.Config {
	return sandboxsalesforce.Config{People: fewPeople, Seed: 1, QuotaOff: true, KeyField: models.DefaultKeyField, LockWait: 300 * time.Millisecond}
}

// newOffice is connected with the app's own credentials, from the environment.
func newOffice(t *testing.T, marketo sandboxmarketo.Config, org sandboxsalesforce.Config, config syncengine.Config) *office {
	t.Helper()
	o := openOrg(t, org)
	config.Salesforce = syncengine.SalesforceCredentials{LoginURL: o.server.URL, ClientID: "sandbox-app", ClientSecret: "sandbox-app-secret"}
	config.SalesforceDaily = 1 << 40
	o.desk = newDesk(t, setup(t, marketo, config))
	o.logging(true, true, true)
	return o
}

// newConsentedOffice is connected by an admin's consent, in Settings.
func newConsentedOffice(t *testing.T, marketo sandboxmarketo.Config, org sandboxsalesforce.Config, config syncengine.Config) *office {
	t.Helper()
	o := openOrg(t, org)
	config.SalesforceDaily = 1 << 40
	o.desk = newDesk(t, setup(t, marketo, config))
	require.NoError(t, o.engine.SaveSalesforce(t.Context(), o.server.URL, "sandbox-app", "sandbox-app-secret", "test"))
	o.consent()
	o.logging(true, true, true)
	return o
}

func openOrg(t *testing.T, org sandboxsalesforce.Config) *office {
	t.Helper()
	o := &office{}
	org.Clock = cmp.Or(org.Clock, clockwork.NewRealClock())
	var err error
	o.org, err = sandboxsalesforce.New(org)
	require.NoError(t, err)
	o.server = httptest.NewServer(o.org)
	t.Cleanup(o.server.Close)
	return o
}

// tasks returns the org's Tasks by our activity id, wherever that stands.
func (o *office) tasks() map[string][]map[string]any {
	o.t.Helper()
	keys := map[string]string{} // marker → id
	rows, err := o.db.Pool.Query(o.t.Context(), `SELECT id::text, '[sa:' || rtrim(translate(encode(decode(replace(id::text, '-', ''), 'hex'), 'base64'), '+/', '-_'), '=') || ']' FROM activities`)
	require.NoError(o.t, err)
	defer rows.Close()
	for rows.Next() {
		var id, marker string
		require.NoError(o.t, rows.Scan(&id, &marker))
		keys[marker] = id
	}
	tasks := map[string][]map[string]any{}
	for r := range o.org.Records("Task", true) {
		id, _ := r.Values[models.DefaultKeyField].(string)
		if id == "" {
			id, _ = r.Values["CallObject"].(string)
		}
		if description, _ := r.Values["Description"].(string); id == "" {
			if at := strings.LastIndex(description, "[sa:"); at >= 0 {
				id = keys[description[at:]]
			}
		}
		tasks[id] = append(tasks[id], r.Values)
	}
	return tasks
}

// onceInSalesforce checks that each activity that is logged is there exactly once,
// and shows what happened to it.
func (o *office) onceInSalesforce(inputs []syncengine.ActivityInput, ids []uuid.UUID) {
	o.t.Helper()
	tasks, logged := o.tasks(), 0
	for i, in := range inputs {
		person, err := models.FindPerson(o.t.Context(), o.db.Gorm, in.PersonID)
		require.NoError(o.t, err)
		found := tasks[ids[i].String()]
		switch in.Kind {
		case models.EmailSent, models.EmailReplied, models.CallReceived:
		default:
			require.Empty(o.t, found)
			continue
		}
		if person.SalesforceContactID == nil && person.SalesforceLeadID == nil {
			require.Empty(o.t, found)
			continue
		}
		logged++
		require.Len(o.t, found, 1, "%s %s", in.Kind, ids[i])
		o.checkTask(in, person, found[0])
	}
	total := 0
	for _, found := range tasks {
		total += len(found)
	}
	require.Equal(o.t, logged, total)
}

func (o *office) checkTask(in syncengine.ActivityInput, person models.Person, task map[string]any) {
	o.t.Helper()
	require.Equal(o.t, "Completed", task["Status"])
	require.Equal(o.t, in.OccurredAt.UTC().Format(time.DateOnly), task["ActivityDate"])
	if person.SalesforceContactID != nil {
		require.Equal(o.t, *person.SalesforceContactID, task["WhoId"])
		require.NotEmpty(o.t, task["WhatId"])
		if person.SalesforceOpportunityID != nil {
			require.Equal(o.t, *person.SalesforceOpportunityID, task["WhatId"])
		}
	} else {
		require.Equal(o.t, *person.SalesforceLeadID, task["WhoId"])
		require.Empty(o.t, task["WhatId"])
	}
	switch in.Kind {
	case models.EmailSent:
		require.Equal(o.t, "Email: "+in.Attributes.Subject, task["Subject"])
		require.Equal(o.t, "Email", task["Type"])
		require.Equal(o.t, "Bounced", task["MSE_Email_Status__c"])
		require.Equal(o.t, true, task["MSE_Clicked__c"])
		require.Equal(o.t, true, task["MSE_Replied__c"])
		require.Equal(o.t, true, task["MSE_Viewed__c"])
	case models.EmailReplied:
		require.Equal(o.t, "Reply", task["Type"])
		require.True(o.t, strings.HasPrefix(fmt.Sprint(task["Subject"]), "Reply: Subject "), task["Subject"])
	case models.CallReceived:
		require.Equal(o.t, "Call: "+in.Attributes.Subject, task["Subject"])
		require.Equal(o.t, "Call", task["TaskSubtype"])
	}
}

var activities = flag.Int("activities", 4000, "how many activities TestActivitiesReachSalesforceOnce records")

func TestActivitiesReachSalesforceOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	inputs := o.mixed(*activities)
	var ids []uuid.UUID
	for batch := range slices.Chunk(inputs, 1000) {
		ids = append(ids, o.record(batch...)...)
	}
	for at := 0; at < len(inputs); at += 10 { // sent twice
		require.Equal(t, ids[at:at+1], o.record(inputs[at]))
	}
	o.settled(models.ToSalesforce, patience)
	o.onceInSalesforce(inputs, ids)
	require.Empty(t, o.org.Violations())
	o.settled(models.ToMarketo, patience)
	o.onceInMarketo(ids)
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
			org, logging := orgConfig(), syncengine.LoggingChange{}
			change(&org, &logging)
			o := newOffice(t, sandboxConfig(), org, deliveryConfig())
			require.NoError(t, o.engine.ChangeLogging(t.Context(), logging, "test"))
			for _, kind := range []fault.Kind{fault.DropBefore, fault.DropAfter, fault.HTML, fault.Truncate, fault.ExpireToken, fault.CommitThen503} {
				o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: kind, Probability: 0.03})
			}
			o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.RecordCode, Code: "UNABLE_TO_LOCK_ROW", Message: "unable to obtain exclusive access to this record", Probability: 0.05})
			o.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: fault.DelayCommit, Delay: 200 * time.Millisecond, Probability: 0.03})
			o.org.Fault(fault.Rule{Path: "/query", Kind: fault.HTML, Probability: 0.03})
			var ids []uuid.UUID
			inputs := o.mixed(1600)
			for from := 0; from < len(inputs); from += 80 {
				ids = append(ids, o.record(inputs[from:from+80]...)...)
			}
			o.settled(models.ToSalesforce, 90*time.Second)
			o.org.ClearFaults()
			o.onceInSalesforce(inputs, ids)
		})
	}
}
