package unsubscribes_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/unsubscribes"
	"salesactions/syncengine/who"
)

func TestTheNightBeginsAtEightInThePacificEveningSummerAndWinter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ now, due string }{
		"in_winter_that_is_04_00_UTC":        {"2026-01-15T04:00:00Z", "2026-01-15T04:00:00Z"},
		"a_second_before_it_is_yesterdays":   {"2026-01-15T03:59:59Z", "2026-01-14T04:00:00Z"},
		"in_summer_that_is_03_00_UTC":        {"2026-07-15T03:00:00Z", "2026-07-15T03:00:00Z"},
		"a_second_before_it_in_summer":       {"2026-07-15T02:59:59Z", "2026-07-14T03:00:00Z"},
		"the_evening_before_clocks_go_on":    {"2026-03-08T04:00:00Z", "2026-03-08T04:00:00Z"},
		"the_evening_after_they_went_on":     {"2026-03-09T03:00:00Z", "2026-03-09T03:00:00Z"},
		"an_hour_before_that_it_is_the_last": {"2026-03-09T02:59:59Z", "2026-03-08T04:00:00Z"},
		"the_evening_before_clocks_go_back":  {"2026-11-01T03:00:00Z", "2026-11-01T03:00:00Z"},
		"the_evening_after_they_went_back":   {"2026-11-02T04:00:00Z", "2026-11-02T04:00:00Z"},
		"an_hour_before_that_it_is_not_yet":  {"2026-11-02T03:30:00Z", "2026-11-01T03:00:00Z"},
		"noon_belongs_to_the_night_before":   {"2026-05-01T19:00:00Z", "2026-05-01T03:00:00Z"},
		"over_the_turn_of_the_year":          {"2027-01-01T03:00:00Z", "2026-12-31T04:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, c.now)
			require.NoError(t, err)
			due, err := unsubscribes.LastNight(now)
			require.NoError(t, err)
			require.Equal(t, c.due, due.UTC().Format(time.RFC3339))
		})
	}
}

func TestTheNextNightIsAtEightInTheEveningWhateverTheClocksDo(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]string{
		"2026-01-15T12:00:00Z": "2026-01-16T04:00:00Z", // 20:00 in winter
		"2026-07-15T12:00:00Z": "2026-07-16T03:00:00Z", // and in summer
		"2026-01-16T04:00:00Z": "2026-01-17T04:00:00Z", // just begun
		"2026-03-08T04:30:00Z": "2026-03-09T03:00:00Z", // a day of 23 hours
		"2026-11-01T03:30:00Z": "2026-11-02T04:00:00Z", // and one of 25
	} {
		at, err := time.Parse(time.RFC3339, now)
		require.NoError(t, err)
		next, err := unsubscribes.NextNight(at)
		require.NoError(t, err)
		require.Equal(t, want, next.UTC().Format(time.RFC3339), now)
	}
}

// runs returns the comparisons so far, newest first.
func (w *world) runs() []models.UnsubscribeRun {
	w.t.Helper()
	runs, err := models.RecentUnsubscribeRuns(w.t.Context(), w.db.Gorm, 50)
	require.NoError(w.t, err)
	return runs
}

// newEvening is a world with the nightly sync, an hour before last night: runs are
// stamped by the database's own clock, so that no other night will do.
func newEvening(t *testing.T, config sandboxsalesforce.Config) (w *world, night time.Time) {
	t.Helper()
	night, err := unsubscribes.LastNight(time.Now())
	require.NoError(t, err)
	w = newWorldAt(t, config, night.Add(-time.Hour))
	w.nightly(true)
	return w, night
}

// runNow asks for a run, as Run now does, and does it.
func (w *world) runNow() models.UnsubscribeRun {
	w.t.Helper()
	require.NoError(w.t, w.keeper.Begin(w.t.Context(), "user:admin@example.com"))
	w.watch()
	return w.runs()[0]
}

