package handlers

import (
	"cmp"
	"context"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// recentRuns is how many runs are shown.
const recentRuns = 7

// unsubscribesPage fills the page; a form that was refused shows what was sent.
func (h *Handlers) unsubscribesPage(c echo.Context, status int, form optOutForm) error {
	ctx := c.Request().Context()
	filter, err := readUnsubscribeFilter(c)
	if err != nil {
		return err
	}
	settings, _, err := models.LoadUnsubscribing(ctx, h.db)
	if err != nil {
		return err
	}
	connection, err := h.engine.SalesforceConnection(ctx)
	if err != nil {
		return err
	}
	setup, err := h.engine.SalesforceSetup(ctx)
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "Unsubscribes", "unsubscribes")
	if err != nil {
		return err
	}
	props := view.UnsubscribesProps{
		Page: page, Connected: connection.Connected || connection.FromEnvironment,
		Filter: unsubscribeForm(filter), Field: optOutProps(settings.OptOutField, setup, form, page.CSRF),
	}
	if props.Switches, err = h.unsubscribeSwitches(settings, page.CSRF, ""); err != nil {
		return err
	}
	if props.State, err = h.unsubscribeState(ctx, page.CSRF); err != nil {
		return err
	}
	if props.List, err = h.unsubscribeList(ctx, filter, page.CSRF); err != nil {
		return err
	}
	return h.render(c, status, view.Unsubscribes(props))
}

// unsubscribeSwitches are the choices; saved names the one that was just made.
func (h *Handlers) unsubscribeSwitches(settings models.Unsubscribing, csrf, saved string) ([]view.SwitchProps, error) {
	check := view.SwitchProps{
		CSRF: csrf, Name: "check", Title: "Ask Marketo before a send", On: settings.Check, Saved: saved == "check", Action: unsubscribesPath + "/check",
		Text: "A program that asks whether it may email somebody has Marketo asked, live. If Marketo cannot be asked, the answer is no. Switched off, only what is known here and from Salesforce counts.",
	}
	nightly := switchProps(view.SwitchProps{
		CSRF: csrf, Name: "nightly", Title: "Compare with Salesforce each night", Saved: saved == "nightly", Action: unsubscribesPath + "/nightly",
		Text: "At 20:00 Pacific everybody who is opted out in Salesforce is taken over, and whoever Salesforce does not know of is pushed again. In between, new opt-outs there are looked for every few minutes.",
	}, settings.Nightly)
	if settings.Nightly.On {
		next, err := syncengine.NextUnsubscribeSync(h.clock.Now())
		if err != nil {
			return nil, err
		}
		nightly.Next = &next
	}
	return []view.SwitchProps{check, nightly}, nil
}

func (h *Handlers) unsubscribeState(ctx context.Context, csrf string) (view.UnsubscribeState, error) {
	state := view.UnsubscribeState{CSRF: csrf, Live: unsubscribesPath}
	n, err := models.CountUnsubscribes(ctx, h.db)
	if err != nil {
		return state, err
	}
	for _, fact := range []struct {
		name string
		n    int64
	}{
		{"collected here", n.Here}, {"from Salesforce", n.Salesforce}, {"on their way there", n.Waiting},
		{"failed", n.Failed}, {"no record there", n.NoRecord}, {"nobody here yet", n.NoPerson},
	} {
		state.Facts = append(state.Facts, view.FactRow{Name: fact.name, Value: grouped(fact.n)})
	}
	runs, err := models.RecentUnsubscribeRuns(ctx, h.db, recentRuns)
	for _, r := range runs {
		row := view.UnsubscribeRun{
			By: actorText(r.StartedBy), Started: r.StartedAt, Error: text(r.Error), Remedy: text(r.Remedy),
			Read: grouped(r.Read), Taken: grouped(r.Taken), Pushed: grouped(r.Pushed),
		}
		row.Tone, row.Outcome = outcomeText(r.Outcome)
		state.Running = state.Running || r.Outcome == nil
		state.Runs = append(state.Runs, row)
	}
	return state, err
}

// optOutProps are the fields that may be chosen, with what the org has of each.
func optOutProps(chosen string, setup *syncengine.SalesforceSetup, form optOutForm, csrf string) view.OptOutProps {
	props := view.OptOutProps{CSRF: csrf, Wrong: form.wrong}
	if setup != nil {
		props.At = &setup.At
	}
	choice := chosen
	if chosen != models.StandardOptOut && chosen != models.SalesOptOut {
		choice, props.Other = otherField, chosen
	}
	if form.sent {
		choice, props.Other = form.choice, form.other
	}
	props.Choices = []view.OptOutChoice{
		{Value: models.StandardOptOut, Label: "Email opt out", Name: models.StandardOptOut, Hint: "Salesforce's own field, which marketing uses too.", Found: foundOptOut(setup, models.StandardOptOut)},
		{Value: models.SalesOptOut, Label: "Sales opt out", Name: models.SalesOptOut, Hint: "The usual name of a separate checkbox for sales.", Found: foundOptOut(setup, models.SalesOptOut)},
		{Value: otherField, Label: "Another checkbox", Hint: "Of leads and contacts, by its API name."},
	}
	for i := range props.Choices {
		c := &props.Choices[i]
		c.Chosen = c.Value == choice
		if c.Value == otherField && chosen == cmp.Or(props.Other, "-") {
			c.Found = foundOptOut(setup, chosen)
		}
	}
	return props
}

// foundOptOut says what the org has of a field, as the connected user sees it.
func foundOptOut(setup *syncengine.SalesforceSetup, name string) []view.FieldRow {
	rows := []view.FieldRow{{Ours: "Leads"}, {Ours: "Contacts"}}
	if setup == nil || setup.Error != "" {
		return nil
	}
	found, looked := setup.OptOuts[name]
	for i, object := range []string{"Lead", "Contact"} {
		access := found.On(object)
		switch row := &rows[i]; {
		case !looked:
			row.State = "not looked for yet"
		case access.Write:
			row.Tone, row.State = ui.Good, "there and editable"
		case access.Read:
			row.Tone, row.State = ui.Warning, "there, read only"
		default:
			row.Tone, row.State = ui.Warning, "not there, or hidden"
		}
	}
	return rows
}
