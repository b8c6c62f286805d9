package models

import (
	"context"

	"gorm.io/gorm"
)

// unsubscribeSettings is the name of the group in settings.
const unsubscribeSettings = "unsubscribes"

// Unsubscribing is what an admin chose about unsubscribes.
type Unsubscribing struct {
	Check       bool   `json:"check"`         // Marketo is asked before a send
	Nightly     Switch `json:"nightly"`       // both sides are compared each night
	OptOutField string `json:"opt_out_field"` // of leads and contacts in Salesforce
}

// Opt-out fields of Salesforce: the standard one, and the usual name of a separate
// one for sales.
const (
	StandardOptOut = "HasOptedOutOfEmail"
	SalesOptOut    = "Marketo_Sales_Opt_Out__c"
)

// LoadUnsubscribing returns the settings and their version.
func LoadUnsubscribing(ctx context.Context, db *gorm.DB) (Unsubscribing, int64, error) {
	u := Unsubscribing{Check: true, OptOutField: StandardOptOut}
	version, err := LoadSetting(ctx, db, unsubscribeSettings, &u)
	return u, version, err
}

// SaveUnsubscribing stores the settings. Errors: ErrConflict.
func SaveUnsubscribing(ctx context.Context, db *gorm.DB, u Unsubscribing, version int64, by string) error {
	return SaveSetting(ctx, db, unsubscribeSettings, u, version, by)
}
