package handlers

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// exportPage is how many people are read and sent at a time.
const exportPage = 500

// PeopleExport streams the people of the list's filter, all pages of it, as CSV:
// the 13 fields by their names in the API. Memory does not grow with people.
func (h *Handlers) PeopleExport(c echo.Context) error {
	query, err := peopleQuery(c)
	if err != nil {
		return err
	}
	query.Cursor, query.Limit = "", exportPage
	ctx := c.Request().Context()
	page, err := models.ListPeople(ctx, h.db, query)
	if err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	header.Set(echo.HeaderContentDisposition, `attachment; filename="people-`+h.now().UTC().Format("2006-01-02")+`.csv"`)
	c.Response().WriteHeader(http.StatusOK)
	// Lines end with LF: with CRLF the writer would change the line ends inside values.
	w := csv.NewWriter(c.Response())
	if err := w.Write(exportHeader()); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	for {
		if err := allowWrite(c); err != nil {
			return err
		}
		for _, p := range page.People {
			if err := w.Write(exportRow(p)); err != nil {
				return fmt.Errorf("write CSV: %w", err)
			}
		}
		if w.Flush(); w.Error() != nil {
			return fmt.Errorf("write CSV: %w", w.Error())
		}
		c.Response().Flush()
		if page.Next == "" {
			return nil
		}
		query.Cursor = page.Next
		if page, err = models.ListPeople(ctx, h.db, query); err != nil {
			return err
		}
	}
}

// exportWrite is how long a client may take for one page of the export.
const exportWrite = time.Minute

// allowWrite moves the server's limit on writing, which is meant for pages, so that
// an export may last as long as its client goes on reading.
func allowWrite(c echo.Context) error {
	err := http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(exportWrite))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("move the write deadline: %w", err)
	}
	return nil
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
		if value == nil {
			row = append(row, "")
			continue
		}
		row = append(row, harmless(*value))
	}
	return row
}

// harmless keeps a spreadsheet from running a value as a formula (OWASP: CSV
// injection): one that starts like a formula gets an apostrophe, which
// spreadsheets hide. A telephone number such as "+1 (555) 010-7788" cannot do
// anything and stays as it is, for programs that read the file.
func harmless(value string) string {
	if value == "" || !strings.ContainsRune("=+-@\t\r\n", rune(value[0])) {
		return value
	}
	if strings.Trim(value, "+-0123456789 ().") == "" {
		return value
	}
	return "'" + value
}
