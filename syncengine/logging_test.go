package syncengine_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine"
)

// logging switches kinds.
func (o *office) logging(emails, replies, calls bool) {
	o.t.Helper()
	require.NoError(o.t, o.engine.ChangeLogging(o.t.Context(), syncengine.LoggingChange{Emails: &emails, Replies: &replies, Calls: &calls}, "test"))
}

// email is an email to a contact or lead, a while after the switches were set.
func (o *office) email(key string) syncengine.ActivityInput {
	return syncengine.ActivityInput{Key: key, Kind: models.EmailSent, OccurredAt: time.Now(), PersonID: o.linked(), Attributes: models.ActivityAttributes{Subject: "Subject " + key}}
}

// linked is somebody with a contact in Salesforce.
func (o *office) linked() int64 {
	o.t.Helper()
	var id int64
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `SELECT id FROM people WHERE archived_at IS NULL AND salesforce_contact_id IS NOT NULL ORDER BY id LIMIT 1`).Scan(&id))
	return id
}

// reason is why an activity has no Task.
func (o *office) reason(id uuid.UUID) string {
	o.t.Helper()
	var reason *string
	require.NoError(o.t, o.db.Pool.QueryRow(o.t.Context(), `SELECT reason FROM deliveries WHERE activity_id = $1 AND destination = 'salesforce' AND operation = 'create'`, id).Scan(&reason))
	if reason == nil {
		return ""
	}
	return *reason
}

func TestASwitchHoldsFromTheNextActivityOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	first := o.record(o.email("while on"))[0]
	o.logging(false, false, false)
	second := o.record(o.email("while off"))[0]
	call := o.email("a call while off")
	call.Kind = models.CallReceived
	third := o.record(call)[0]
	o.logging(true, false, false)
	early := o.email("happened while off, told later")
	early.OccurredAt = time.Now().Add(-time.Hour)
	fourth := o.record(early)[0]
	fifth := o.record(o.email("while on again"))[0]
	o.settled(models.ToSalesforce, 30*time.Second)

	tasks := o.tasks()
	require.Len(t, tasks, 2)
	require.Len(t, tasks[first.String()], 1)
	require.Len(t, tasks[fifth.String()], 1)
	require.Equal(t, "switched_off", o.reason(second))
	require.Equal(t, "switched_off", o.reason(third))
	require.Equal(t, "before_switched_on", o.reason(fourth))
	o.settled(models.ToMarketo, 30*time.Second)
	require.Len(t, o.inMarketo(), 5, "Marketo gets every activity")
}

func TestABackfillLogsThePastOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	o.logging(false, false, false)
	now := time.Now()
	on := func(key string, kind models.ActivityKind, day int) syncengine.ActivityInput {
		in := o.email(key)
		in.Kind, in.OccurredAt = kind, now.AddDate(0, 0, -day)
		return in
	}
	reply, open := on("reply", models.EmailReplied, 2), on("open", models.EmailOpened, 2)
	reply.EmailKey, open.EmailKey = "recent", "recent"
	ids := o.record(on("old", models.EmailSent, 20), on("recent", models.EmailSent, 3), open, reply, on("call", models.CallReceived, 1))
	o.settled(models.ToMarketo, 30*time.Second)
	require.Empty(t, o.tasks())

	backfill := syncengine.Backfill{Since: now.AddDate(0, 0, -10), Emails: true}
	n, err := o.engine.CountBackfill(t.Context(), backfill)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	n, err = o.engine.StartBackfill(t.Context(), backfill, "test")
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	o.settled(models.ToSalesforce, 30*time.Second)
	tasks := o.tasks()
	require.Len(t, tasks, 1, "not what is older, not other kinds")
	task := tasks[ids[1].String()][0]
	require.Equal(t, true, task["MSE_Viewed__c"], "with what happened to the email since")
	require.Equal(t, true, task["MSE_Replied__c"])

	n, err = o.engine.StartBackfill(t.Context(), syncengine.Backfill{Since: now.AddDate(0, 0, -30), Emails: true, Replies: true, Calls: true}, "test")
	require.NoError(t, err)
	require.EqualValues(t, 3, n, "the old email, the reply and the call")
	o.settled(models.ToSalesforce, 30*time.Second)
	tasks = o.tasks()
	require.Len(t, tasks, 4)
	for id, found := range tasks {
		require.Len(t, found, 1, id)
	}
	n, err = o.engine.CountBackfill(t.Context(), syncengine.Backfill{Since: now.AddDate(0, 0, -30), Emails: true, Replies: true, Calls: true})
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestActivitiesWaitForTheirPerson(t *testing.T) {
	t.Parallel()
	o := newOffice(t, sandboxConfig(), orgConfig(), deliveryConfig())
	newcomer, err := o.sandbox.Create(map[string]string{"firstName": "Nova", "email": "nova@example.com"}) // without an owner: not in the workspace
	require.NoError(t, err)
	in := o.email("early")
	in.PersonID, in.MarketoID = 0, newcomer
	id := o.record(in)[0]
	page, err := models.ListActivities(t.Context(), o.db.Gorm, models.ActivityQuery{Waiting: true})
	require.NoError(t, err)
	require.Len(t, page.Activities, 1, "it is listed meanwhile")
	require.Empty(t, o.inMarketo())

	require.NoError(t, o.sandbox.SetOwner(newcomer, "0055g0000000001AAA"))
	require.Eventually(t, func() bool { return o.inMarketo()[id.String()] == 1 }, 60*time.Second, 50*time.Millisecond, "it goes out when the person arrives")
	o.settled(models.ToSalesforce, 30*time.Second)
	require.Equal(t, "no_salesforce_record", o.reason(id), "who has no record in Salesforce gets no Task")
}
