package activities_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

// role ties a contact to an opportunity, as Salesforce has it.
type role struct {
	id, opportunity string
	primary         bool
	closed          bool
}

// rolesOf of each contact.
func rolesOf(o *enginetest.Office) map[string][]role {
	closed := map[string]bool{}
	for r := range o.Org.Records("Opportunity", false) {
		closed[r.ID], _ = r.Values["IsClosed"].(bool)
	}
	of := map[string][]role{}
	for r := range o.Org.Records("OpportunityContactRole", false) {
		contact, _ := r.Values["ContactId"].(string)
		opportunity, _ := r.Values["OpportunityId"].(string)
		primary, _ := r.Values["IsPrimary"].(bool)
		of[contact] = append(of[contact], role{id: r.ID, opportunity: opportunity, primary: primary, closed: closed[opportunity]})
	}
	return of
}

// contacts are people with a contact in Salesforce, by Marketo id.
func contacts(o *enginetest.Office) []models.Person {
	o.T.Helper()
	var people []models.Person
	require.NoError(o.T, o.DB.Gorm.Raw(`SELECT * FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NOT NULL ORDER BY id LIMIT 200`).Scan(&people).Error)
	return people
}

// TestATaskHangsOnTheRightRecord: Marketo does not tell opportunities here. A contact's
// open one is asked of Salesforce, its primary role first; without one the Task goes to
// the account; a lead's Task has neither.
func TestATaskHangsOnTheRightRecord(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	people := contacts(o)
	// Some take part in a second open one: in the chief role, where they had a minor part in
	// the first, or the other way round.
	before := rolesOf(o)
	var open []string
	for _, p := range people {
		if contact := models.NormalSalesforceID(*p.SalesforceContactID); len(before[contact]) > 0 && !before[contact][0].closed {
			open = append(open, contact)
		}
	}
	for n := 0; n+1 < min(len(open), 12); n += 2 {
		_, err := o.Org.Act("update", "OpportunityContactRole", before[open[n+1]][0].id, map[string]any{"ContactId": open[n], "IsPrimary": !before[open[n]][0].primary})
		require.NoError(t, err)
	}
	var lead models.Person
	require.NoError(t, o.DB.Gorm.Raw(`SELECT * FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NULL AND salesforce_lead_id IS NOT NULL ORDER BY id LIMIT 1`).Scan(&lead).Error)

	var inputs []syncengine.ActivityInput
	for _, p := range append(people, lead) {
		in := o.Email(fmt.Sprint("to ", p.ID))
		in.PersonID = p.ID
		inputs = append(inputs, in)
	}
	ids := o.Record(inputs...)
	o.Settled(models.ToSalesforce, 60*time.Second)
	tasks, roles, seen := o.Tasks(), rolesOf(o), map[string]int{}
	for n, p := range people {
		require.Nil(t, p.SalesforceOpportunityID, "Marketo does not tell")
		task := tasks[ids[n].String()]
		require.Len(t, task, 1)
		contact := models.NormalSalesforceID(*p.SalesforceContactID)
		require.Equal(t, contact, task[0]["WhoId"])
		deals := slices.DeleteFunc(slices.Clone(roles[contact]), func(r role) bool { return r.closed })
		slices.SortStableFunc(deals, func(a, b role) int { return cmp.Compare(rank(a.primary), rank(b.primary)) })
		want, kind := models.NormalSalesforceID(*p.SalesforceAccountID), "the account: only closed ones"
		switch {
		case len(deals) > 1:
			want, kind = deals[0].opportunity, "the chief one of two"
		case len(deals) == 1:
			want, kind = deals[0].opportunity, "the only open one"
		case len(roles[contact]) == 0:
			kind = "the account: none"
		}
		require.Equal(t, want, task[0]["WhatId"], "%s, of %s", kind, contact)
		seen[kind]++
	}
	require.Len(t, seen, 4, "%v", seen)
	of := tasks[ids[len(people)].String()]
	require.Len(t, of, 1)
	require.Equal(t, models.NormalSalesforceID(*lead.SalesforceLeadID), of[0]["WhoId"])
	require.Empty(t, of[0]["WhatId"], "a lead forbids it")
}

