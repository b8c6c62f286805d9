package salesforce

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/sandbox/fault"
)

func TestWhatIsRolledBackLeavesNothing(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{KeyField: "Key__c"})
	kept := o.task(values{"Subject": "kept", "Key__c": "k-1"})
	before := o.held("Task", kept)
	tooLong := strings.Repeat("x", 300)
	require.False(t, o.saveMany(http.MethodPatch, "", true, records(values{"id": kept, "Subject": "changed", "Key__c": "k-2"}, values{"id": kept, "Subject": tooLong}))[0].Success)
	require.Equal(t, before, o.held("Task", kept), "its values and its stamp")
	require.False(t, o.saveMany(http.MethodPost, "", true, records(values{"Key__c": "k-2"}, values{"Key__c": "k-1"}))[0].Success)
	require.False(t, o.saveMany(http.MethodPost, "", false, records(values{"Key__c": "k-3", "Subject": tooLong}))[0].Success)
	for _, free := range []string{"k-2", "k-3"} {
		require.True(t, o.saveMany(http.MethodPost, "", false, records(values{"Key__c": free}))[0].Success, "%s belongs to nobody", free)
	}
	require.Equal(t, "DUPLICATE_VALUE", o.saveMany(http.MethodPost, "", false, records(values{"Key__c": "K-1"}))[0].Errors[0].StatusCode, "k-1 has stayed its")
}

func TestARecordIsFoundOnceUnderItsPresentValue(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	contact, _ := o.someone("Contact")
	lead, _ := o.someone("Lead")
	id := o.task(values{"Subject": "moving", "WhoId": contact})
	for _, who := range []string{lead, contact, lead} {
		o.call(http.MethodPatch, "/sobjects/Task/"+id, values{"WhoId": who}).is(http.StatusNoContent, nil)
	}
	require.Zero(t, o.ask("/query", "SELECT Id FROM Task WHERE WhoId = '"+contact+"'").TotalSize)
	require.Equal(t, 1, o.ask("/query", "SELECT Id FROM Task WHERE WhoId IN ('"+contact+"', '"+lead+"')").TotalSize)
	require.Equal(t, 1, o.ask("/query", "SELECT Id FROM Task WHERE Id IN ('"+id+"', '"+id[:15]+"')").TotalSize)
}

func TestALongTransactionIsSeenLateWithItsEarlyStamp(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{})
	id := o.task(values{"Subject": "before"})
	polled := func(from, to string) []string {
		subjects := []string{}
		for _, r := range o.ask("/queryAll", "SELECT Subject FROM Task WHERE SystemModstamp >= "+from+" AND SystemModstamp < "+to+" ORDER BY SystemModstamp, Id").Records {
			subjects = append(subjects, r["Subject"].(string))
		}
		return subjects
	}
	clock.Advance(time.Minute)
	late := o.server.Open()
	clock.Advance(time.Minute)
	_, err := o.server.Act("update", "Task", id, values{"Subject": "in between"})
	require.NoError(t, err)
	_, err = late.Act("update", "Task", id, values{"Priority": "High"})
	require.NoError(t, err)
	made, err := late.Act("create", "Task", "", values{"Subject": "made late"})
	require.NoError(t, err)
	clock.Advance(time.Minute)
	require.Equal(t, []string{"in between"}, polled("2026-03-10T09:31:00Z", "2026-03-10T09:33:00Z"))
	o.call(http.MethodGet, "/sobjects/Task/"+made, nil).refused(http.StatusNotFound, "NOT_FOUND")
	require.Equal(t, "Normal", o.held("Task", id)["Priority"])

	require.NoError(t, late.Commit())
	require.Empty(t, polled("2026-03-10T09:32:00Z", "2026-03-10T09:40:00Z"), "who polls on misses it")
	require.Equal(t, []string{"in between", "made late"}, polled("2026-03-10T09:31:00Z", "2026-03-10T09:32:00Z"))
	task := o.held("Task", id)
	require.Equal(t, "High", task["Priority"])
	require.Equal(t, "in between", task["Subject"])
	require.Equal(t, "2026-03-10T09:31:15.000+0000", task["SystemModstamp"])
}