func TestTheNightlyRunIsDoneOnceAndGoesBothWays(t *testing.T) {
	t.Parallel()
	w, night := newEvening(t, sandboxsalesforce.Config{})
	w.watch()
	require.Empty(t, w.runs(), "the night before it was switched on is not made up for")
	w.unsubscribe(grace)
	w.deliver()
	w.tick(grace, models.StandardOptOut, false)
	w.tick(wei, models.StandardOptOut, true)
	w.tick(zoe, models.StandardOptOut, true)

	w.clock.set(night.Add(-time.Second))
	w.watch()
	require.Empty(t, w.runs(), "it is not 20:00 yet")
	w.clock.set(night)
	w.watch()
	w.clock.set(night.Add(time.Minute))
	w.watch()
	w.deliver()
	runs := w.runs()
	require.Len(t, runs, 1, "once a night")
	require.Equal(t, models.RunDone, *runs[0].Outcome)
	require.Equal(t, "system", runs[0].StartedBy)
	require.EqualValues(t, 2, runs[0].Read)
	require.EqualValues(t, 1, runs[0].Pushed)
	require.True(t, w.optedOut(w.record[grace], models.StandardOptOut), "who is unsubscribed here and not there is told there")
	for _, name := range []string{wei, zoe} {
		said := w.of(name)
		require.Len(t, said, 1, name)
		require.Equal(t, models.BySalesforce, said[0].Source)
		require.Nil(t, said[0].Push, "what came from there is not sent back")
		require.Equal(t, "Rita Rep", said[0].Actor, "whoever changed the record there is named")
	}
}

func TestANightThatTheProgramSleptThroughIsMadeUpFor(t *testing.T) {
	t.Parallel()
	w, night := newEvening(t, sandboxsalesforce.Config{})
	w.tick(wei, models.StandardOptOut, true)
	w.clock.set(night.Add(9 * time.Hour))
	w.start(unsubscribes.Config{})
	w.watch()
	require.Len(t, w.runs(), 1)
	require.Len(t, w.of(wei), 1)
}

func TestWithTheNightlySyncOffNothingIsReadUnlessAsked(t *testing.T) {
	t.Parallel()
	w, night := newEvening(t, sandboxsalesforce.Config{})
	w.nightly(false)
	w.tick(wei, models.StandardOptOut, true)
	w.clock.set(night.Add(time.Minute))
	w.watch()
	require.Empty(t, w.runs())
	require.Empty(t, w.of(wei))

	run := w.runNow()
	require.Equal(t, models.RunDone, *run.Outcome)
	require.Equal(t, "user:admin@example.com", run.StartedBy)
	require.Len(t, w.of(wei), 1)
}

func TestARunIsNotBegunTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	require.NoError(t, w.keeper.Begin(t.Context(), "test"))
	require.ErrorIs(t, w.keeper.Begin(t.Context(), "test"), unsubscribes.ErrRunning)
	w.watch()
	require.NoError(t, w.keeper.Begin(t.Context(), "test"), "it is over")
}

func TestARunThatAKilledProgramBeganIsDoneAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.tick(wei, models.StandardOptOut, true)
	require.NoError(t, w.keeper.Begin(t.Context(), "test"))
	lease := models.Lease{Name: "unsubscribes:run", Holder: "a replica that is at it", Lasting: time.Minute}
	got, err := models.AcquireLease(t.Context(), w.db.Pool, lease)
	require.NoError(t, err)
	require.True(t, got)
	w.watch()
	require.Nil(t, w.runs()[0].FinishedAt, "another replica does it")
	require.NoError(t, models.ReleaseLease(t.Context(), w.db.Pool, lease)) // as its time ends
	w.watch()
	require.Equal(t, models.RunDone, *w.runs()[0].Outcome)
	require.Len(t, w.of(wei), 1)
}

func TestARunThatFailedSaysWhyAndIsBegunAgain(t *testing.T) {
	t.Parallel()
	w, night := newEvening(t, sandboxsalesforce.Config{})
	w.tick(wei, models.StandardOptOut, true)
	w.clock.set(night)
	w.down.Store(true)
	require.Error(t, w.keeper.Watch(t.Context()))
	runs := w.runs()
	require.Len(t, runs, 1)
	require.Equal(t, models.RunFailed, *runs[0].Outcome)
	require.NotEmpty(t, *runs[0].Error)
	require.NotEmpty(t, *runs[0].Remedy)
	_ = w.keeper.Watch(t.Context()) // which follows in the meantime, and fails as well
	require.Len(t, w.runs(), 1, "not at once")
	_, err := w.db.Pool.Exec(t.Context(), `UPDATE unsubscribe_runs SET started_at = started_at - interval '16 minutes'`)
	require.NoError(t, err)
	w.down.Store(false)
	w.watch()
	runs = w.runs()
	require.Len(t, runs, 2)
	require.Equal(t, models.RunDone, *runs[0].Outcome)
	require.Len(t, w.of(wei), 1)
}

func TestARunWithoutAFieldToReadSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.settings(func(u *models.Unsubscribing) { u.OptOutField = custom })
	require.NoError(t, w.keeper.Begin(t.Context(), "test"))
	require.Error(t, w.keeper.Watch(t.Context()))
	run := w.runs()[0]
	require.Equal(t, models.RunFailed, *run.Outcome, "nothing was compared")
	require.Contains(t, *run.Error, custom)
	require.Contains(t, *run.Remedy, "Settings")
}

func TestARunIsNotBegunWhereSalesforceIsNotConnected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.gone = true
	var said *failure.PausedError
	require.ErrorAs(t, w.keeper.Begin(t.Context(), "test"), &said)
	require.Empty(t, w.runs())
}

func TestTheNightlyRunReadsTheChosenField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{OptOutField: custom, OptOutOn: []string{"Lead"}})
	w.settings(func(u *models.Unsubscribing) { u.OptOutField = custom })
	w.tick(zoe, custom, true)
	w.tick(grace, models.StandardOptOut, true)
	run := w.runNow()
	require.Equal(t, models.RunDone, *run.Outcome, "a field that only leads have is read of leads")
	require.Len(t, w.of(zoe), 1)
	require.Empty(t, w.of(grace), "marketing's opt-out is another matter")
}

func TestOptOutsComeOverBetweenTheNights(t *testing.T) {
	t.Parallel()
	w, night := newEvening(t, sandboxsalesforce.Config{})
	w.clock.set(night.Add(time.Minute))
	w.watch() // the run
	w.clock.pass(time.Hour)
	w.watch() // a look in between
	w.tick(wei, models.StandardOptOut, true)
	w.watch()
	require.Empty(t, w.of(wei), "the last look was a moment ago")
	w.polled(6 * time.Minute)
	w.watch()
	require.Len(t, w.of(wei), 1)
	require.Len(t, w.runs(), 1, "that is no run")
}

func TestAnOptOutOfATransactionThatLastedIsNotMissed(t *testing.T) {
	t.Parallel()
	w, night := newEvening(t, sandboxsalesforce.Config{})
	w.clock.set(night.Add(time.Minute))
	w.watch()
	long := w.org.Open()
	_, err := long.Act("update", "Contact", w.record[wei], map[string]any{models.StandardOptOut: true})
	require.NoError(t, err)
	w.clock.pass(9 * time.Minute)
	w.polled(6 * time.Minute)
	w.watch()
	require.Empty(t, w.of(wei))
	require.NoError(t, long.Commit())
	w.clock.pass(time.Minute)
	w.polled(6 * time.Minute)
	w.watch()
	require.Len(t, w.of(wei), 1, "its stamp is ten minutes old")
}

// polled makes the last look at Salesforce older.
func (w *world) polled(ago time.Duration) {
	w.t.Helper()
	_, err := w.db.Pool.Exec(w.t.Context(), `UPDATE opt_out_cursor SET polled_at = $1`, w.clock.Now().Add(-ago))
	require.NoError(w.t, err)
}

func TestUntickingThereDoesNotResubscribeHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.tick(wei, models.StandardOptOut, true)
	w.runNow()
	w.tick(wei, models.StandardOptOut, false)
	w.runNow()
	said := w.of(wei)
	require.Len(t, said, 1)
	require.Nil(t, said[0].ClearedAt)
	require.Equal(t, []unsubscribes.Reason{unsubscribes.OptedOutInSalesforce}, w.may(who.Ref{PersonID: w.ids[wei]}).Reasons)
	w.deliver()
	require.False(t, w.optedOut(w.record[wei], models.StandardOptOut), "nor does what came from there tick it again")
}

func TestNoOptOutIsEverTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.tick(wei, models.StandardOptOut, true)
	w.tick(zoe, models.StandardOptOut, true)
	first := w.unsubscribe(grace)
	w.runNow()
	w.deliver()
	require.NoError(t, w.keeper.Clear(t.Context(), first, "test"))
	for _, said := range append(w.of(wei), w.of(zoe)...) {
		require.NoError(t, w.keeper.Clear(t.Context(), said.ID, "test"))
	}
	w.runNow()
	w.deliver()
	for _, name := range []string{wei, zoe, grace} {
		require.True(t, w.optedOut(w.record[name], models.StandardOptOut), name)
	}
	require.Contains(t, w.bodies(), `"`+models.StandardOptOut+`":true`)
	require.NotContains(t, w.bodies(), `"`+models.StandardOptOut+`":false`, "only true travels")
}

