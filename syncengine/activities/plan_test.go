package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salesactions/models"
)

// logs are settings as an admin may choose them, switched on at noon.
func logs(emails, replies, calls bool) models.Logging {
	at := func(on bool) models.Switch { return models.Switch{On: on, Since: noon} }
	return models.Logging{Emails: at(emails), Replies: at(replies), Calls: at(calls)}
}

func TestPlanDecidesWhatGoesToSalesforce(t *testing.T) {
	t.Parallel()
	task := func(reason models.SkipReason) planned {
		return planned{destination: models.ToSalesforce, operation: models.Create, reason: reason}
	}
	change := planned{destination: models.ToSalesforce, operation: models.Update, hold: models.HoldEmail}
	noEmail := planned{destination: models.ToSalesforce, operation: models.Update, reason: models.SkippedNoEmail}
	all := logs(true, true, true)
	earlier := noon.Add(-time.Hour)
	for name, c := range map[string]struct {
		logging models.Logging
		kind    models.ActivityKind
		email   string
		at      time.Time // noon if zero
		want    []planned
	}{
		"an_email":                            {logging: all, kind: models.EmailSent, want: []planned{task("")}},
		"an_email_that_is_not_logged":         {logging: logs(false, true, true), kind: models.EmailSent, want: []planned{task(models.SkippedOff)}},
		"an_email_before_the_switch":          {logging: all, kind: models.EmailSent, at: earlier, want: []planned{task(models.SkippedBefore)}},
		"an_email_of_a_slow_clock":            {logging: all, kind: models.EmailSent, at: noon.Add(-30 * time.Second), want: []planned{task("")}},
		"a_call":                              {logging: logs(false, false, true), kind: models.CallReceived, want: []planned{task("")}},
		"a_call_that_is_not_logged":           {logging: logs(true, true, false), kind: models.CallReceived, want: []planned{task(models.SkippedOff)}},
		"a_call_before_the_switch":            {logging: all, kind: models.CallReceived, at: earlier, want: []planned{task(models.SkippedBefore)}},
		"an_open_changes_the_email":           {logging: all, kind: models.EmailOpened, email: "e", want: []planned{change}},
		"a_click_changes_the_email":           {logging: all, kind: models.EmailClicked, email: "e", want: []planned{change}},
		"a_bounce_changes_the_email":          {logging: all, kind: models.EmailBounced, email: "e", want: []planned{change}},
		"an_open_of_no_email":                 {logging: all, kind: models.EmailOpened, want: []planned{noEmail}},
		"a_reply_is_a_Task_and_changes_one":   {logging: all, kind: models.EmailReplied, email: "e", want: []planned{task(""), change}},
		"a_reply_to_no_email_is_a_Task":       {logging: all, kind: models.EmailReplied, want: []planned{task("")}},
		"a_reply_that_only_changes_the_email": {logging: logs(true, false, true), kind: models.EmailReplied, email: "e", want: []planned{change}},
		"a_reply_without_its_emails":          {logging: logs(false, true, true), kind: models.EmailReplied, email: "e", want: []planned{change}},
		"a_reply_before_the_switch":           {logging: all, kind: models.EmailReplied, email: "e", at: earlier, want: []planned{change}},
		"a_reply_to_nothing_that_is_off":      {logging: logs(true, false, true), kind: models.EmailReplied, want: []planned{noEmail}},
		"a_campaign_begun":                    {logging: all, kind: models.CampaignAdded, want: []planned{task(models.SkippedKind)}},
		"a_campaign_ended":                    {logging: all, kind: models.CampaignRemoved, want: []planned{task(models.SkippedKind)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := entry{Input: Input{Kind: c.kind, EmailKey: c.email, OccurredAt: noon}, personID: 11}
			if !c.at.IsZero() {
				e.OccurredAt = c.at
			}
			marketo := planned{destination: models.ToMarketo, operation: models.Create}
			require.Equal(t, append([]planned{marketo}, c.want...), Plan{Logging: c.logging}.of(e))
		})
	}
}

func TestPlanHoldsWhatHasNobodyYet(t *testing.T) {
	t.Parallel()
	plan := Plan{Logging: logs(true, false, false)}
	for kind, want := range map[models.ActivityKind][]models.Hold{
		models.EmailSent:     {models.HoldPerson, models.HoldPerson},
		models.CallReceived:  {models.HoldPerson, ""}, // its Task is skipped, whoever it is about
		models.CampaignAdded: {models.HoldPerson, ""},
		models.EmailOpened:   {models.HoldPerson, models.HoldEmail},
	} {
		var holds []models.Hold
		for _, p := range plan.of(entry{Input: Input{Kind: kind, EmailKey: "e", OccurredAt: noon}}) {
			holds = append(holds, p.hold)
		}
		require.Equal(t, want, holds, kind)
	}
}
