package models

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// recordLinks is the name of the group in settings.
const recordLinks = "marketo_web"

// RecordLinks are the web addresses under which a person's records can be opened.
// The APIs do not tell them, so an admin does; empty ones mean no links.
type RecordLinks struct {
	MarketoURL    string `json:"marketo_url"`    // "https://app-sj01.marketo.com"
	SalesforceURL string `json:"salesforce_url"` // "https://acme.my.salesforce.com"
}

// LoadRecordLinks returns the addresses and their version.
func LoadRecordLinks(ctx context.Context, db *gorm.DB) (RecordLinks, int64, error) {
	var links RecordLinks
	version, err := LoadSetting(ctx, db, recordLinks, &links)
	return links, version, err
}

// SaveRecordLinks stores the addresses. Errors: ErrConflict.
func SaveRecordLinks(ctx context.Context, db *gorm.DB, links RecordLinks, version int64, by string) error {
	return SaveSetting(ctx, db, recordLinks, links, version, by)
}

// Lead returns where Marketo shows a lead, or "" (Marketo: "Lead detail page",
// /leadDatabase/loadLeadDetail?leadId=).
func (l RecordLinks) Lead(id int64) string {
	if l.MarketoURL == "" {
		return ""
	}
	return strings.TrimRight(l.MarketoURL, "/") + "/leadDatabase/loadLeadDetail?leadId=" + strconv.FormatInt(id, 10)
}

// Record returns where Salesforce shows a record of any kind, or "" (Salesforce: a
// record's id after the instance's address leads to its page).
func (l RecordLinks) Record(id *string) string {
	if l.SalesforceURL == "" || id == nil || *id == "" {
		return ""
	}
	return strings.TrimRight(l.SalesforceURL, "/") + "/" + url.PathEscape(*id)
}
