package handlers

import (
	"context"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

const (
	maxChanges = 500 // more than the history of a person who is edited every week for years
	maxSharing = 20
)

// personState is everything that a person's page shows.
type personState struct {
	person  models.Person
	changes []models.PersonChange // newest first
	sharing []models.Person       // others in the workspace with the same address
	links   models.RecordLinks
}

// PersonShow shows a person, archived or not: the 13 fields with where each came
// from, and links to the records in Marketo and Salesforce.
func (h *Handlers) PersonShow(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	state, err := h.loadPerson(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return h.personPage(c, state)
}

func (h *Handlers) loadPerson(ctx context.Context, id int64) (s personState, err error) {
	if s.person, err = models.FindPerson(ctx, h.db, id); err != nil {
		return s, err
	}
	if s.changes, err = models.PersonChanges(ctx, h.db, id, maxChanges); err != nil {
		return s, err
	}
	if s.links, _, err = models.LoadRecordLinks(ctx, h.db); err != nil {
		return s, err
	}
	if s.person.Email == nil || *s.person.Email == "" {
		return s, nil
	}
	same, err := models.PeopleWithEmail(ctx, h.db, *s.person.Email, maxSharing+1)
	for _, p := range same {
		if p.ID != id {
			s.sharing = append(s.sharing, p)
		}
	}
	return s, err
}

// personField is one of the 13 fields, by its name in the API, with its record's
// address where it names one.
type personField struct {
	name, label, value, link string
}

// personFields are the 13, in the order of the page.
func personFields(p models.Person, links models.RecordLinks) []personField {
	return []personField{
		{"first_name", "First name", text(p.FirstName), ""},
		{"last_name", "Last name", text(p.LastName), ""},
		{"title", "Title", text(p.Title), ""},
		{"company", "Company", text(p.Company), ""},
		{"email", "E-mail", text(p.Email), ""},
		{"phone", "Phone", text(p.Phone), ""},
		{"linkedin_url", "LinkedIn", text(p.LinkedInURL), webLink(p.LinkedInURL)},
		{"source", "Source", text(p.Source), ""},
		{"marketo_id", "Marketo id", strconv.FormatInt(p.ID, 10), links.Lead(p.ID)},
		{"salesforce_lead_id", "Salesforce lead", text(p.SalesforceLeadID), links.Record(p.SalesforceLeadID)},
		{"salesforce_contact_id", "Salesforce contact", text(p.SalesforceContactID), links.Record(p.SalesforceContactID)},
		{"salesforce_account_id", "Salesforce account", text(p.SalesforceAccountID), links.Record(p.SalesforceAccountID)},
		{"salesforce_opportunity_id", "Salesforce opportunity", text(p.SalesforceOpportunityID), links.Record(p.SalesforceOpportunityID)},
	}
}

// byField sorts a person's changes by the field that they are of, newest first.
func byField(changes []models.PersonChange) map[string][]models.PersonChange {
	sorted := make(map[string][]models.PersonChange)
	for _, change := range changes {
		sorted[change.Field] = append(sorted[change.Field], change)
	}
	return sorted
}

// archiveText says why a person left the workspace.
func archiveText(reason models.ArchiveReason) string {
	switch reason {
	case models.ArchivedOwnerLost:
		return "has no sales owner any more"
	case models.ArchivedDeleted:
		return "was deleted in Marketo"
	case models.ArchivedMerged:
		return "was merged into another record in Marketo"
	case models.ArchivedNotFound:
		return "is no longer found in Marketo"
	case models.ArchivedUnqualified:
		return "no longer meets the rule that selects people"
	default:
		return "left the workspace"
	}
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

// webLink returns a value of Marketo as an address to link to, if it is one of the
// web; anything else, such as "javascript:", is only shown.
func webLink(value *string) string {
	if value == nil || !webPage(*value) {
		return ""
	}
	return *value
}
