package unsubscribes_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/sandbox/fault"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/unsubscribes"
	"salesactions/syncengine/who"
)

type reasons = []unsubscribes.Reason

// mayCase is whether an email may be sent to a person, after what happened.
type mayCase struct {
	happened []func(*world)
	ask      func(*world) who.Ref
	want     reasons
}

type mayCases map[string]mayCase

// hold checks each case in a world of its own.
func (cases mayCases) hold(t *testing.T) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandboxsalesforce.Config{})
			for _, happen := range c.happened {
				happen(w)
			}
			require.Equal(t, c.want, w.may(c.ask(w)).Reasons)
		})
	}
}

func person(name string) func(*world) who.Ref {
	return func(w *world) who.Ref { return who.Ref{PersonID: w.ids[name]} }
}

func address(text string) func(*world) who.Ref {
	return func(*world) who.Ref { return who.Ref{Email: text} }
}

func here(name string) func(*world) { return func(w *world) { w.unsubscribe(name) } }

func inMarketo(name string) func(*world) {
	return func(w *world) {
		require.NoError(w.t, w.other.Change(w.ids[name], map[string]string{"unsubscribed": "true"}))
	}
}

func inSalesforce(name string) func(*world) {
	return func(w *world) {
		w.tick(name, models.StandardOptOut, true)
		w.runNow()
	}
}

// off switches off that Marketo is asked.
func off(w *world) { w.settings(func(u *models.Unsubscribing) { u.Check = false }) }

// fail breaks what Marketo answers about people.
func fail(kind fault.Kind) func(*world) {
	return func(w *world) {
		w.other.Fault(fault.Rule{Path: "/rest/v1/leads", Kind: kind, Code: "611", Message: "System error"})
	}
}

func TestAnEmailMayBeSentToWhoNeverSaidNo(t *testing.T) {
	t.Parallel()
	mayCases{
		"nobody_said_no":                  {nil, person(grace), nil},
		"nobody_said_no_by_marketo_id":    {nil, func(w *world) who.Ref { return who.Ref{MarketoID: w.ids[grace]} }, nil},
		"nobody_said_no_by_salesforce_id": {nil, func(w *world) who.Ref { return who.Ref{SalesforceID: w.record[grace]} }, nil},
		"nobody_said_no_by_address":       {nil, address("GRACE@navy.example"), nil},
		"nobody_of_a_shared_address":      {nil, address("ada@acme.example"), nil},

		"cleared_here_is_a_yes": {[]func(*world){func(w *world) {
			require.NoError(w.t, w.keeper.Clear(w.t.Context(), w.unsubscribe(grace), "test"))
		}}, person(grace), nil},
	}.hold(t)
}

func TestANoOfAnySideForbidsAnEmail(t *testing.T) {
	t.Parallel()
	mayCases{
		"unsubscribed_here":                         {[]func(*world){here(grace)}, person(grace), reasons{unsubscribes.UnsubscribedHere}},
		"unsubscribed_here_by_address":              {[]func(*world){here(grace)}, address("grace@navy.example"), reasons{unsubscribes.UnsubscribedHere}},
		"unsubscribed_here_who_shares_the_address":  {[]func(*world){here(king)}, person(ada), reasons{unsubscribes.UnsubscribedHere}},
		"unsubscribed_here_one_of_a_shared_address": {[]func(*world){here(king)}, address("ada@acme.example"), reasons{unsubscribes.UnsubscribedHere}},
		"somebody_elses_no_is_not_theirs":           {[]func(*world){here(grace)}, person(wei), nil},

		"unsubscribed_in_marketo_asked_live":          {[]func(*world){inMarketo(grace)}, person(grace), reasons{unsubscribes.UnsubscribedInMarketo}},
		"unsubscribed_in_marketo_by_address":          {[]func(*world){inMarketo(grace)}, address("grace@navy.example"), reasons{unsubscribes.UnsubscribedInMarketo}},
		"unsubscribed_in_marketo_who_shares_address":  {[]func(*world){inMarketo(king)}, person(ada), reasons{unsubscribes.UnsubscribedInMarketo}},
		"unsubscribed_in_marketo_of_a_shared_address": {[]func(*world){inMarketo(king)}, address("ada@acme.example"), reasons{unsubscribes.UnsubscribedInMarketo}},
		"unsubscribed_in_marketo_and_not_here": {[]func(*world){inMarketo(nobody), func(w *world) { w.absent(nobody) }}, address("no.owner@example.com"),
			reasons{unsubscribes.UnknownPerson, unsubscribes.UnsubscribedInMarketo}},

		"opted_out_in_salesforce":          {[]func(*world){inSalesforce(grace)}, person(grace), reasons{unsubscribes.OptedOutInSalesforce}},
		"opted_out_who_shares_the_address": {[]func(*world){inSalesforce(king)}, person(ada), reasons{unsubscribes.OptedOutInSalesforce}},
		"all_three": {[]func(*world){here(grace), inSalesforce(grace), inMarketo(grace)}, person(grace),
			reasons{unsubscribes.UnsubscribedHere, unsubscribes.OptedOutInSalesforce, unsubscribes.UnsubscribedInMarketo}},
	}.hold(t)
}