func TestATransactionOfAnotherUserCommitsAllOrNothing(t *testing.T) {
	t.Parallel()
	o := setup(t, Config{})
	id := o.task(values{"Subject": "mine"})
	tx := o.server.Open()
	_, err := tx.Act("update", "Task", id, values{"Subject": "theirs"})
	require.NoError(t, err)
	o.call(http.MethodPatch, "/sobjects/Task/"+id, values{"Subject": "mine again"}).refused(http.StatusBadRequest, "UNABLE_TO_LOCK_ROW")
	_, err = tx.Act("update", "Task", id, values{"OwnerId": "005000000000000AAA"})
	require.NoError(t, err)
	require.ErrorContains(t, tx.Commit(), "INVALID_CROSS_REFERENCE_KEY")
	require.Equal(t, "mine", o.held("Task", id)["Subject"])
	require.Error(t, tx.Commit(), "it is over")
	_, err = tx.Act("delete", "Task", id, nil)
	require.Error(t, err, "it is over")

	tx = o.server.Open()
	_, err = tx.Act("delete", "Task", id, nil)
	require.NoError(t, err)
	tx.Rollback()
	o.call(http.MethodPatch, "/sobjects/Task/"+id, values{"Subject": "mine again"}).is(http.StatusNoContent, nil)
	for _, wrong := range [][2]string{{"explode", "Task"}, {"update", "Nothing"}} {
		_, err = o.server.Act(wrong[0], wrong[1], id, nil)
		require.Error(t, err)
	}
	_, err = o.server.Act("update", "Task", id, values{"Nope__c": 1})
	require.ErrorContains(t, err, "Nope__c")
}

func TestAWriteIsHeldOnCommand(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{})
	id := o.task(values{"Subject": "before"})
	clock.Advance(time.Minute)
	o.server.Fault(fault.Rule{Path: "/sobjects/Task", Kind: fault.HoldTransaction, Delay: 11 * time.Minute, Count: 1})
	o.call(http.MethodGet, "/sobjects/Task/"+id, nil).is(http.StatusOK, nil)
	began := clock.Now()
	answer := make(chan answered)
	go func() { answer <- o.call(http.MethodPatch, "/sobjects/Task/"+id, values{"Subject": "after"}) }()
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
	require.True(t, o.busy())
	clock.Advance(10 * time.Minute)
	require.Equal(t, "before", o.held("Task", id)["Subject"])
	require.Equal(t, "2026-03-10T09:31:00.000+0000", o.covered(), "what is under way may still come with that stamp")
	clock.Advance(time.Minute)
	(<-answer).is(http.StatusNoContent, nil)
	task := o.held("Task", id)
	require.Equal(t, "after", task["Subject"])
	require.Equal(t, began.Truncate(time.Second).Format(stampForm), task["SystemModstamp"])
	require.Equal(t, "2026-03-10T09:42:00.000+0000", o.covered(), "and not until a time to come")
}

func TestAnActIsHeldOnCommand(t *testing.T) {
	t.Parallel()
	o, clock := timed(t, Config{})
	id := o.task(values{"Subject": "before"})
	answer := make(chan answered)
	go func() {
		answer <- o.control("/act", values{"do": "update", "object": "Task", "id": id, "values": values{"Subject": "after"}, "held_ms": 90_000})
	}()
	require.NoError(t, clock.BlockUntilContext(t.Context(), 1))
	require.True(t, o.busy())
	clock.Advance(time.Minute)
	require.Equal(t, "before", o.held("Task", id)["Subject"])
	clock.Advance(time.Minute)
	(<-answer).is(http.StatusOK, nil)
	require.Equal(t, "after", o.held("Task", id)["Subject"])
	require.Equal(t, "2026-03-10T09:30:15.000+0000", o.held("Task", id)["SystemModstamp"])
	o.control("/act", values{"do": "explode", "object": "Task", "id": id}).is(http.StatusBadRequest, nil)
}

// busy says whether a transaction has not ended.
func (o *bundle) busy() bool {
	o.server.mu.RLock()
	defer o.server.mu.RUnlock()
	return len(o.server.begun) > 0
}

// covered is until when updates of Tasks are known, asked for the hour around now.
func (o *bundle) covered() string {
	o.t.Helper()
	var updated struct{ LatestDateCovered string }
	o.call(http.MethodGet, "/sobjects/Task/updated/?start="+url.QueryEscape(ago(o, 1800))+"&end="+url.QueryEscape(ago(o, -1800)), nil).is(http.StatusOK, &updated)
	return updated.LatestDateCovered
}
