package org

// CustomField is a custom field of Task that is filled where the org has it.
type CustomField struct{ Name, Use string }

// CustomFields are all of them.
func CustomFields() []CustomField {
	return []CustomField{
		{FieldPresence, "The local presence number that a call was made from"},
		{FieldRecording, "Link to a call's recording"},
		{FieldCampaign, "The sales campaign"},
		{FieldStep, "The campaign's current step"},
		{FieldCampaignLink, "Link to the campaign"},
		{FieldPresentation, "An attachment of the email was viewed"},
		{FieldClicked, "A link in the email was clicked"},
		{FieldReplied, "The email was replied to"},
		{FieldViewed, "The email was opened"},
		{FieldStatus, "What happened to the email last: Sent, Opened, Clicked, Replied or Bounced"},
		{FieldTemplate, "The email's template"},
		{FieldTemplateLink, "Link to the template"},
		{FieldDetails, "Link to the activity where it was made"},
	}
}

// The custom fields.
const (
	FieldPresence     = "MSE_Call_Local_Presence_ID__c"
	FieldRecording    = "MSE_Call_Recording__c"
	FieldCampaign     = "MSE_Campaign__c"
	FieldStep         = "MSE_Current_Campaign_Step__c"
	FieldCampaignLink = "MSE_Campaign_Details_Link__c"
	FieldPresentation = "MSE_Presentation_Viewed__c"
	FieldClicked      = "MSE_Clicked__c"
	FieldReplied      = "MSE_Replied__c"
	FieldViewed       = "MSE_Viewed__c"
	FieldStatus       = "MSE_Email_Status__c"
	FieldTemplate     = "MSE_Template__c"
	FieldTemplateLink = "MSE_Template_Details__c"
	FieldDetails      = "MSE_Details__c"
)

// StandardFields are those of every Task that we fill (Salesforce: Task).
func StandardFields() []string {
	return []string{"Subject", "Status", "Priority", "ActivityDate", "TaskSubtype", "Type", "WhoId", "WhatId", "OwnerId", "Description",
		"CallDurationInSeconds", "CallDisposition"}
}
