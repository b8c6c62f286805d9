package handlers

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// PeopleExport streams the people of the list's filter, all pages of it, as CSV: the
// 13 fields by their names in the API.
func (h *Handlers) PeopleExport(c echo.Context) error {
	query, err := peopleQuery(c)
	if err != nil {
		return err
	}
	if query.UserID, err = h.salesforceUser(c); err != nil {
		return err
	}
	query.Cursor, query.Limit = "", exportPage
	ended := false
	return h.sendCSV(c, "people", exportHeader(), func() ([][]string, error) {
		if ended {
			return nil, nil
		}
		page, err := models.ListPeople(c.Request().Context(), h.db, query)
		query.Cursor, ended = page.Next, page.Next == ""
		rows := make([][]string, len(page.People))
		for i, p := range page.People {
			rows[i] = exportRow(p)
		}
		return rows, err
	})
}

func exportHeader() []string {
	return []string{
		"marketo_id", "first_name", "last_name", "email", "phone", "title", "company", "source", "linkedin_url",
		"salesforce_lead_id", "salesforce_contact_id", "salesforce_account_id", "salesforce_opportunity_id",
	}
}

// exportRow has the order of exportHeader.
func exportRow(p models.Person) []string {
	row := []string{strconv.FormatInt(p.ID, 10)}
	for _, value := range []*string{
		p.FirstName, p.LastName, p.Email, p.Phone, p.Title, p.Company, p.Source, p.LinkedInURL,
		p.SalesforceLeadID, p.SalesforceContactID, p.SalesforceAccountID, p.SalesforceOpportunityID,
	} {
		row = append(row, harmless(text(value)))
	}
	return row
}
