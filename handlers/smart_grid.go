package handlers

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/people"
)

// The parameters of the smart grid's address.
const (
	paramWeek    = "week"
	paramAccount = "account"
)

// anyWeek selects all weeks; without a week it is the current one.
const anyWeek = "all"

// gridChoice is what is selected in the smart grid.
type gridChoice struct {
	person  models.Person
	kind    syncengine.GridKind // empty: all
	week    time.Time           // zero: all
	account bool
}

// SmartGrid shows what Marketo itself knows of a person's last 90 days, asked for
// now: a part of the person's page, or a page of its own in a browser without scripts.
func (h *Handlers) SmartGrid(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	choice := gridChoice{kind: syncengine.GridKind(c.QueryParam(paramKind)), account: isSet(c.QueryParams(), paramAccount)}
	if choice.kind != "" && !choice.kind.Valid() {
		return Failure{Status: http.StatusBadRequest, Detail: "This kind is not known. Choose one of the grid."}
	}
	switch week := c.QueryParam(paramWeek); week {
	case anyWeek:
	case "":
		choice.week = syncengine.WeekOf(h.clock.Now())
	default:
		at, err := day(week)
		if err != nil {
			return err
		}
		choice.week = syncengine.WeekOf(at)
	}
	if choice.person, err = models.FindPerson(ctx, h.db, id); err != nil {
		return err
	}
	grid, err := h.engine.SmartGrid(ctx, choice.person, choice.account)
	if err != nil {
		return err
	}
	props := gridProps(choice, grid)
	if request.HTMX(c) {
		props.Live = true
		return h.render(c, http.StatusOK, view.Grid(props))
	}
	page, err := h.frame(c, choice.person.Name()+": last 90 days")
	if err != nil {
		return err
	}
	page.Active = "people"
	return h.render(c, http.StatusOK, view.GridPage(view.GridPageProps{Page: page, Name: choice.person.Name(), PersonURL: personURL(id), Grid: props}))
}

// url is the grid's address with this selected.
func (g gridChoice) url() string {
	values := url.Values{paramWeek: {anyWeek}}
	if !g.week.IsZero() {
		values.Set(paramWeek, g.week.Format(time.DateOnly))
	}
	if g.kind != "" {
		values.Set(paramKind, string(g.kind))
	}
	if g.account {
		values.Set(paramAccount, "1")
	}
	return gridURL(g.person.ID) + "?" + values.Encode()
}

func gridURL(person int64) string { return personURL(person) + "/smart-grid" }

// of is the choice of another cell.
func (g gridChoice) of(kind syncengine.GridKind, week time.Time) gridChoice {
	g.kind, g.week = kind, week
	return g
}