func rank(primary bool) int {
	if primary {
		return 0
	}
	return 1
}

// userOf is the org's user with an address.
func userOf(o *enginetest.Office, email string) string {
	o.T.Helper()
	for r := range o.Org.Records("User", false) {
		if r.Values["Email"] == email {
			return r.ID
		}
	}
	require.FailNow(o.T, "there is no user "+email)
	return ""
}

// sentBy delivers an email of a rep and returns its Task.
func sentBy(o *enginetest.Office, rep, key string) map[string]any {
	o.T.Helper()
	in := o.Email(key)
	in.RepEmail = rep
	id := o.Record(in)[0]
	o.Settled(models.ToSalesforce, 30*time.Second)
	tasks := o.Tasks()[id.String()]
	require.Len(o.T, tasks, 1, "%s has one Task", key)
	return tasks[0]
}

// TestATaskBelongsToTheRep: to the rep's user by address, or as linked; else to the
// connected user, with the rep in the comments.
func TestATaskBelongsToTheRep(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	self, rita, alex := userOf(o, "integration@example.com"), userOf(o, "rep@example.com"), userOf(o, "admin@example.com")
	owned := func(task map[string]any, owner string, comments bool, rep string) {
		t.Helper()
		require.Equal(t, owner, task["OwnerId"], rep)
		require.Equal(t, comments, strings.Contains(fmt.Sprint(task["Description"]), "Sales rep: "+rep), "%v", task["Description"])
	}
	owned(sentBy(o, "Rep@Example.com", "a"), rita, false, "rep@example.com")
	owned(sentBy(o, "stranger@example.com", "b"), self, true, "stranger@example.com")
	owned(sentBy(o, "", "c"), self, false, "")

	require.NoError(t, o.Engine.LinkRep(t.Context(), "linked@example.com", alex, "test"))
	owned(sentBy(o, "linked@example.com", "d"), alex, false, "linked@example.com")
	var invalid *syncengine.InvalidError
	require.ErrorAs(t, o.Engine.LinkRep(t.Context(), "other@example.com", "005000000000000AAA", "test"), &invalid)

	_, err := o.Org.Act("deactivate", "User", rita, nil) // after she was found
	require.NoError(t, err)
	owned(sentBy(o, "rep@example.com", "e"), self, true, "rep@example.com")
	_, err = o.Org.Act("deactivate", "User", alex, nil) // after he was linked
	require.NoError(t, err)
	owned(sentBy(o, "linked@example.com", "f"), self, true, "linked@example.com")
	require.Empty(t, o.Pauses())
}

// TestRefreshTokensThatAreGoodForOneUse: an org may rotate them; two processes that need
// a new session at once must not use one twice, which would end the connection.
func TestRefreshTokensThatAreGoodForOneUse(t *testing.T) {
	t.Parallel()
	org := enginetest.OrgConfig()
	org.Rotation = true
	o := enginetest.NewConsentedOffice(t, enginetest.SandboxConfig(), org, enginetest.DeliveryConfig())
	first := o.Engine
	o.Start(withSalesforce(enginetest.DeliveryConfig()))
	second := o.Engine
	for n := range 5 {
		o.Org.ExpireSessions()
		var group sync.WaitGroup
		for _, engine := range []*syncengine.Engine{first, second} {
			group.Go(func() {
				if err := engine.TestSalesforce(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		in := o.Email(fmt.Sprint("after ", n))
		in.RepEmail = "rep@example.com"
		id := o.Record(in)[0]
		group.Wait()
		o.Settled(models.ToSalesforce, 30*time.Second)
		require.Len(t, o.Tasks()[id.String()], 1)
	}
	info, err := first.SalesforceConnection(t.Context())
	require.NoError(t, err)
	require.False(t, info.NeedsReconnect)
	require.Empty(t, o.Pauses())
}

func withSalesforce(c syncengine.Config) syncengine.Config {
	c.SalesforceDaily = 1 << 40
	return c
}
