package syncengine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
	"salesactions/syncengine/enginetest"
)

func TestASwitchHoldsFromTheNextActivityOn(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	first := o.Record(o.Email("while on"))[0]
	o.Logging(false, false, false)
	second := o.Record(o.Email("while off"))[0]
	call := o.Email("a call while off")
	call.Kind = models.CallReceived
	third := o.Record(call)[0]
	o.Logging(true, false, false)
	early := o.Email("happened while off, told later")
	early.OccurredAt = time.Now().Add(-time.Hour)
	fourth := o.Record(early)[0]
	fifth := o.Record(o.Email("while on again"))[0]
	o.Settled(models.ToSalesforce, 30*time.Second)

	tasks := o.Tasks()
	require.Len(t, tasks, 2)
	require.Len(t, tasks[first.String()], 1)
	require.Len(t, tasks[fifth.String()], 1)
	require.Equal(t, "switched_off", o.Reason(second))
	require.Equal(t, "switched_off", o.Reason(third))
	require.Equal(t, "before_switched_on", o.Reason(fourth))
	o.Settled(models.ToMarketo, 30*time.Second)
	require.Len(t, o.InMarketo(), 5, "Marketo gets every activity")
}

func TestABackfillLogsThePastOnce(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	o.Logging(false, false, false)
	now := time.Now()
	on := func(key string, kind models.ActivityKind, day int) syncengine.ActivityInput {
		in := o.Email(key)
		in.Kind, in.OccurredAt = kind, now.AddDate(0, 0, -day)
		return in
	}
	reply, open := on("reply", models.EmailReplied, 2), on("open", models.EmailOpened, 2)
	reply.EmailKey, open.EmailKey = "recent", "recent"
	ids := o.Record(on("old", models.EmailSent, 20), on("recent", models.EmailSent, 3), open, reply, on("call", models.CallReceived, 1))
	o.Settled(models.ToMarketo, 30*time.Second)
	require.Empty(t, o.Tasks())

	backfill := syncengine.Backfill{Since: now.AddDate(0, 0, -10), Emails: true}
	n, err := o.Engine.CountBackfill(t.Context(), backfill)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	n, err = o.Engine.StartBackfill(t.Context(), backfill, "test")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	o.Settled(models.ToSalesforce, 30*time.Second)
	tasks := o.Tasks()
	require.Len(t, tasks, 1, "not what is older, not other kinds")
	task := tasks[ids[1].String()][0]
	require.Equal(t, true, task["MSE_Viewed__c"], "with what happened to the email since")
	require.Equal(t, true, task["MSE_Replied__c"])

	n, err = o.Engine.StartBackfill(t.Context(), syncengine.Backfill{Since: now.AddDate(0, 0, -30), Emails: true, Replies: true, Calls: true}, "test")
	require.NoError(t, err)
	require.EqualValues(t, 3, n, "the old email, the reply and the call")
	o.Settled(models.ToSalesforce, 30*time.Second)
	tasks = o.Tasks()
	require.Len(t, tasks, 4)
	for id, found := range tasks {
		require.Len(t, found, 1, id)
	}
	n, err = o.Engine.CountBackfill(t.Context(), syncengine.Backfill{Since: now.AddDate(0, 0, -30), Emails: true, Replies: true, Calls: true})
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestActivitiesWaitForTheirPerson(t *testing.T) {
	t.Parallel()
	o := enginetest.NewOffice(t, enginetest.SandboxConfig(), enginetest.OrgConfig(), enginetest.DeliveryConfig())
	newcomer, err := o.Sandbox.Create(map[string]string{"firstName": "Nova", "email": "nova@example.com"}) // without an owner: not in the workspace
	require.NoError(t, err)
	in := o.Email("early")
	in.PersonID, in.MarketoID = 0, newcomer
	id := o.Record(in)[0]
	page, err := models.ListActivities(t.Context(), o.DB.Gorm, models.ActivityQuery{Waiting: true})
	require.NoError(t, err)
	require.Len(t, page.Activities, 1, "it is listed meanwhile")
	require.Empty(t, o.InMarketo())

	require.NoError(t, o.Sandbox.SetOwner(newcomer, "0055g0000000001AAA"))
	require.Eventually(t, func() bool { return o.InMarketo()[id.String()] == 1 }, 60*time.Second, 50*time.Millisecond, "it goes out when the person arrives")
	o.Settled(models.ToSalesforce, 30*time.Second)
	require.Equal(t, "no_salesforce_record", o.Reason(id), "who has no record in Salesforce gets no Task")
}