func TestAMarketoInTroubleForbidsAnEmail(t *testing.T) {
	t.Parallel()
	mayCases{
		"marketo_is_down":                            {[]func(*world){fail(fault.HTML)}, person(grace), reasons{unsubscribes.MarketoUnreachable}},
		"marketo_hangs_up":                           {[]func(*world){fail(fault.DropAfter)}, person(grace), reasons{unsubscribes.MarketoUnreachable}},
		"marketo_answers_an_error":                   {[]func(*world){fail(fault.Code)}, person(grace), reasons{unsubscribes.MarketoUnreachable}},
		"marketo_answers_half":                       {[]func(*world){fail(fault.Truncate)}, person(grace), reasons{unsubscribes.MarketoUnreachable}},
		"marketo_answers_nonsense":                   {[]func(*world){fail(fault.WrongType)}, person(grace), reasons{unsubscribes.MarketoUnreachable}},
		"marketo_is_down_and_here_is_no":             {[]func(*world){fail(fault.HTML), here(grace)}, person(grace), reasons{unsubscribes.UnsubscribedHere, unsubscribes.MarketoUnreachable}},
		"marketo_answers_nobody":                     {[]func(*world){fail(fault.EmptyResult)}, person(grace), reasons{unsubscribes.UnknownPerson}},
		"marketo_answers_nobody_of_a_shared_address": {[]func(*world){fail(fault.EmptyResult)}, address("ada@acme.example"), reasons{unsubscribes.UnknownPerson}},
	}.hold(t)
}

func TestAnUnknownPersonIsSentNothing(t *testing.T) {
	t.Parallel()
	mayCases{
		"an_unknown_address":       {nil, address("stranger@example.com"), reasons{unsubscribes.UnknownPerson}},
		"an_unknown_marketo_id":    {nil, func(*world) who.Ref { return who.Ref{MarketoID: 999_999} }, reasons{unsubscribes.UnknownPerson}},
		"an_unknown_id_of_ours":    {nil, func(*world) who.Ref { return who.Ref{PersonID: 999_999} }, reasons{unsubscribes.UnknownPerson}},
		"an_unknown_salesforce_id": {nil, func(*world) who.Ref { return who.Ref{SalesforceID: "003000000000999AAA"} }, reasons{unsubscribes.UnknownPerson}},
		"an_unknown_address_that_said_no": {[]func(*world){func(w *world) { w.add(byAPI(who.Ref{Email: "stranger@example.com"})) }}, address("Stranger@example.com"),
			reasons{unsubscribes.UnsubscribedHere, unsubscribes.UnknownPerson}},
		"an_unknown_id_that_said_no": {[]func(*world){func(w *world) { w.add(byAPI(who.Ref{MarketoID: 999_999})) }}, func(*world) who.Ref { return who.Ref{MarketoID: 999_999} },
			reasons{unsubscribes.UnsubscribedHere, unsubscribes.UnknownPerson}},
	}.hold(t)
}

func TestWithoutTheCheckOnlyMarketoIsNotAsked(t *testing.T) {
	t.Parallel()
	mayCases{
		"switched_off_marketo_is_not_asked":   {[]func(*world){off, inMarketo(grace)}, person(grace), nil},
		"switched_off_and_marketo_is_down":    {[]func(*world){off, fail(fault.HTML)}, person(grace), nil},
		"switched_off_here_still_holds":       {[]func(*world){off, here(grace)}, person(grace), reasons{unsubscribes.UnsubscribedHere}},
		"switched_off_salesforce_still_holds": {[]func(*world){off, inSalesforce(grace)}, person(grace), reasons{unsubscribes.OptedOutInSalesforce}},
		"switched_off_an_unknown_one_is_a_no": {[]func(*world){off}, address("stranger@example.com"), reasons{unsubscribes.UnknownPerson}},
	}.hold(t)
}