func TestTheOldLeadOfAContactDoesNotSpeakForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.tick(zoe, models.StandardOptOut, true)
	lead := w.record[zoe]
	w.act("convert", lead, nil)
	contact, _ := w.value("Lead", lead, "ConvertedContactId").(string)
	require.NoError(t, w.other.Change(w.ids[zoe], map[string]string{"sfdcContactId": contact}))
	w.arrive(zoe)
	w.runNow()
	said := w.of(zoe)
	require.Len(t, said, 1, "the contact took the lead's opt-out over")
	w.tick(zoe, models.StandardOptOut, false)
	require.NoError(t, w.keeper.Clear(t.Context(), said[0].ID, "test"))
	w.runNow()
	require.True(t, w.may(who.Ref{PersonID: w.ids[zoe]}).Allowed, "cleared on both sides by hand; nobody can change the converted lead any more")
}

func TestARunAsksWhatBecameOfALead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.act("convert", w.record[zoe], nil) // Marketo has not heard of it yet
	w.unsubscribe(zoe)
	w.deliver()
	contact, _ := w.value("Lead", w.record[zoe], "ConvertedContactId").(string)
	require.True(t, w.optedOut(contact, models.StandardOptOut))
	require.Zero(t, w.runNow().Pushed, "the contact has it, and the lead cannot")
	w.act("update", contact, map[string]any{models.StandardOptOut: false})
	require.EqualValues(t, 1, w.runNow().Pushed)
	w.deliver()
	require.True(t, w.optedOut(contact, models.StandardOptOut))
}

func TestTwoPeopleOfOneRecordAreBothCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	require.NoError(t, w.other.Change(w.ids[king], map[string]string{"sfdcContactId": w.record[ada]}))
	w.arrive(king)
	w.unsubscribe(ada)
	w.unsubscribe(king)
	w.deliver()
	require.Zero(t, w.runNow().Pushed)
	w.tick(ada, models.StandardOptOut, false)
	require.EqualValues(t, 2, w.runNow().Pushed)
	w.tick(ada, models.StandardOptOut, true)
	w.runNow()
	require.Len(t, w.of(ada), 2, "each has both sides' word")
	require.Len(t, w.of(king), 2)
}

func TestARunTakesUpWhatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	w.instead = refuse("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Ask the owner first.")
	id := w.unsubscribe(grace)
	w.deliver()
	require.Equal(t, models.Failed, w.find(id).Push.State)
	w.instead = nil
	require.EqualValues(t, 1, w.runNow().Pushed)
	w.deliver()
	require.Equal(t, models.Delivered, w.find(id).Push.State)
}

func TestARunGoesThroughThousands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandboxsalesforce.Config{})
	const many = 2300 // more than a page
	for n := range many {
		values := map[string]any{"LastName": "Many", models.StandardOptOut: n%2 == 0}
		id, err := w.org.Act("create", "Contact", "", values)
		require.NoError(t, err)
		_, err = w.db.Pool.Exec(t.Context(), `INSERT INTO people (id, last_name, email_key, salesforce_contact_id, name_key, company_key, title_key, source_key, search, read_at, created_run_id)
			VALUES ($1, 'Many', '', $2, '', '', '', '', '', now(), 1)`, 100_000+n, id)
		require.NoError(t, err)
	}
	_, err := w.db.Pool.Exec(t.Context(), `WITH u AS (INSERT INTO unsubscribes (person_id, source) SELECT id, 'rep' FROM people WHERE id >= 100000 RETURNING id)
		INSERT INTO deliveries (unsubscribe_id, destination, operation, occurred_at, state) SELECT id, 'salesforce', 'opt_out', now(), 'delivered' FROM u`)
	require.NoError(t, err)
	run := w.runNow()
	require.Equal(t, []int64{many / 2, 0, many / 2}, []int64{run.Read, run.Taken, run.Pushed}, "what we told ourselves is no news")
	w.deliver()
	for r := range w.org.Records("Contact", false) {
		if r.Values["LastName"] == "Many" {
			require.Equal(t, true, r.Values[models.StandardOptOut])
		}
	}
	require.Zero(t, w.runNow().Pushed)
}
