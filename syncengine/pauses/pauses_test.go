package pauses_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/syncengine/failure"
	"salesactions/syncengine/pauses"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// lasting is a pause of a class and code that began some time ago.
func lasting(class failure.Class, code string, since time.Duration) *pauses.Pause {
	return &pauses.Pause{Class: class, Code: code, Since: now.Add(-since)}
}

func TestWhenAPauseIsTriedAgain(t *testing.T) {
	t.Parallel()
	denied := failure.Failure{Class: failure.Access, Code: "603", Retry: failure.Never}
	for name, c := range map[string]struct {
		what   failure.Failure
		before *pauses.Pause
		since  time.Duration // how long ago it began
		wait   time.Duration
	}{
		"soon_at_first":                           {denied, nil, 0, 5 * time.Second},
		"soon_after_a_short_while":                {denied, lasting(failure.Access, "603", 6*time.Second), 6 * time.Second, 5 * time.Second},
		"later_the_longer_it_lasts":               {denied, lasting(failure.Access, "603", time.Minute), time.Minute, 30 * time.Second},
		"never_later_than_in_five_minutes":        {denied, lasting(failure.Access, "603", 5*time.Hour), 5 * time.Hour, 5 * time.Minute},
		"another_code_begins_and_waits_as_long":   {denied, lasting(failure.Access, "601", time.Minute), 0, 30 * time.Second},
		"another_class_begins_again":              {denied, lasting(failure.Limit, "603", time.Hour), 0, 5 * time.Second},
		"a_clock_that_was_set_back":               {denied, lasting(failure.Access, "603", -time.Hour), -time.Hour, 5 * time.Second},
		"what_passes_slowly_in_an_hour":           {failure.Failure{Class: failure.Access, Code: "STORAGE_LIMIT_EXCEEDED", Retry: failure.Slow}, nil, 0, time.Hour},
		"what_passes_slowly_in_an_hour_each_time": {failure.Failure{Class: failure.Access, Code: "x", Retry: failure.Slow}, lasting(failure.Access, "x", 9*time.Hour), 9 * time.Hour, time.Hour},
		"a_spent_quota_sooner":                    {failure.Failure{Class: failure.Limit, Code: "607", Retry: failure.Slow}, nil, 0, 15 * time.Minute},
		"the_calls_of_a_day_of_Salesforce_too":    {failure.Failure{Class: failure.Intermittent, Code: "REQUEST_LIMIT_EXCEEDED", Retry: failure.Slow}, nil, 0, 15 * time.Minute},
		"an_end_that_is_known_and_near":           {failure.Failure{Class: failure.Limit, Code: "quota", Until: now.Add(2 * time.Minute)}, nil, 0, 2 * time.Minute},
		"an_end_that_is_known_and_far":            {failure.Failure{Class: failure.Limit, Code: "quota", Until: now.Add(9 * time.Hour)}, lasting(failure.Limit, "quota", time.Hour), time.Hour, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pauses.Next(c.what, c.before, now)
			require.Equal(t, now.Add(-c.since), p.Since)
			require.Equal(t, c.wait, p.RetryAt.Sub(now))
			require.True(t, p.Waits(now))
			require.False(t, p.Waits(p.RetryAt), "its time has come")
		})
	}
}

func TestAPauseHasTheWordsOfItsFailure(t *testing.T) {
	t.Parallel()
	p := pauses.Next(failure.Failure{Class: failure.Setup, Code: "x", Text: "Something is missing.", Remedy: "Add it."}, nil, now)
	require.Equal(t, pauses.Pause{Class: failure.Setup, Code: "x", Text: "Something is missing.", Remedy: "Add it.", Since: now, RetryAt: now.Add(5 * time.Second)}, p)
}

func TestNoPauseDoesNotWait(t *testing.T) {
	t.Parallel()
	var none *pauses.Pause
	require.False(t, none.Waits(now))
}
