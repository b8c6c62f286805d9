package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// loggingSettings is the name of the group in settings.
const loggingSettings = "logging"

// Switch is a choice of an admin that holds for what happens after it was made.
type Switch struct {
	On    bool      `json:"on"`
	Since time.Time `json:"since"` // when it was last switched on
}

// clockSlack is how far the clock of a sender may be behind ours: an activity that
// seems to be that much older than a switch was still recorded after it.
const clockSlack = time.Minute

// Covers says whether the switch holds for what happened at a time.
func (s Switch) Covers(at time.Time) bool { return s.On && !at.Before(s.Since.Add(-clockSlack)) }

// Set returns the switch as it is after somebody put it on or off.
func (s Switch) Set(on bool, now time.Time) Switch {
	if on && !s.On {
		return Switch{On: true, Since: now}
	}
	s.On = on
	return s
}

// Logging is what an admin chose to log to Salesforce, and how.
type Logging struct {
	Emails          Switch `json:"emails"`
	Replies         Switch `json:"replies"` // as Tasks of their own; only where Emails is on
	Calls           Switch `json:"calls"`
	Tasks           Switch `json:"tasks"` // reminder tasks
	SubjectTemplate string `json:"subject_template"`
	// KeyField is the custom field of Activity that holds our id, if it is an
	// external id and unique: then Salesforce itself refuses doubles.
	KeyField string `json:"key_field"`
	// MarkerField is a plain text field that holds our id where there is no key field.
	MarkerField string `json:"marker_field"`
}

// DefaultSubjectTemplate and DefaultKeyField are what holds until an admin says otherwise.
const (
	DefaultSubjectTemplate = "{{activity_type}}: {{activity_subject}}"
	DefaultKeyField        = "Sales_Actions_Key__c"
)

// LoadLogging returns the settings and their version. Nothing is logged by default.
func LoadLogging(ctx context.Context, db *gorm.DB) (Logging, int64, error) {
	logging := Logging{SubjectTemplate: DefaultSubjectTemplate, KeyField: DefaultKeyField}
	version, err := LoadSetting(ctx, db, loggingSettings, &logging)
	return logging, version, err
}

// SaveLogging stores the settings. Errors: ErrConflict.
func SaveLogging(ctx context.Context, db *gorm.DB, logging Logging, version int64, by string) error {
	return SaveSetting(ctx, db, loggingSettings, logging, version, by)
}
