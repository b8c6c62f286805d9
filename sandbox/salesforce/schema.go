package salesforce

import (
	"fmt"
	"slices"
	"strings"
)

// field is a field of an object, as describe tells of it.
type field struct {
	name, label, kind string // kind: id, string, textarea, boolean, int, date, datetime, reference, picklist, url, double
	length            int
	create, update    bool
	unfiltered        bool // cannot be used in WHERE
	restricted        bool
	external, unique  bool
	custom            bool
	required          bool // never empty; on creation it has a default
	values            []string
	refersTo          []string
	relation          string // "Owner": how a query reaches the parent
}

// object is a kind of record.
type object struct {
	name   string
	fields []field
	byName map[string]*field // in small letters
	writes bool
}

// index lets fields be found by name.
func (o *object) index() {
	o.byName = map[string]*field{}
	for i := range o.fields {
		o.byName[strings.ToLower(o.fields[i].name)] = &o.fields[i]
	}
}

func (o *object) field(name string) *field { return o.byName[strings.ToLower(name)] }

// standard makes the fields that every object has.
func standard() []field {
	return []field{
		{name: "Id", label: "Record ID", kind: "id", length: 18},
		{name: "IsDeleted", label: "Deleted", kind: "boolean"},
		{name: "CreatedDate", label: "Created Date", kind: "datetime"},
		{name: "CreatedById", label: "Created By ID", kind: "reference", length: 18, refersTo: []string{"User"}, relation: "CreatedBy"},
		{name: "LastModifiedDate", label: "Last Modified Date", kind: "datetime"},
		{name: "LastModifiedById", label: "Last Modified By ID", kind: "reference", length: 18, refersTo: []string{"User"}, relation: "LastModifiedBy"},
		{name: "SystemModstamp", label: "System Modstamp", kind: "datetime"},
	}
}

func writable(name, label, kind string, length int) field {
	return field{name: name, label: label, kind: kind, length: length, create: true, update: true}
}

func reference(name, label, relation string, to ...string) field {
	return field{name: name, label: label, kind: "reference", length: 18, create: true, update: true, refersTo: to, relation: relation}
}

func required(f field) field {
	f.required = true
	return f
}

func readOnly(name, label, kind string, length int) field {
	return field{name: name, label: label, kind: kind, length: length}
}

func picklist(name, label string, values ...string) field {
	return field{name: name, label: label, kind: "picklist", length: 255, create: true, update: true, values: values}
}

// schema makes the objects of an org.
func schema(cfg Config) map[string]*object {
	objects := map[string]*object{}
	add := func(name string, writes bool, fields ...field) {
		o := &object{name: name, fields: append(standard(), fields...), writes: writes}
		o.index()
		objects[strings.ToLower(name)] = o
	}
	person := []field{writable("FirstName", "First Name", "string", 40), writable("LastName", "Last Name", "string", 80), readOnly("Name", "Full Name", "string", 121),
		writable("Email", "Email", "string", 80), writable("Title", "Title", "string", 128), writable("Phone", "Phone", "string", 40),
		writable("HasOptedOutOfEmail", "Email Opt Out", "boolean", 0), required(reference("OwnerId", "Owner ID", "Owner", "User")),
		{name: "MasterRecordId", label: "Master Record ID", kind: "reference", length: 18}}
	optOut := func(object string) []field {
		if cfg.OptOutField == "" || !contains(cfg.OptOutOn, object) {
			return nil
		}
		return []field{{name: cfg.OptOutField, label: "Sales Opt Out", kind: "boolean", create: true, update: true, custom: true}}
	}
	add("Lead", true, slices.Concat(person, optOut("Lead"), []field{writable("Company", "Company", "string", 255), readOnly("IsConverted", "Converted", "boolean", 0),
		readOnly("ConvertedContactId", "Converted Contact ID", "reference", 18), readOnly("ConvertedAccountId", "Converted Account ID", "reference", 18),
		readOnly("ConvertedOpportunityId", "Converted Opportunity ID", "reference", 18)})...)
	add("Contact", true, slices.Concat(person, optOut("Contact"), []field{reference("AccountId", "Account ID", "Account", "Account")})...)
	add("Account", true, writable("Name", "Account Name", "string", 255), required(reference("OwnerId", "Owner ID", "Owner", "User")))
	add("Opportunity", true, writable("Name", "Name", "string", 120), writable("StageName", "Stage", "string", 255), reference("AccountId", "Account ID", "Account", "Account"),
		readOnly("IsClosed", "Closed", "boolean", 0), required(reference("OwnerId", "Owner ID", "Owner", "User")))
	add("OpportunityContactRole", false, reference("OpportunityId", "Opportunity ID", "Opportunity", "Opportunity"), reference("ContactId", "Contact ID", "Contact", "Contact"),
		writable("IsPrimary", "Primary", "boolean", 0), writable("Role", "Role", "string", 255))
	add("User", false, writable("Username", "Username", "string", 80), writable("Email", "Email", "string", 128), readOnly("Name", "Full Name", "string", 121),
		writable("IsActive", "Active", "boolean", 0))
	add("Organization", false, writable("Name", "Name", "string", 80), readOnly("IsSandbox", "Is Sandbox", "boolean", 0))
	add("TaskStatus", false, readOnly("ApiName", "API Name", "string", 255), readOnly("MasterLabel", "Label", "string", 255),
		readOnly("IsClosed", "Closed", "boolean", 0), readOnly("IsDefault", "Default", "boolean", 0))
	add("TaskPriority", false, readOnly("ApiName", "API Name", "string", 255), readOnly("MasterLabel", "Label", "string", 255),
		readOnly("IsHighPriority", "High Priority", "boolean", 0), readOnly("IsDefault", "Default", "boolean", 0))
	add("Task", true, taskFields(cfg)...)
	return objects
}

