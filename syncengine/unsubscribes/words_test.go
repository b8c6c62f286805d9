package unsubscribes_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/unsubscribes"
	"salesactions/syncengine/who"
)

// byAPI is a program's word on somebody.
func byAPI(ref who.Ref) unsubscribes.Word {
	return unsubscribes.Word{Whom: ref, Source: models.ByAPI, Actor: "token:mailer", Reason: "Asked by phone"}
}

func (w *world) resolve() int64 {
	w.t.Helper()
	n, err := w.keeper.Resolve(w.t.Context())
	require.NoError(w.t, err)
	return n
}

func TestAWordIsKeptWithWhoSaidItAndWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	id, created := w.add(unsubscribes.Word{Whom: who.Ref{PersonID: w.ids[grace]}, Source: models.ByOneClick, Reason: "Too many", Address: "192.0.2.7"})
	require.True(t, created)
	said := w.find(id)
	require.Equal(t, models.ByOneClick, said.Source)
	require.Equal(t, []string{"Too many", "192.0.2.7", grace}, []string{said.Reason, said.Address, said.PersonName})
	again, created := w.add(byAPI(who.Ref{MarketoID: w.ids[grace]}))
	require.False(t, created)
	require.Equal(t, id, again, "twice is as good as once")
	require.Len(t, w.of(grace), 1)
}

func TestASharedAddressUnsubscribesEverybodyWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	_, created := w.add(byAPI(who.Ref{Email: "ADA@acme.example"}))
	require.True(t, created)
	w.deliver()
	for _, name := range []string{ada, king} {
		require.Len(t, w.of(name), 1)
		require.True(t, w.optedOut(w.record[name], models.StandardOptOut), name)
	}
	_, created = w.add(byAPI(who.Ref{Email: "ada@acme.example"}))
	require.False(t, created)
}

func TestTheRestOfASharedAddressFollowsWhoSaidSoFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	first := w.unsubscribe(ada)
	id, created := w.add(byAPI(who.Ref{Email: "ada@acme.example"}))
	require.True(t, created, "King had not said so")
	require.NotEqual(t, first, id)
	require.Len(t, w.of(ada), 1)
	require.Len(t, w.of(king), 1)
}

func TestAnAddressThatOnlyPeopleWhoLeftHadIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.leave(ada, "owner_lost", "")
	w.leave(king, "owner_lost", "")
	id, created := w.add(byAPI(who.Ref{Email: "ada@acme.example"}))
	require.True(t, created, "a no is never refused")
	require.Nil(t, w.find(id).PersonID)
	require.Contains(t, w.may(who.Ref{PersonID: w.ids[ada], Email: "ada@acme.example"}).Reasons, unsubscribes.UnsubscribedHere)
}

func TestSomebodyWhoIsNotHereYetIsRemembered(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]func(*world) who.Ref{
		"by_marketo_id":    func(w *world) who.Ref { return who.Ref{MarketoID: w.ids[grace]} },
		"by_salesforce_id": func(w *world) who.Ref { return who.Ref{SalesforceID: w.record[grace]} },
		"by_short_salesforce_id": func(w *world) who.Ref {
			return who.Ref{SalesforceID: models.NormalSalesforceID(w.record[grace])[:15]}
		},
		"by_address": func(w *world) who.Ref { return who.Ref{Email: "Grace@navy.example"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			w.absent(grace)
			id, created := w.add(byAPI(ref(w)))
			require.True(t, created)
			again, created := w.add(byAPI(ref(w)))
			require.False(t, created)
			require.Equal(t, id, again)
			w.deliver()
			stuck := w.stuck()
			require.Len(t, stuck, 1)
			require.Equal(t, models.HoldPerson, *stuck[0].Hold)
			require.Zero(t, w.resolve())

			w.arrive(grace)
			require.Equal(t, []unsubscribes.Reason{unsubscribes.UnsubscribedHere}, w.may(who.Ref{PersonID: w.ids[grace]}).Reasons, "from the first moment on")
			require.EqualValues(t, 1, w.resolve())
			w.deliver()
			require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
			require.Len(t, w.of(grace), 1)
			require.Empty(t, w.stuck())
		})
	}
}

