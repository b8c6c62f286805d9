package syncengine

import (
	"context"
	"errors"
	"slices"
	"time"

	"salesactions/models"
	"salesactions/syncengine/budget"
	"salesactions/syncengine/failure"
	"salesactions/syncengine/smartgrid"
)

// The smart grid's words.
type (
	GridKind  = smartgrid.Kind
	GridEvent = smartgrid.Event
)

// The kinds of the smart grid.
const (
	GridEmail  = smartgrid.Email
	GridCall   = smartgrid.Call
	GridMoment = smartgrid.Moment
	GridWeb    = smartgrid.Web
)

// GridKinds are all of them, in the order of the grid.
func GridKinds() []GridKind { return smartgrid.Kinds() }

// WeekOf is the first moment of a time's week, a Monday in UTC.
func WeekOf(at time.Time) time.Time { return smartgrid.WeekOf(at) }

// MaxAccount is the most people of an account whose activity is shown together.
const MaxAccount = 800

// maxOwn is how many activities that were recorded here a grid shows.
const maxOwn = 2000

// SmartGrid is what happened to a person in the last 90 days.
type SmartGrid struct {
	Weeks   []time.Time // Mondays, oldest first
	Events  []GridEvent // newest first
	Counts  map[GridKind]map[time.Time]int
	Partial bool // there is more than is shown
	Trouble *Trouble
	Account GridAccount
}

// GridAccount says whether the account's other people can be shown, and who they are.
type GridAccount struct {
	Possible bool // a contact of an account
	TooMany  bool // more than MaxAccount
	Shown    bool
	People   int
	Names    map[int64]string
}

// SmartGrid asks Marketo for a person's last 90 days, and adds what was recorded
// here. It waits no longer than the time that a page may take: what arrived until
// then is returned, with what went wrong in Trouble.
func (e *Engine) SmartGrid(ctx context.Context, p models.Person, account bool) (SmartGrid, error) {
	now := e.clock.Now()
	grid := SmartGrid{Weeks: smartgrid.Weeks(now)}
	people, err := e.gridPeople(ctx, p, account, &grid.Account)
	if err != nil {
		return grid, err
	}
	own, err := models.RecentActivities(ctx, e.db, people, smartgrid.Since(now), maxOwn)
	if err != nil {
		return grid, err
	}
	reading, err := e.readGrid(ctx, people)
	if err != nil {
		if ctx.Err() != nil {
			return grid, ctx.Err()
		}
		grid.Trouble = e.gridTrouble(err)
	}
	grid.Events, grid.Partial = reading.Events, reading.Partial || len(own) == maxOwn
	for _, a := range own {
		if event, shown := ownEvent(a); shown {
			grid.Events = append(grid.Events, event)
		}
	}
	slices.SortStableFunc(grid.Events, func(a, b GridEvent) int { return b.At.Compare(a.At) })
	grid.Counts = smartgrid.Count(grid.Events)
	return grid, nil
}

// gridPeople are whom the grid is about: the person, and the account's others if they
// are wanted and not too many.
func (e *Engine) gridPeople(ctx context.Context, p models.Person, wanted bool, account *GridAccount) ([]int64, error) {
	people := []int64{p.ID}
	if p.SalesforceContactID == nil || p.SalesforceAccountID == nil {
		return people, nil
	}
	account.Possible = true
	if !wanted {
		return people, nil
	}
	others, names, err := models.Colleagues(ctx, e.db, *p.SalesforceAccountID, p.ID, MaxAccount+1)
	if err != nil {
		return nil, err
	}
	if account.TooMany = len(others) > MaxAccount; account.TooMany {
		return people, nil
	}
	account.Shown, account.People, account.Names = true, len(others), names
	return append(people, others...), nil
}

func (e *Engine) readGrid(ctx context.Context, people []int64) (smartgrid.Reading, error) {
	client, err := e.Marketo(ctx)
	if err != nil {
		return smartgrid.Reading{}, err
	}
	limit := e.cfg.GridTime
	if len(people) > 1 {
		limit *= 3 // many calls
	}
	ctx, cancel := context.WithTimeout(budget.For(ctx, budget.SmartGrid), limit)
	defer cancel()
	return e.grids.Read(ctx, client, people)
}

// gridTrouble says why Marketo's part is missing.
func (e *Engine) gridTrouble(err error) *Trouble {
	switch {
	case errors.Is(err, ErrNotConnected):
		return &Trouble{Text: "Marketo is not connected.", Remedy: "An admin connects it in Settings → Marketo."}
	case errors.Is(err, context.DeadlineExceeded):
		return &Trouble{Text: "Marketo did not answer in time.", Remedy: "Try again in a moment."}
	}
	what := failure.Classify(err)
	trouble := Trouble{Class: string(what.Class), Code: what.Code, Text: what.Text, Remedy: "Try again in a moment."}
	if !what.Passing() {
		trouble.Remedy = what.Remedy
	}
	return &trouble
}

// ownEvent is an activity that was recorded here as the grid shows it; steps of
// campaigns are in the timeline only.
func ownEvent(a models.Activity) (GridEvent, bool) {
	event := GridEvent{ID: a.ID.String(), At: a.OccurredAt, Kind: GridEmail, What: a.Kind.Name(), Line: a.Attributes.Subject, Here: true}
	if a.PersonID != nil {
		event.Person = *a.PersonID
	}
	switch a.Kind {
	case models.CampaignAdded, models.CampaignRemoved:
		return event, false
	case models.CallReceived:
		event.Kind, event.Line = GridCall, a.Attributes.CallOutcome
	case models.EmailClicked:
		event.Line = a.Attributes.LinkURL
	}
	return event, true
}
