package handlers

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/people"
)

const peoplePath = "/people"

// peoplePage answers with the page, or with its results alone where htmx asks.
func (h *Handlers) peoplePage(c echo.Context, s peopleState) error {
	user, _ := request.User(c)
	results := peopleResults(s, user.Role == models.RoleAdmin)
	if request.HTMX(c) {
		return h.render(c, http.StatusOK, view.Results(results))
	}
	page, err := h.frame(c, "People")
	if err != nil {
		return err
	}
	page.Active = "people"
	return h.render(c, http.StatusOK, view.List(view.ListProps{Page: page, Filter: peopleFilter(s.query), Results: results}))
}

func peopleFilter(q models.PeopleQuery) view.Filter {
	f := view.Filter{
		Text: q.Text, Owner: q.OwnerID, Company: q.Company, Source: q.Source,
		Opportunity: q.HasOpportunity, Unsubscribed: q.Unsubscribed, Archived: q.Archived,
		Linked: q.UserID != "", Mine: q.Mine, Set: filtered(q),
	}
	if q.Sort != models.SortByName {
		f.Sort = string(q.Sort)
	}
	if q.Desc {
		f.Order = "desc"
	}
	return f
}

// filtered says whether anything but the text and whose they are narrows the list.
func filtered(q models.PeopleQuery) bool {
	return q.OwnerID != "" || q.Company != "" || q.Source != "" || q.HasOpportunity || q.Unsubscribed || q.Archived
}

func peopleResults(s peopleState, admin bool) view.ResultsProps {
	first := s.query
	first.Cursor = ""
	results := view.ResultsProps{
		Count: totalText(s.page.Total), Columns: peopleColumns(s.query), Export: peopleURL("/people.csv", first),
	}
	for _, p := range s.page.People {
		results.Rows = append(results.Rows, s.row(p))
	}
	results.Previous, results.Next = pageURL(first, s.page.Previous), pageURL(first, s.page.Next)
	if len(results.Rows) == 0 {
		results.Empty = emptyPeople(s, admin)
	}
	return results
}

func pageURL(q models.PeopleQuery, cursor string) string {
	if cursor == "" {
		return ""
	}
	q.Cursor = cursor
	return peopleURL(peoplePath, q)
}

// peopleColumns are the heads of the table, with the address that sorts by each.
func peopleColumns(q models.PeopleQuery) []view.Column {
	column := func(label string, by models.PeopleSort) view.Column {
		head := view.Column{Label: label, URL: peopleURL(peoplePath, sorted(q, by))}
		switch {
		case q.Sort == by && q.Desc:
			head.Sorted = "descending"
		case q.Sort == by:
			head.Sorted = "ascending"
		}
		return head
	}
	return []view.Column{
		column("Name", models.SortByName), column("Company", models.SortByCompany), column("Title", models.SortByTitle),
		column("Email", models.SortByEmail), {Label: "Phone"}, column("Owner", models.SortByOwner),
		column("Source", models.SortBySource), column("Updated", models.SortByUpdated),
	}
}

func (s peopleState) row(p models.Person) view.Row {
	row := view.Row{
		URL: personURL(p.ID), Name: p.Name(), Company: text(p.Company), Title: text(p.Title), Email: text(p.Email),
		Phone: text(p.Phone), Owner: text(p.OwnerID), Source: text(p.Source), Updated: p.SyncedAt, Unsubscribed: p.Unsubscribed || s.said[p.ID],
	}
	if n := s.shared[row.Email]; n > 1 && p.ArchivedAt == nil {
		row.Sharing = grouped(int64(n)) + " people share this email"
		if n >= 100 {
			row.Sharing = "100 people or more share this email"
		}
		row.SharingURL = peopleURL(peoplePath, models.PeopleQuery{Text: row.Email, Sort: models.SortByName})
	}
	return row
}

func personURL(id int64) string { return peoplePath + "/" + strconv.FormatInt(id, 10) }

// emptyPeople says why nobody is listed, and what helps.
func emptyPeople(s peopleState, admin bool) *view.Empty {
	switch {
	case s.query.Cursor != "":
		return &view.Empty{Title: "The list ends here", Text: "Nobody comes after this.", Action: "First page", URL: pagelessURL(s.query)}
	case s.query.Mine && s.query.UserID == "":
		return &view.Empty{Title: "No people are linked to you", Text: unlinked, Action: "Show all people", URL: peoplePath}
	case s.query.Text != "" || s.query.Mine || filtered(s.query):
		return &view.Empty{Title: "Nobody found", Text: "Nobody meets this search and these filters.", Action: "Clear filters", URL: peoplePath}
	case s.copied:
		return &view.Empty{Title: "Nobody here yet", Text: "People appear as soon as they have a sales owner in Marketo."}
	case admin:
		return &view.Empty{Title: "Nobody here yet", Text: "People come from Marketo with the data sync.", Action: "Go to Data sync", URL: syncPath}
	default:
		return &view.Empty{Title: "Nobody here yet", Text: "People come from Marketo once an admin starts the data sync."}
	}
}

func pagelessURL(q models.PeopleQuery) string {
	q.Cursor = ""
	return peopleURL(peoplePath, q)
}
