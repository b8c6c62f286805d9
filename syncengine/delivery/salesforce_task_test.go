package delivery

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
)

var update = flag.Bool("update", false, "write the golden files anew")

// wholeOrg has every field that we fill.
func wholeOrg(scheme Scheme) SalesforceSetup {
	s := SalesforceSetup{TaskTypes: []string{"Email", "Call", "Reply"}, Scheme: scheme, Fields: map[string]SalesforceField{}}
	for _, name := range standardFields {
		s.Fields[name] = SalesforceField{Create: true, Update: name != "TaskSubtype"}
	}
	for _, f := range CustomFields() {
		s.Fields[f.Name] = SalesforceField{Create: true, Update: true, Length: 255}
	}
	switch scheme {
	case SchemeKey:
		s.KeyField = models.DefaultKeyField
	case SchemeField:
		s.MarkerName = "CallObject"
	}
	s.Fields[models.DefaultKeyField] = SalesforceField{Create: true, Length: 64}
	s.Fields["CallObject"] = SalesforceField{Create: true, Length: 255}
	return s
}

func sentEmail() item {
	return item{ID: 1, ActivityID: uuid.MustParse("0193a1b2-0000-7000-8000-00000000000a"), Kind: models.EmailSent, RepEmail: "rita@example.com",
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
	contact := target{whoID: "003000000000001AAA", whatID: "006000000000001AAA", ownerID: "005000000000001AAA"}
	cases := map[string]struct {
		org SalesforceSetup
		i   item
		to  target
	}{
		"email_with_key":         {wholeOrg(SchemeKey), sentEmail(), contact},
		"email_with_marker":      {wholeOrg(SchemeMarker), sentEmail(), contact},
		"email_of_a_lone_rep":    {wholeOrg(SchemeField), sentEmail(), target{whoID: "00Q000000000001AAA", repUnmatched: true}},
		"call":                   {wholeOrg(SchemeKey), call, contact},
		"reply":                  {wholeOrg(SchemeKey), reply, contact},
		"email_in_a_bare_org":    {bareOrg(), sentEmail(), contact},
		"reply_without_its_type": {bareOrg(), reply, contact},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, c.org.newTask(c.i, c.to, models.DefaultSubjectTemplate))
		})
	}
}

// bareOrg has nothing installed and hides what it can.
func bareOrg() SalesforceSetup {
	s := SalesforceSetup{Scheme: SchemeMarker, Fields: map[string]SalesforceField{}}
	for _, name := range []string{"Subject", "Status", "ActivityDate", "WhoId", "WhatId", "OwnerId", "Description"} {
		s.Fields[name] = SalesforceField{Create: true, Update: true}
	}
	return s
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
	description := wholeOrg(SchemeMarker).newTask(i, target{whoID: "003000000000001AAA"}, "x")["Description"].(string)
	require.Len(t, description, maxDescription)
	require.True(t, strings.HasSuffix(description, marker(i.ActivityID)))
}

func TestAFieldIsCutToItsLength(t *testing.T) {
	t.Parallel()
	org := wholeOrg(SchemeKey)
	org.Fields[fieldCampaign] = SalesforceField{Create: true, Length: 5}
	org.Fields[fieldTemplateLink] = SalesforceField{Create: true, Length: 10}
	task := org.newTask(sentEmail(), target{whoID: "003000000000001AAA"}, "x")
	require.Equal(t, "Q1 ou", task[fieldCampaign])
	require.NotContains(t, task, fieldTemplateLink, "half an address leads nowhere")
}

func TestWhatHappenedToAnEmail(t *testing.T) {
	t.Parallel()
	org := wholeOrg(SchemeKey)
	require.Equal(t, map[string]any{"id": "00T1", fieldStatus: "Opened", fieldViewed: true}, org.update("00T1", engagement{Opened: true}))
	require.Equal(t, map[string]any{"id": "00T1", fieldStatus: "Clicked", fieldViewed: true, fieldClicked: true}, org.update("00T1", engagement{Clicked: true}))
	require.Equal(t, map[string]any{"id": "00T1", fieldStatus: "Bounced", fieldReplied: true}, org.update("00T1", engagement{Replied: true, Bounced: true}))
	require.False(t, bareOrg().engagementFields())
}

func TestWhatATaskHangsOn(t *testing.T) {
	t.Parallel()
	contact, lead, account, opportunity := "003000000000001", "00Q000000000001", "001000000000001", "006000000000001"
	long := func(id string) string { return normalID(id) }
	cases := map[string]struct {
		i       item
		records map[string]known
		want    target
	}{
		"a_lead_has_no_what":            {item{LeadID: &lead, AccountID: &account}, nil, target{whoID: long(lead)}},
		"a_contact_has_its_account":     {item{ContactID: &contact, AccountID: &account}, nil, target{whoID: long(contact), whatID: long(account)}},
		"a_contact_comes_before_a_lead": {item{ContactID: &contact, LeadID: &lead}, nil, target{whoID: long(contact)}},
		"marketos_opportunity_first":    {item{ContactID: &contact, AccountID: &account, OpportunityID: &opportunity}, nil, target{whoID: long(contact), whatID: long(opportunity)}},
		"else_the_open_one": {item{ContactID: &contact, AccountID: &account}, map[string]known{contact: {opportunity: opportunity}},
			target{whoID: long(contact), whatID: long(opportunity)}},
		"a_converted_lead": {item{LeadID: &lead}, map[string]known{lead: {follow: long(contact), account: account}},
			target{whoID: long(contact), whatID: long(account)}},
		"a_lead_merged_into_a_converted_one": {item{LeadID: &lead}, map[string]known{lead: {follow: "00Q000000000002AAA"}, "00Q000000000002": {follow: contact, opportunity: opportunity}},
			target{whoID: long(contact), whatID: long(opportunity)}},
		"nobody": {item{}, nil, target{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, targetOf(c.i, c.records))
		})
	}
}