func TestANoOutlivesWhoSaidIt(t *testing.T) {
	t.Parallel()
	mayCases{
		"deleted_in_marketo": {[]func(*world){func(w *world) {
			require.NoError(w.t, w.other.Delete(w.ids[grace]))
			w.leave(grace, "deleted", "")
		}}, person(grace), reasons{unsubscribes.UnknownPerson}},
		"deleted_in_marketo_having_said_no": {[]func(*world){here(grace), func(w *world) {
			require.NoError(w.t, w.other.Delete(w.ids[grace]))
			w.leave(grace, "deleted", "")
		}}, address("grace@navy.example"), reasons{unsubscribes.UnsubscribedHere, unsubscribes.UnknownPerson}},
		"merged_the_loser_is_the_winner": {[]func(*world){inMarketo(fedor), func(w *world) {
			require.NoError(w.t, w.other.Merge(w.ids[fedor], w.ids[grace]))
			w.leave(grace, "merged", fedor)
		}}, person(grace), reasons{unsubscribes.UnsubscribedInMarketo}},
		"merged_and_nobody_said_no": {[]func(*world){func(w *world) {
			require.NoError(w.t, w.other.Merge(w.ids[fedor], w.ids[grace]))
			w.leave(grace, "merged", fedor)
		}}, person(grace), nil},
		"merged_the_losers_no_is_the_winners": {[]func(*world){here(grace), func(w *world) {
			require.NoError(w.t, w.other.Merge(w.ids[fedor], w.ids[grace]))
			w.leave(grace, "merged", fedor)
		}}, person(fedor), reasons{unsubscribes.UnsubscribedHere}},
		"merged_and_asked_by_the_losers_address": {[]func(*world){off, here(grace), func(w *world) {
			w.leave(grace, "merged", fedor)
			w.resolve()
		}}, address("grace@navy.example"), reasons{unsubscribes.UnsubscribedHere}},
		"left_for_want_of_an_owner_and_said_no": {[]func(*world){here(grace), func(w *world) { w.leave(grace, "owner_lost", "") }}, person(grace),
			reasons{unsubscribes.UnsubscribedHere}},
	}.hold(t)
}

func TestTheAnswerSaysOfWhomWhenAndWhetherMarketoWasAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	a := w.may(who.Ref{PersonID: w.ids[grace]})
	require.WithinDuration(t, w.clock.Now(), a.CheckedAt, time.Minute)
	a.CheckedAt = time.Time{}
	require.Equal(t, unsubscribes.Answer{Allowed: true, PersonID: w.ids[grace], Email: "grace@navy.example", Marketo: true}, a)
	w.settings(func(u *models.Unsubscribing) { u.Check = false })
	require.False(t, w.may(who.Ref{PersonID: w.ids[grace]}).Marketo)
}

func TestTheAnswerComesInTimeWhateverMarketoDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.other.Fault(fault.Rule{Path: "/rest/v1/leads", Kind: fault.Latency, Delay: time.Minute})
	w.start(unsubscribes.Config{CheckTime: 300 * time.Millisecond})
	began := time.Now()
	a := w.may(who.Ref{PersonID: w.ids[grace]})
	require.Equal(t, reasons{unsubscribes.MarketoUnreachable}, a.Reasons)
	require.Less(t, time.Since(began), 10*time.Second)
	require.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond, "it was waited for")
}

func TestAYesInTimeIsNotWaitedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.start(unsubscribes.Config{CheckTime: time.Hour})
	require.True(t, w.may(who.Ref{PersonID: w.ids[grace]}).Allowed)
}

func TestIdsThatMeanDifferentPeopleAreAnErrorAndNoYes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	a, err := w.keeper.MaySend(t.Context(), who.Ref{PersonID: w.ids[grace], MarketoID: w.ids[wei]})
	var invalid *who.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.False(t, a.Allowed)
	a, err = w.keeper.MaySend(t.Context(), who.Ref{})
	require.ErrorAs(t, err, &invalid)
	require.False(t, a.Allowed)
}

func TestEveryReasonHasWords(t *testing.T) {
	t.Parallel()
	for _, r := range (reasons{unsubscribes.UnsubscribedHere, unsubscribes.UnsubscribedInMarketo, unsubscribes.OptedOutInSalesforce, unsubscribes.MarketoUnreachable, unsubscribes.UnknownPerson}) {
		require.NotEqual(t, string(r), r.Name())
	}
}
