package unsubscribes_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/unsubscribes"
	"salesactions/syncengine/who"
)

func TestAnUnsubscribeIsPushedAtOnce(t *testing.T) {
	t.Parallel()
	for name, who := range map[string]string{"to_a_contact": grace, "to_a_lead": zoe} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			id := w.unsubscribe(who) // nobody switched the nightly sync on
			w.deliver()
			require.True(t, w.optedOut(w.record[who], models.StandardOptOut))
			push := w.find(id).Push
			require.Equal(t, models.Delivered, push.State)
			require.Equal(t, models.NormalSalesforceID(w.record[who]), *push.RemoteID)
			for _, other := range []string{ada, king, wei, fedor, jennifer} {
				require.False(t, w.optedOut(w.record[other], models.StandardOptOut), other)
			}
			require.Empty(t, w.stuck())
		})
	}
}

func TestManyAreToldInOneCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	for _, name := range []string{ada, wei, grace, fedor} {
		w.unsubscribe(name)
	}
	w.deliver()
	for _, name := range []string{ada, wei, grace, fedor} {
		require.True(t, w.optedOut(w.record[name], models.StandardOptOut), name)
	}
	require.Equal(t, 1, w.writes())
}

func TestSalesforceIsDownForHoursAndNothingIsLost(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]bool{"and_was_up_before": true, "and_was_never_seen_up": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			if known {
				require.NoError(t, w.known.Prepare(t.Context()))
			}
			downForHours(t, w)
		})
	}
}

func downForHours(t *testing.T, w *world) {
	t.Helper()
	w.down.Store(true)
	first := w.unsubscribe(grace)
	for range 8 { // a try, and the next when its time has come
		w.later()
		w.deliver()
		u := w.find(first)
		require.Equal(t, models.Pending, u.Push.State)
		pauses, err := models.ListPauses(t.Context(), w.db.Gorm)
		require.NoError(t, err)
		require.True(t, u.Push.ErrorText != nil || len(pauses) == 1, "it says why it waits")
	}
	second := w.unsubscribe(zoe)
	again, created := w.add(unsubscribes.Word{Whom: who.Ref{PersonID: w.ids[grace]}, Source: models.ByAPI})
	require.False(t, created)
	require.Equal(t, first, again, "whoever says it twice meanwhile is told once")
	require.Len(t, w.stuck(), 2, "until it is told, it is listed")
	w.down.Store(false)
	w.later()
	w.deliver()
	for _, id := range []int64{first, second} {
		require.Equal(t, models.Delivered, w.find(id).Push.State)
	}
	require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
	require.True(t, w.optedOut(w.record[zoe], models.StandardOptOut))
	calls := w.writes()
	w.later()
	w.deliver()
	require.Equal(t, calls, w.writes(), "what was told is not told again")
}

func TestAnAnswerThatWasLostIsNoLoss(t *testing.T) {
	t.Parallel()
	for _, kind := range []fault.Kind{fault.DropBefore, fault.DropAfter, fault.HTML, fault.CommitThen503, fault.Truncate, fault.ExpireToken} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			w.deliver()
			w.org.Fault(fault.Rule{Path: "/composite/sobjects", Kind: kind, Count: 1})
			id := w.unsubscribe(grace)
			w.deliver()
			w.later()
			w.deliver()
			require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
			require.Equal(t, models.Delivered, w.find(id).Push.State)
		})
	}
}

func TestAPushThatAKilledProgramBeganIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	id := w.unsubscribe(grace)
	_, err := w.db.Pool.Exec(t.Context(), `UPDATE deliveries SET state = 'sending', sender = gen_random_uuid(), sent_at = now() WHERE unsubscribe_id = $1`, id)
	require.NoError(t, err)
	w.deliver()
	require.Equal(t, models.Delivered, w.find(id).Push.State)
	require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
}

func TestTheChosenFieldIsSetAndNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{OptOutField: "Sales_Says_No__c"})
	w.settings(func(u *models.Unsubscribing) { u.OptOutField = "Sales_Says_No__c" })
	w.unsubscribe(grace)
	w.unsubscribe(zoe)
	w.deliver()
	for _, name := range []string{grace, zoe} {
		require.True(t, w.optedOut(w.record[name], "Sales_Says_No__c"))
		require.False(t, w.optedOut(w.record[name], models.StandardOptOut), "marketing's opt-out is another matter")
	}
}

func TestAFieldChosenInTheMiddleOfARunIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{OptOutField: "Sales_Says_No__c"})
	require.NoError(t, w.known.Prepare(t.Context()), "a run began")
	w.settings(func(u *models.Unsubscribing) { u.OptOutField = "Sales_Says_No__c" })
	id := w.unsubscribe(grace)
	w.round()
	require.Equal(t, models.Delivered, w.find(id).Push.State, "%+v", w.find(id).Push)
	require.True(t, w.optedOut(w.record[grace], "Sales_Says_No__c"))
}

func TestAFieldThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]sandboxsalesforce.Config{
		"missing":       {},
		"hidden":        {OptOutField: custom, HiddenFields: map[string][]string{"Contact": {custom}}},
		"not_writable":  {OptOutField: custom, ReadOnlyFields: map[string][]string{"Contact": {custom}}},
		"on_leads_only": {OptOutField: custom, OptOutOn: []string{"Lead"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, config)
			w.settings(func(u *models.Unsubscribing) { u.OptOutField = custom })
			id := w.unsubscribe(grace)
			w.deliver()
			push := w.find(id).Push
			require.Equal(t, models.Failed, push.State)
			require.Equal(t, "no_opt_out_field", *push.ErrorCode)
			require.Contains(t, *push.ErrorText, custom)
			require.Contains(t, *push.ErrorRemedy, "Settings")
			require.Zero(t, w.writes(), "nothing is written to another field instead")
			require.Len(t, w.stuck(), 1)
			answer := w.may(who.Ref{PersonID: w.ids[grace]})
			require.Contains(t, answer.Reasons, unsubscribes.UnsubscribedHere, "here it holds all the same")
		})
	}
}

func TestAFieldThatVanishedIsLookedForAnewAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.settings(func(u *models.Unsubscribing) { u.OptOutField = custom })
	require.NoError(t, w.known.Prepare(t.Context()))
	// Somebody removed the field after it was seen.
	_, err := w.db.Pool.Exec(t.Context(), `UPDATE destinations SET setup = jsonb_set(setup, ARRAY['opt_outs', $1], '{"lead": {"read": true, "write": true}, "contact": {"read": true, "write": true}}') WHERE name = 'salesforce'`, custom)
	require.NoError(t, err)
	id := w.unsubscribe(grace)
	w.deliver()
	w.later()
	w.deliver()
	require.Equal(t, models.Failed, w.find(id).Push.State)
	require.Equal(t, "no_opt_out_field", *w.find(id).Push.ErrorCode)
}

func TestALeadThatWasConvertedIsFollowedToItsContact(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.act("convert", w.record[zoe], nil) // Marketo has not heard of it yet
	id := w.unsubscribe(zoe)
	w.deliver()
	contact, _ := w.value("Lead", w.record[zoe], "ConvertedContactId").(string)
	require.True(t, w.optedOut(contact, models.StandardOptOut))
	require.Equal(t, models.Delivered, w.find(id).Push.State)
	require.Equal(t, contact, *w.find(id).Push.RemoteID)
}

func TestARecordThatWasMergedIsFollowed(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][2]string{"contacts": {grace, fedor}, "leads": {zoe, jennifer}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			w.act("merge", w.record[pair[0]], map[string]any{"into": w.record[pair[1]]})
			id := w.unsubscribe(pair[0])
			w.deliver()
			require.True(t, w.optedOut(w.record[pair[1]], models.StandardOptOut))
			require.Equal(t, models.NormalSalesforceID(w.record[pair[1]]), *w.find(id).Push.RemoteID)
		})
	}
}

func TestARecordThatWasDeletedIsParkedAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.act("delete", w.record[grace], nil)
	gone, other := w.unsubscribe(grace), w.unsubscribe(wei)
	for range outbox.HealAttempts + 1 {
		w.deliver()
		w.later()
	}
	require.Equal(t, models.Failed, w.find(gone).Push.State)
	require.Equal(t, "ENTITY_IS_DELETED", *w.find(gone).Push.ErrorCode)
	require.Equal(t, models.Delivered, w.find(other).Push.State)
	require.True(t, w.optedOut(w.record[wei], models.StandardOptOut))
}

func TestADuplicateRuleDoesNotKeepPeopleSubscribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{DuplicateRule: true})
	w.unsubscribe(grace)
	w.unsubscribe(zoe)
	w.deliver()
	require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
	require.True(t, w.optedOut(w.record[zoe], models.StandardOptOut))
	first := map[string]bool{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if c.method != http.MethodPatch {
			continue
		}
		allowed := strings.Contains(c.header.Get("Sforce-Duplicate-Rule-Header"), "allowSave=true")
		first[map[bool]string{false: "asked", true: "insisted"}[allowed]] = true
	}
	require.Equal(t, map[string]bool{"asked": true, "insisted": true}, first, "leave to save is asked for only once the rule has spoken")
}

func TestAnAssignmentRuleIsNotFired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{AssignmentRule: true})
	owner := w.value("Lead", w.record[zoe], "OwnerId")
	w.unsubscribe(zoe)
	w.deliver()
	require.True(t, w.optedOut(w.record[zoe], models.StandardOptOut))
	require.Equal(t, owner, w.value("Lead", w.record[zoe], "OwnerId"), "whoever unsubscribes keeps their owner")
}

func TestWhatARuleOfTheOrgRefusesIsParkedWithSalesforcesWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.deliver()
	w.instead = refuse("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Ask the owner first.")
	id := w.unsubscribe(grace)
	w.deliver()
	push := w.find(id).Push
	require.Equal(t, models.Failed, push.State)
	require.Equal(t, 1, push.Attempts)
	require.Equal(t, "FIELD_CUSTOM_VALIDATION_EXCEPTION", *push.ErrorCode)
	require.Contains(t, *push.ErrorText, "Ask the owner first")
	w.instead = nil
	w.retry()
	w.deliver()
	require.Equal(t, models.Delivered, w.find(id).Push.State)
}

func TestALockedRecordIsTriedAgainByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	busy := w.org.Open() // somebody saves the contact, and it takes long
	_, err := busy.Act("update", "Contact", w.record[grace], map[string]any{"Title": "Admiral"})
	require.NoError(t, err)
	id := w.unsubscribe(grace)
	w.deliver()
	require.Equal(t, models.Pending, w.find(id).Push.State)
	require.Equal(t, "UNABLE_TO_LOCK_ROW", *w.find(id).Push.ErrorCode)
	require.NoError(t, busy.Commit())
	w.later()
	w.deliver()
	require.Equal(t, models.Delivered, w.find(id).Push.State)
}

func TestWhoHasNoRecordIsListedAndPushedOnceThereIsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	id := w.unsubscribe(nobody)
	w.deliver()
	require.Zero(t, w.writes())
	stuck := w.stuck()
	require.Len(t, stuck, 1)
	require.Equal(t, nobody, stuck[0].PersonName)
	require.Equal(t, models.HoldRecord, *stuck[0].Hold)
	counts, err := models.CountUnsubscribes(t.Context(), w.db.Gorm)
	require.NoError(t, err)
	require.Equal(t, models.UnsubscribeCounts{Here: 1, NoRecord: 1}, counts)
	n, err := w.keeper.Resolve(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "there is nothing to push yet")

	contact, err := w.org.Act("create", "Contact", "", map[string]any{"LastName": "Owner"})
	require.NoError(t, err)
	require.NoError(t, w.other.Change(w.ids[nobody], map[string]string{"sfdcContactId": contact}))
	w.arrive(nobody)
	n, err = w.keeper.Resolve(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	w.deliver()
	require.True(t, w.optedOut(contact, models.StandardOptOut))
	require.Equal(t, models.Delivered, w.find(id).Push.State)
	require.Empty(t, w.stuck())
}

func TestWhoLostTheirRecordIsListedAndNotForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	contact := w.record[grace]
	id := w.unsubscribe(grace)
	require.NoError(t, w.other.Change(w.ids[grace], map[string]string{"sfdcContactId": ""}))
	w.arrive(grace)
	w.deliver()
	stuck := w.stuck()
	require.Len(t, stuck, 1, "they cannot be pushed, and are listed as such")
	require.Equal(t, models.HoldRecord, *stuck[0].Hold)
	require.NoError(t, w.other.Change(w.ids[grace], map[string]string{"sfdcContactId": contact}))
	w.arrive(grace)
	_, err := w.keeper.Resolve(t.Context())
	require.NoError(t, err)
	w.deliver()
	require.Equal(t, models.Delivered, w.find(id).Push.State)
	require.True(t, w.optedOut(contact, models.StandardOptOut))
}

func TestWhatWasClearedHereIsNotPushedAnyMore(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{"before_it_went": "pending", "while_nobody_knows_whether_it_went": "sending"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			id := w.unsubscribe(grace)
			_, err := w.db.Pool.Exec(t.Context(), `UPDATE deliveries SET state = $2 WHERE unsubscribe_id = $1`, id, state)
			require.NoError(t, err)
			require.NoError(t, w.keeper.Clear(t.Context(), id, "user:admin@example.com"))
			w.deliver()
			require.False(t, w.optedOut(w.record[grace], models.StandardOptOut))
			require.Equal(t, models.Skipped, w.find(id).Push.State)
			require.Empty(t, w.stuck())
			require.ErrorIs(t, w.keeper.Clear(t.Context(), id, "user:admin@example.com"), models.ErrNotFound)
		})
	}
}

func TestClearingHereDoesNotResubscribeThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.nightly(true)
	id := w.unsubscribe(grace)
	w.deliver()
	require.NoError(t, w.keeper.Clear(t.Context(), id, "user:admin@example.com"))
	require.NoError(t, w.keeper.Begin(t.Context(), "test"))
	w.watch()
	w.deliver()
	require.True(t, w.optedOut(w.record[grace], models.StandardOptOut), "it is cleared there by hand")
	all := w.of(grace)
	require.Len(t, all, 2)
	require.Equal(t, models.BySalesforce, all[0].Source, "and until then it holds here too")
	require.Nil(t, all[0].ClearedAt)
	require.Equal(t, "user:admin@example.com", *all[1].ClearedBy)

	w.tick(grace, models.StandardOptOut, false)
	require.NoError(t, w.keeper.Clear(t.Context(), all[0].ID, "user:admin@example.com"))
	w.clock.pass(time.Hour)
	require.NoError(t, w.keeper.Begin(t.Context(), "test"))
	w.watch()
	w.deliver()
	require.False(t, w.optedOut(w.record[grace], models.StandardOptOut))
	require.True(t, w.may(who.Ref{PersonID: w.ids[grace]}).Allowed, "cleared on both sides, they may be emailed")
}
