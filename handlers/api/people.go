package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// Person is a person as programs read it. The first thirteen members after the id
// are those that Marketo has; a value that Marketo does not have is null.
type Person struct {
	ID                      string  `json:"id"`
	FirstName               *string `json:"first_name"`
	LastName                *string `json:"last_name"`
	SalesforceContactID     *string `json:"salesforce_contact_id"`
	SalesforceLeadID        *string `json:"salesforce_lead_id"`
	SalesforceAccountID     *string `json:"salesforce_account_id"`
	SalesforceOpportunityID *string `json:"salesforce_opportunity_id"`
	MarketoID               string  `json:"marketo_id"`
	Company                 *string `json:"company"`
	Title                   *string `json:"title"`
	Email                   *string `json:"email"`
	Phone                   *string `json:"phone"`
	LinkedInURL             *string `json:"linkedin_url"`
	Source                  *string `json:"source"`

	OwnerID       *string    `json:"owner_id"`
	Unsubscribed  bool       `json:"unsubscribed"` // here, in Marketo or in Salesforce, as last synced
	ArchivedAt    *time.Time `json:"archived_at"`
	ArchiveReason *string    `json:"archive_reason"`
	MergedInto    *string    `json:"merged_into"`
	UpdatedAt     time.Time  `json:"updated_at"` // when a value last changed in the workspace
}

// PeoplePage is one page of people.
type PeoplePage struct {
	Items      []Person `json:"items"`
	NextCursor *string  `json:"next_cursor"`
}

// ListPeople answers GET /people: the people of the workspace by id, so that a
// program that reads all pages misses nobody who is there from beginning to end,
// whatever changes meanwhile.
func (h *Handlers) ListPeople(c echo.Context) error {
	q := readQuery(c, "q", "email", "marketo_id", "salesforce_id", "owner_id", "archived", "limit", "cursor")
	wish := models.PeopleQuery{
		Text: q.text("q"), Email: q.text("email"), MarketoID: q.number("marketo_id"),
		SalesforceID: q.text("salesforce_id"), OwnerID: q.text("owner_id"), Archived: q.truth("archived"),
		Sort: models.SortByID, Limit: q.limit(), Cursor: q.text("cursor"),
	}
	if err := q.problem(); err != nil {
		return err
	}
	found, err := models.ListPeople(c.Request().Context(), h.db, wish)
	if err != nil {
		return err
	}
	page := PeoplePage{Items: make([]Person, 0, len(found.People))}
	said, err := h.unsubscribed(c, found.People...)
	if err != nil {
		return err
	}
	for _, p := range found.People {
		page.Items = append(page.Items, newPerson(p, said[p.ID]))
	}
	if found.Next != "" {
		page.NextCursor = &found.Next
	}
	return ok(c, page)
}

// ShowPerson answers GET /people/{id}, for archived people too.
func (h *Handlers) ShowPerson(c echo.Context) error {
	if err := readQuery(c).problem(); err != nil {
		return err
	}
	const nobody = "There is no person with this id."
	id, valid := positive(c.Param("id"))
	if !valid {
		return NewProblem(http.StatusNotFound, nobody)
	}
	person, err := models.FindPerson(c.Request().Context(), h.db, id)
	if problem := ProblemFor(err); err != nil && problem.Status == http.StatusNotFound {
		problem.Detail = nobody
		return problem
	}
	if err != nil {
		return err
	}
	said, err := h.unsubscribed(c, person)
	if err != nil {
		return err
	}
	return ok(c, newPerson(person, said[person.ID]))
}

// unsubscribed says who of them said no here, or is opted out in Salesforce.
func (h *Handlers) unsubscribed(c echo.Context, people ...models.Person) (map[int64]bool, error) {
	ids := make([]int64, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return models.UnsubscribedAmong(c.Request().Context(), h.db, ids)
}

func newPerson(p models.Person, unsubscribed bool) Person {
	id := strconv.FormatInt(p.ID, 10)
	return Person{
		ID: id, MarketoID: id, FirstName: p.FirstName, LastName: p.LastName,
		SalesforceContactID: p.SalesforceContactID, SalesforceLeadID: p.SalesforceLeadID,
		SalesforceAccountID: p.SalesforceAccountID, SalesforceOpportunityID: p.SalesforceOpportunityID,
		Company: p.Company, Title: p.Title, Email: p.Email, Phone: p.Phone,
		LinkedInURL: p.LinkedInURL, Source: p.Source,
		OwnerID: p.OwnerID, Unsubscribed: p.Unsubscribed || unsubscribed, ArchivedAt: utc(p.ArchivedAt),
		ArchiveReason: (*string)(p.ArchiveReason), MergedInto: idText(p.MergedInto), UpdatedAt: p.SyncedAt.UTC(),
	}
}

// idText writes an id as ids are written: as a string, since some programs' numbers
// end at 53 bits.
func idText(id *int64) *string {
	if id == nil {
		return nil
	}
	text := strconv.FormatInt(*id, 10)
	return &text
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	moved := t.UTC()
	return &moved
}
