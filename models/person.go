package models

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Person is a lead or contact of Marketo that has a sales owner, as the workspace
// holds it. Nil means that Marketo has no value. Nothing but the people sync
// writes people.
type Person struct {
	ID int64 // the Marketo id

	FirstName               *string
	LastName                *string
	SalesforceContactID     *string
	SalesforceLeadID        *string
	SalesforceAccountID     *string
	SalesforceOpportunityID *string
	Company                 *string
	Title                   *string
	Email                   *string
	Phone                   *string
	LinkedInURL             *string `gorm:"column:linkedin_url"`
	Source                  *string

	OwnerID          *string
	SalesforceType   *string // "Lead", "Contact" or nil
	Unsubscribed     bool    // from Marketo's mail, as last read
	MarketoCreatedAt *time.Time
	MarketoUpdatedAt *time.Time

	ReadAt        time.Time // when the read that these values come from was sent
	SyncedAt      time.Time // when a value last changed here
	CreatedRunID  int64
	ArchivedAt    *time.Time
	ArchiveReason *ArchiveReason
	MergedInto    *int64
}

// TableName names the table.
func (Person) TableName() string { return "people" }

// Name returns the name as people write it, or the e-mail address, or "No name".
func (p Person) Name() string {
	if name := DisplayName(p.FirstName, p.LastName); name != "" {
		return name
	}
	if p.Email != nil && *p.Email != "" {
		return *p.Email
	}
	return "No name"
}

// ArchiveReason says why a person left the workspace.
type ArchiveReason string

// The reasons.
const (
	ArchivedOwnerLost   ArchiveReason = "owner_lost"
	ArchivedDeleted     ArchiveReason = "deleted"
	ArchivedMerged      ArchiveReason = "merged"
	ArchivedNotFound    ArchiveReason = "not_found"
	ArchivedUnqualified ArchiveReason = "unqualified" // the rule that selects people changed
)

// personColumns are what pages show; the folded keys stay in the database.
const personColumns = `id, first_name, last_name, salesforce_contact_id, salesforce_lead_id,
	salesforce_account_id, salesforce_opportunity_id, company, title, email, phone, linkedin_url,
	source, owner_id, salesforce_type, unsubscribed, marketo_created_at, marketo_updated_at,
	read_at, synced_at, created_run_id, archived_at, archive_reason, merged_into`

// FindPerson returns a person, archived ones too, or ErrNotFound.
func FindPerson(ctx context.Context, db *gorm.DB, id int64) (Person, error) {
	var p Person
	err := db.WithContext(ctx).Select(personColumns).Where("id = ?", id).Take(&p).Error
	return p, translate(err, "find person")
}

// PersonChange is one line of a person's provenance.
type PersonChange struct {
	ID        int64
	PersonID  int64
	RunID     int64
	RunKind   RunKind
	Field     string
	Old       *string
	New       *string
	ChangedAt time.Time
}

// PersonChanges returns the newest changes of a person, newest first.
func PersonChanges(ctx context.Context, db *gorm.DB, personID int64, limit int) ([]PersonChange, error) {
	var changes []PersonChange
	err := db.WithContext(ctx).Raw(`
		SELECT c.*, r.kind AS run_kind
		FROM person_changes c JOIN sync_runs r ON r.id = c.run_id
		WHERE c.person_id = ? ORDER BY c.id DESC LIMIT ?`, personID, limit).Scan(&changes).Error
	return changes, translate(err, "read a person's changes")
}

// SharedEmails returns how many people of the workspace share each of the given
// addresses, only where there are more than one; it counts to 100.
func SharedEmails(ctx context.Context, db *gorm.DB, emails []string) (map[string]int, error) {
	keys := make([]string, 0, len(emails))
	for _, email := range emails {
		keys = append(keys, SortKey(&email))
	}
	var rows []struct {
		Position int
		People   int
	}
	err := db.WithContext(ctx).Raw(`
		SELECT k.position, n.people
		FROM unnest(?::text[]) WITH ORDINALITY AS k (email_key, position)
		CROSS JOIN LATERAL (SELECT count(*) AS people FROM (
			SELECT 1 FROM people WHERE archived_at IS NULL AND email_key = k.email_key LIMIT 100) s) n
		WHERE n.people > 1`, textArray(keys)).Scan(&rows).Error
	if err != nil {
		return nil, translate(err, "count people who share an address")
	}
	shared := make(map[string]int, len(rows))
	for _, row := range rows {
		shared[emails[row.Position-1]] = row.People
	}
	return shared, nil
}

// PeopleWithEmail returns at most limit people of the workspace with the address.
func PeopleWithEmail(ctx context.Context, db *gorm.DB, email string, limit int) ([]Person, error) {
	var people []Person
	err := db.WithContext(ctx).Select(personColumns).
		Where("archived_at IS NULL AND email_key = ?", SortKey(&email)).
		Order("id").Limit(limit).Find(&people).Error
	return people, translate(err, "find people by address")
}
