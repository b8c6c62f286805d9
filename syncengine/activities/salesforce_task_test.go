package activities

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"salesactions/models"
	"salesactions/syncengine/org"
	"salesactions/syncengine/outbox"
	"salesactions/syncengine/sftask"
)

var update = flag.Bool("update", false, "write the golden files anew")

// wholeOrg has every field that we fill.
func wholeOrg(scheme org.Scheme) taskMaker {
	s := org.Setup{TaskTypes: []string{"Email", "Call", "Reply"}, Scheme: scheme, Fields: map[string]org.Field{}}
	for _, name := range org.StandardFields() {
		s.Fields[name] = org.Field{Create: true, Update: name != "TaskSubtype"}
	}
	for _, f := range org.CustomFields() {
		s.Fields[f.Name] = org.Field{Create: true, Update: true, Length: 255}
	}
	switch scheme {
	case org.SchemeKey:
		s.KeyField = models.DefaultKeyField
	case org.SchemeField:
		s.MarkerName = "CallObject"
	}
	s.Fields[models.DefaultKeyField] = org.Field{Create: true, Length: 64}
	s.Fields["CallObject"] = org.Field{Create: true, Length: 255}
	return taskMaker{s}
}

func sentEmail() item {
	return item{Claimed: outbox.Claimed{ID: 1, Activity: uuid.MustParse("0193a1b2-0000-7000-8000-00000000000a")}, Kind: models.EmailSent, RepEmail: "rita@example.com",
		OccurredAt: time.Date(2026, 11, 23, 23, 30, 0, 0, time.FixedZone("", 2*3600)),
		Attributes: models.ActivityAttributes{Subject: "Quick question", BodyPreview: "Hello Ada,\nhave you got a minute?", TemplateName: "Intro",
			TemplateURL: "https://sender.example/t/1", CampaignName: "Q1 outreach", CampaignURL: "https://sender.example/c/1", CampaignDay: "3", CampaignStep: "2",
			DetailsURL: "https://sender.example/a/1"}}
}

func TestTasksAsSalesforceGetsThem(t *testing.T) {
	t.Parallel()
	seconds := 95
	call := sentEmail()
	call.Kind, call.Attributes = models.CallReceived, models.ActivityAttributes{Subject: "Intro call", CallOutcome: "Interested", CallReason: "Demo",
		CallDurationSeconds: &seconds, CallRecordingURL: "https://sender.example/r/1", LocalPresenceID: "+1 555 0100"}
	reply := sentEmail()
	reply.Kind, reply.Attributes, reply.Email = models.EmailReplied, models.ActivityAttributes{BodyPreview: "Sure."}, &models.ActivityAttributes{Subject: "Quick question", CampaignName: "Q1 outreach"}
	contact := target{Target: org.Target{WhoID: "003000000000001AAA", WhatID: "006000000000001AAA"}, ownerID: "005000000000001AAA"}
	cases := map[string]struct {
		in taskMaker
		i  item
		to target
	}{
		"email_with_key":         {wholeOrg(org.SchemeKey), sentEmail(), contact},
		"email_with_marker":      {wholeOrg(org.SchemeMarker), sentEmail(), contact},
		"email_of_a_lone_rep":    {wholeOrg(org.SchemeField), sentEmail(), target{Target: org.Target{WhoID: "00Q000000000001AAA"}, repUnmatched: true}},
		"call":                   {wholeOrg(org.SchemeKey), call, contact},
		"reply":                  {wholeOrg(org.SchemeKey), reply, contact},
		"email_in_a_bare_org":    {bareOrg(), sentEmail(), contact},
		"reply_without_its_type": {bareOrg(), reply, contact},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, c.in.newTask(c.i, c.to, models.DefaultSubjectTemplate))
		})
	}
}

// bareOrg has nothing installed and hides what it can.
func bareOrg() taskMaker {
	s := org.Setup{Scheme: org.SchemeMarker, Fields: map[string]org.Field{}}
	for _, name := range []string{"Subject", "Status", "ActivityDate", "WhoId", "WhatId", "OwnerId", "Description"} {
		s.Fields[name] = org.Field{Create: true, Update: true}
	}
	return taskMaker{s}
}

func golden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", "  ")
	require.NoError(t, err)
	path := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(want)), string(got))
}

func TestTheMarkerKeepsItsRoom(t *testing.T) {
	t.Parallel()
	i := sentEmail()
	i.Attributes.BodyPreview = strings.Repeat("x", 40_000)
	description := wholeOrg(org.SchemeMarker).newTask(i, target{Target: org.Target{WhoID: "003000000000001AAA"}}, "x")["Description"].(string)
	require.Len(t, description, maxDescription)
	require.True(t, strings.HasSuffix(description, sftask.Marker(i.Activity)))
}

func TestAFieldIsCutToItsLength(t *testing.T) {
	t.Parallel()
	whole := wholeOrg(org.SchemeKey)
	whole.Fields[org.FieldCampaign] = org.Field{Create: true, Length: 5}
	whole.Fields[org.FieldTemplateLink] = org.Field{Create: true, Length: 10}
	task := whole.newTask(sentEmail(), target{Target: org.Target{WhoID: "003000000000001AAA"}}, "x")
	require.Equal(t, "Q1 ou", task[org.FieldCampaign])
	require.NotContains(t, task, org.FieldTemplateLink, "half an address leads nowhere")
}

func TestWhatHappenedToAnEmail(t *testing.T) {
	t.Parallel()
	whole := wholeOrg(org.SchemeKey)
	require.Equal(t, map[string]any{"id": "00T1", org.FieldStatus: "Opened", org.FieldViewed: true}, whole.update("00T1", engagement{Opened: true}))
	require.Equal(t, map[string]any{"id": "00T1", org.FieldStatus: "Clicked", org.FieldViewed: true, org.FieldClicked: true}, whole.update("00T1", engagement{Clicked: true}))
	require.Equal(t, map[string]any{"id": "00T1", org.FieldStatus: "Bounced", org.FieldReplied: true}, whole.update("00T1", engagement{Replied: true, Bounced: true}))
	require.False(t, bareOrg().engagementFields())
}

func TestRepliesIgnoreTheTemplate(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Reply: Quick question", subjectOf(models.EmailReplied, models.ActivityAttributes{Subject: "Quick\nquestion"}, "{{activity_type}}"))
	require.Equal(t, "Reply: "+strings.Repeat("x", 248), subjectOf(models.EmailReplied, models.ActivityAttributes{Subject: strings.Repeat("x", 400)}, "ignored"))
}
