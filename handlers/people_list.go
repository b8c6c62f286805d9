package handlers

import (
	"context"

	"github.com/labstack/echo/v4"

	"salesactions/models"
)

// peopleState is a page of the list with what its rows show besides.
type peopleState struct {
	query  models.PeopleQuery
	page   models.PeoplePage
	shared map[string]int // how many people share an address, where more than one does
	said   map[int64]bool // who unsubscribed here or in Salesforce
	copied bool           // whether there was a sync yet, which an empty list wants to know
}

// PeopleList shows the list of people, or only its results where htmx asks.
func (h *Handlers) PeopleList(c echo.Context) error {
	query, err := peopleQuery(c)
	if err != nil {
		return err
	}
	if query.UserID, err = h.salesforceUser(c); err != nil {
		return err
	}
	state, err := h.loadPeople(c.Request().Context(), query)
	if err != nil {
		return err
	}
	return h.peoplePage(c, state)
}

func (h *Handlers) loadPeople(ctx context.Context, query models.PeopleQuery) (s peopleState, err error) {
	s.query, s.copied = query, true
	if s.page, err = models.ListPeople(ctx, h.db, query); err != nil {
		return s, err
	}
	if len(s.page.People) == 0 {
		sync, err := models.FindPeopleSync(ctx, h.db)
		s.copied = sync.CopiedAt != nil || sync.State != models.PhaseIdle
		return s, err
	}
	emails, ids := make([]string, 0, len(s.page.People)), make([]int64, 0, len(s.page.People))
	for _, p := range s.page.People {
		ids = append(ids, p.ID)
		if p.Email != nil && *p.Email != "" {
			emails = append(emails, *p.Email)
		}
	}
	if s.said, err = models.UnsubscribedAmong(ctx, h.db, ids); err != nil {
		return s, err
	}
	s.shared, err = models.SharedEmails(ctx, h.db, emails)
	return s, err
}

// sorted is the query that a click on a column's head leads to: its order, or the
// reverse where it is sorted by that already.
func sorted(q models.PeopleQuery, by models.PeopleSort) models.PeopleQuery {
	q.Desc = q.Sort == by && !q.Desc
	q.Sort, q.Cursor = by, ""
	return q
}