func taskFields(cfg Config) []field {
	subtype := picklist("TaskSubtype", "Task Subtype", "Task", "Email", "ListEmail", "Cadence", "Call", "LinkedIn")
	subtype.update, subtype.restricted = false, true
	callType := picklist("CallType", "Call Type", "Inbound", "Internal", "Outbound")
	callType.restricted = true
	description := writable("Description", "Description", "textarea", 32_000)
	description.unfiltered = true
	fields := []field{
		writable("Subject", "Subject", "string", 255), description, subtype, callType,
		required(picklist("Status", "Status", "Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred")),
		required(picklist("Priority", "Priority", "High", "Normal", "Low")), picklist("Type", "Type", cfg.TaskTypes...),
		writable("ActivityDate", "Due Date Only", "date", 0), required(reference("OwnerId", "Assigned To ID", "Owner", "User")),
		reference("WhoId", "Name ID", "Who", "Contact", "Lead"), reference("WhatId", "Related To ID", "What", "Account", "Opportunity"),
		{name: "AccountId", label: "Account ID", kind: "reference", length: 18, refersTo: []string{"Account"}, relation: "Account"},
		writable("CallDurationInSeconds", "Call Duration", "int", 0), writable("CallDisposition", "Call Result", "string", 255),
		writable("CallObject", "Call Object Identifier", "string", 255),
		readOnly("IsClosed", "Closed", "boolean", 0), readOnly("IsHighPriority", "High Priority", "boolean", 0), readOnly("IsArchived", "Archived", "boolean", 0),
		{name: "IsRecurrence", label: "Create Recurring Series of Tasks", kind: "boolean", create: true},
		{name: "RecurrenceActivityId", label: "Recurrence Activity ID", kind: "reference", length: 18, create: true, refersTo: []string{"Task"}, relation: "RecurrenceActivity"},
		readOnly("CompletedDateTime", "Completed Date", "datetime", 0),
		writable("IsReminderSet", "Reminder Set", "boolean", 0), writable("ReminderDateTime", "Reminder Date/Time", "datetime", 0),
	}
	if !cfg.NoMSEFields {
		for name, kind := range map[string]string{"MSE_Call_Local_Presence_ID__c": "string", "MSE_Call_Recording__c": "url", "MSE_Campaign__c": "string",
			"MSE_Current_Campaign_Step__c": "string", "MSE_Campaign_Details_Link__c": "url", "MSE_Presentation_Viewed__c": "boolean",
			"MSE_Clicked__c": "boolean", "MSE_Replied__c": "boolean", "MSE_Viewed__c": "boolean", "MSE_Email_Status__c": "string",
			"MSE_Template__c": "string", "MSE_Template_Details__c": "url", "MSE_Details__c": "url"} {
			length := 255
			if kind == "boolean" {
				length = 0
			}
			fields = append(fields, field{name: name, label: strings.ReplaceAll(strings.TrimSuffix(name, "__c"), "_", " "), kind: kind, length: length, create: true, update: true, custom: true})
		}
	}
	if cfg.KeyField != "" {
		fields = append(fields, field{name: cfg.KeyField, label: "Sales Actions Key", kind: "string", length: 64, create: true, update: true, custom: true, external: true, unique: true})
	}
	if cfg.MarkerField != "" {
		fields = append(fields, field{name: cfg.MarkerField, label: "Sales Actions Marker", kind: "string", length: 80, create: true, update: true, custom: true})
	}
	return fields
}

// describe tells of an object as the API does.
func (o *object) describe() map[string]any {
	fields := make([]map[string]any, len(o.fields))
	for i, f := range o.fields {
		values := []map[string]any{}
		for n, v := range f.values {
			values = append(values, map[string]any{"active": true, "defaultValue": n == 0, "label": v, "validFor": nil, "value": v})
		}
		var relation any
		if f.relation != "" {
			relation = f.relation
		}
		fields[i] = map[string]any{"name": f.name, "label": f.label, "type": f.kind, "length": f.length, "createable": f.create, "updateable": f.update,
			"filterable": !f.unfiltered, "sortable": !f.unfiltered, "nillable": !f.required && f.kind != "boolean", "custom": f.custom, "externalId": f.external, "unique": f.unique,
			"restrictedPicklist": f.restricted, "picklistValues": values, "referenceTo": f.refersTo, "relationshipName": relation, "defaultedOnCreate": f.required || f.kind == "boolean"}
	}
	return map[string]any{"name": o.name, "label": o.name, "keyPrefix": prefixes[o.name], "createable": o.writes, "updateable": o.writes, "deletable": o.writes,
		"queryable": true, "replicateable": true, "searchable": true, "fields": fields, "recordTypeInfos": []any{}, "childRelationships": []any{},
		"urls": map[string]string{"sobject": "/services/data/v66.0/sobjects/" + o.name}}
}

func noColumn(name, object string) string {
	return fmt.Sprintf("No such column '%s' on sobject of type %s", name, object)
}