func TestSomebodyWhoArrivesWithoutARecordIsListedAsSuch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.absent(nobody)
	w.add(byAPI(who.Ref{MarketoID: w.ids[nobody]}))
	w.arrive(nobody)
	w.resolve()
	stuck := w.stuck()
	require.Len(t, stuck, 1)
	require.Equal(t, models.HoldRecord, *stuck[0].Hold)
	require.Equal(t, nobody, stuck[0].PersonName)
}

func TestWhoArrivesAndHadSaidSoBeforeWaitsForNothing(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]func(*world) who.Ref{
		"by_marketo_id":    func(w *world) who.Ref { return who.Ref{MarketoID: w.ids[grace]} },
		"by_salesforce_id": func(w *world) who.Ref { return who.Ref{SalesforceID: w.record[grace]} },
		"by_address":       func(w *world) who.Ref { return who.Ref{Email: "grace@navy.example"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			w.absent(grace)
			w.add(byAPI(ref(w)))
			w.arrive(grace)
			w.unsubscribe(grace) // before anybody looked for who had arrived
			w.resolve()
			w.deliver()
			require.Empty(t, w.stuck(), "Salesforce knows")
			counts, err := models.CountUnsubscribes(t.Context(), w.db.Gorm)
			require.NoError(t, err)
			require.Zero(t, counts.NoPerson)
			require.Zero(t, counts.Waiting)
			require.True(t, w.optedOut(w.record[grace], models.StandardOptOut))
			require.Equal(t, []unsubscribes.Reason{unsubscribes.UnsubscribedHere}, w.may(who.Ref{PersonID: w.ids[grace]}).Reasons)
		})
	}
}

func TestTheWordOfWhoWasMergedGoesWithThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	id := w.unsubscribe(grace)
	w.deliver()
	w.leave(grace, "merged", fedor)
	require.Equal(t, []unsubscribes.Reason{unsubscribes.UnsubscribedHere}, w.may(who.Ref{PersonID: w.ids[fedor]}).Reasons, "from the first moment on")
	w.resolve()
	require.Equal(t, w.ids[fedor], *w.find(id).PersonID)
	w.later()
	w.deliver()
	require.True(t, w.optedOut(w.record[fedor], models.StandardOptOut), "whose record has not heard of it")
	require.Zero(t, w.resolve())
}

func TestTheWordOfWhoWasMergedTwiceGoesAllTheWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.unsubscribe(nobody) // without a record
	w.leave(nobody, "merged", grace)
	w.leave(grace, "merged", fedor)
	require.Equal(t, []unsubscribes.Reason{unsubscribes.UnsubscribedHere}, w.may(who.Ref{PersonID: w.ids[fedor]}).Reasons)
	w.resolve()
	w.resolve()
	w.deliver()
	require.Len(t, w.of(fedor), 1)
	require.True(t, w.optedOut(w.record[fedor], models.StandardOptOut))
	require.Empty(t, w.stuck())
}

func TestWhoWasMergedIntoSomebodyWhoHadSaidSoWaitsForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.unsubscribe(nobody)
	w.unsubscribe(grace)
	w.leave(nobody, "merged", grace)
	w.resolve()
	w.deliver()
	require.Empty(t, w.stuck(), "Salesforce knows")
	require.Contains(t, w.may(who.Ref{PersonID: w.ids[nobody]}).Reasons, unsubscribes.UnsubscribedHere)
}

func TestWhatIsNoReferenceIsRefusedInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	for field, ref := range map[string]who.Ref{"person_id": {}, "email": {Email: "not an address"}, "salesforce_id": {SalesforceID: "001000000000001AAA"}} {
		_, _, err := w.keeper.Add(t.Context(), byAPI(ref))
		var invalid *who.InvalidError
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, field, invalid.Field)
	}
	_, _, err := w.keeper.Add(t.Context(), byAPI(who.Ref{PersonID: 999_999}))
	var invalid *who.InvalidError
	require.ErrorAs(t, err, &invalid)
}
