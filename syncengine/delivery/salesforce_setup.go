package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/models"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/salesforce"
)

// Scheme is how a Task that was sent can be found again, so that none is made twice.
type Scheme string

// The schemes, the best first.
const (
	SchemeKey    Scheme = "key"    // a unique external id: Salesforce itself refuses the second
	SchemeField  Scheme = "field"  // a text field that can be searched
	SchemeMarker Scheme = "marker" // a line in the description, read back from the person's Tasks
)

// SalesforceSetup is what the org has, as the connected user sees it.
type SalesforceSetup struct {
	At         time.Time                  `json:"at"`
	Instance   string                     `json:"instance"`
	UserID     string                     `json:"user_id"`
	TaskTypes  []string                   `json:"task_types"` // of those that we use
	Fields     map[string]SalesforceField `json:"fields"`     // of those that we use
	KeyField   string                     `json:"key_field"`
	MarkerName string                     `json:"marker_field"`
	Scheme     Scheme                     `json:"scheme"`
	Error      string                     `json:"error"`
	Remedy     string                     `json:"remedy"`
}

// SalesforceField is a field of the org's Task.
type SalesforceField struct {
	Label    string `json:"label"`
	Length   int    `json:"length"`
	Create   bool   `json:"create"`
	Update   bool   `json:"update"`
	External bool   `json:"external"` // an external id
	Unique   bool   `json:"unique"`
	Filter   bool   `json:"filter"`
}

// CustomField is a custom field of Task that is filled where the org has it.
type CustomField struct{ Name, Use string }

// CustomFields are all of them.
func CustomFields() []CustomField {
	return []CustomField{
		{fieldPresence, "The local presence number that a call was made from"},
		{fieldRecording, "Link to a call's recording"},
		{fieldCampaign, "The sales campaign"},
		{fieldStep, "The campaign's current step"},
		{fieldCampaignLink, "Link to the campaign"},
		{fieldPresentation, "An attachment of the email was viewed"},
		{fieldClicked, "A link in the email was clicked"},
		{fieldReplied, "The email was replied to"},
		{fieldViewed, "The email was opened"},
		{fieldStatus, "What happened to the email last: Sent, Opened, Clicked, Replied or Bounced"},
		{fieldTemplate, "The email's template"},
		{fieldTemplateLink, "Link to the template"},
		{fieldDetails, "Link to the activity where it was made"},
	}
}

const (
	fieldPresence     = "MSE_Call_Local_Presence_ID__c"
	fieldRecording    = "MSE_Call_Recording__c"
	fieldCampaign     = "MSE_Campaign__c"
	fieldStep         = "MSE_Current_Campaign_Step__c"
	fieldCampaignLink = "MSE_Campaign_Details_Link__c"
	fieldPresentation = "MSE_Presentation_Viewed__c"
	fieldClicked      = "MSE_Clicked__c"
	fieldReplied      = "MSE_Replied__c"
	fieldViewed       = "MSE_Viewed__c"
	fieldStatus       = "MSE_Email_Status__c"
	fieldTemplate     = "MSE_Template__c"
	fieldTemplateLink = "MSE_Template_Details__c"
	fieldDetails      = "MSE_Details__c"
)

// standardFields are those of every Task that we fill (Salesforce: Task).
var standardFields = []string{"Subject", "Status", "ActivityDate", "TaskSubtype", "Type", "WhoId", "WhatId", "OwnerId", "Description",
	"CallDurationInSeconds", "CallDisposition"}

func (s SalesforceSetup) creates(field string) bool { return s.Fields[field].Create }
func (s SalesforceSetup) updates(field string) bool { return s.Fields[field].Update }

// engagementFields says whether the org has any field that shows what happened to an email.
func (s SalesforceSetup) engagementFields() bool {
	for _, name := range []string{fieldViewed, fieldClicked, fieldReplied, fieldStatus, fieldPresentation} {
		if s.updates(name) {
			return true
		}
	}
	return false
}

// SetUpSalesforce looks what the org has for our Tasks, as the connected user sees
// it, and keeps what it found. A field that is hidden from the user is not there for us.
func SetUpSalesforce(ctx context.Context, pool *pgxpool.Pool, client *salesforce.Client, instance, userID string, logging models.Logging) (SalesforceSetup, error) {
	s := SalesforceSetup{At: time.Now(), Instance: instance, UserID: userID, Fields: map[string]SalesforceField{}}
	err := s.look(ctx, client, logging)
	if err != nil {
		what := meaning(err)
		s.Error, s.Remedy = what.Text, what.Remedy
	}
	return s, errors.Join(err, keepSetup(ctx, pool, models.ToSalesforce, s))
}

// LoadSalesforceSetup returns what was found last, or nil.
func LoadSalesforceSetup(ctx context.Context, pool *pgxpool.Pool) (*SalesforceSetup, error) {
	var s *SalesforceSetup
	if err := pool.QueryRow(ctx, `SELECT setup FROM destinations WHERE name = 'salesforce'`).Scan(&s); err != nil {
		return nil, fmt.Errorf("read what the org has: %w", err)
	}
	return s, nil
}

func (s *SalesforceSetup) look(ctx context.Context, client *salesforce.Client, logging models.Logging) error {
	task, _, err := client.Describe(ctx, "Task", time.Time{})
	if err != nil {
		return fmt.Errorf("describe Salesforce's Task: %w", err)
	}
	if !task.Createable {
		return &PausedError{Class: failure.Access, Code: "no_tasks", Text: "The connected Salesforce user may not create Tasks.",
			Remedy: "Give the user the permission Edit Tasks in Salesforce, then press Test in Settings → Salesforce."}
	}
	wanted := append([]string{}, standardFields...)
	for _, f := range CustomFields() {
		wanted = append(wanted, f.Name)
	}
	for _, name := range append(wanted, logging.KeyField, logging.MarkerField) {
		if f, there := task.Field(name); there {
			s.Fields[name] = SalesforceField{Label: f.Label, Length: f.Length, Create: f.Createable, Update: f.Updateable,
				External: f.ExternalID, Unique: f.Unique, Filter: f.Filterable}
		}
	}
	if f, there := task.Field("Type"); there {
		for _, value := range []string{"Email", "Call", "Reply"} {
			if f.HasValue(value) {
				s.TaskTypes = append(s.TaskTypes, value)
			}
		}
	}
	s.chooseScheme(logging)
	return nil
}

// chooseScheme takes the best that the org has. A field too short for our id is none.
func (s *SalesforceSetup) chooseScheme(logging models.Logging) {
	s.Scheme = SchemeMarker
	if f := s.Fields[logging.KeyField]; logging.KeyField != "" && f.Create && f.External && f.Unique && f.Length >= 36 {
		s.Scheme, s.KeyField = SchemeKey, logging.KeyField
		return
	}
	for _, name := range []string{logging.MarkerField, logging.KeyField} {
		if f := s.Fields[name]; name != "" && f.Create && f.Filter && f.Length >= 36 {
			s.Scheme, s.MarkerName = SchemeField, name
			return
		}
	}
}

func (s SalesforceSetup) hasType(value string) bool {
	for _, t := range s.TaskTypes {
		if strings.EqualFold(t, value) {
			return t == value
		}
	}
	return false
}
