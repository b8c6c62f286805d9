package handlers

import (
	"context"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// salesforcePage fills the page; a form that was refused shows what was sent.
func (h *Handlers) salesforcePage(c echo.Context, status int, form salesforceForm) error {
	ctx := c.Request().Context()
	info, err := h.engine.SalesforceConnection(ctx)
	if err != nil {
		return err
	}
	spent, err := h.engine.SalesforceBudget(ctx)
	if err != nil {
		return err
	}
	org, err := h.orgProps(ctx)
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "Salesforce", "salesforce")
	if err != nil {
		return err
	}
	props := view.SalesforceProps{
		Page: page, LoginURL: info.LoginURL, ClientID: info.ClientID, SecretSet: info.SecretSet, FromEnvironment: info.FromEnvironment,
		Configured: info.ClientID != "" && info.SecretSet, Connected: info.Connected || info.FromEnvironment,
		Callback: h.origin(c) + salesforceCallback, Facts: salesforceFacts(info), Wrong: form.wrong,
		Budget: salesforceBudget(spent), Org: org, Trouble: salesforceTrouble(info.Pause),
	}
	if form.sent {
		props.LoginURL, props.ClientID = form.loginURL, form.clientID
	}
	props.Tone, props.State = salesforceState(info)
	return h.render(c, status, view.Salesforce(props))
}

func salesforceState(info syncengine.SalesforceInfo) (ui.Tone, string) {
	switch {
	case info.NeedsReconnect, info.Pause != nil && info.Pause.Code == "needs_reconnect":
		return ui.Bad, "must be connected again"
	case info.Connected || info.FromEnvironment:
		return ui.Good, "connected"
	default:
		return ui.Neutral, "not connected"
	}
}

// salesforceTrouble is why nothing is sent; that nobody connected it yet is no trouble.
func salesforceTrouble(pause *models.Pause) *view.Trouble {
	if pause == nil || pause.Code == notConnected {
		return nil
	}
	trouble := view.Trouble{Tone: ui.Bad, Title: "Nothing is sent to Salesforce", Text: pause.Text, Remedy: pause.Remedy}
	if pause.Passing() {
		trouble.Tone, trouble.RetryAt = ui.Warning, pause.RetryAt
	}
	return &trouble
}

func salesforceFacts(info syncengine.SalesforceInfo) []view.FactRow {
	if !info.Connected && !info.FromEnvironment {
		return nil
	}
	var rows []view.FactRow
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, view.FactRow{Name: name, Value: value})
		}
	}
	add("Signed in as", joined(", ", info.UserName, info.UserEmail))
	add("Org", joined(", ", strings.TrimPrefix(info.InstanceURL, "https://"), info.OrgID))
	add("By", map[string]string{"web": "a user's consent", "jwt": "a signed token", "client_credentials": "the app's own user"}[info.Flow])
	if info.ConnectedAt != nil {
		add("Since", info.ConnectedAt.UTC().Format("2 Jan 2006, 15:04 UTC"))
	}
	if info.ConnectedBy != "" {
		add("Connected by", actorText(info.ConnectedBy))
	}
	return rows
}

func salesforceBudget(b syncengine.Budget) view.BudgetProps {
	props := view.BudgetProps{Spent: b.Calls, Budget: b.DailyBudget,
		Text: grouped(b.Calls) + " of our " + grouped(b.DailyBudget) + " calls a day spent; the budget comes from the environment."}
	if b.OrgMax > 0 {
		props.Text += " Everybody together made " + grouped(b.OrgUsed) + " of the org's " + grouped(b.OrgMax) + " in the last 24 hours."
	}
	for _, p := range b.ByPurpose {
		props.Rows = append(props.Rows, view.FactRow{Name: p.Purpose, Value: grouped(p.Calls)})
	}
	if b.BlockedUntil != nil {
		props.Blocked = joined(" ", b.BlockedWhy+".", "Nothing is asked before "+b.BlockedUntil.UTC().Format("15:04 UTC")+".")
	}
	return props
}

// orgProps are what was last found in the org, nil when nobody has looked.
func (h *Handlers) orgProps(ctx context.Context) (*view.OrgProps, error) {
	setup, err := h.engine.SalesforceSetup(ctx)
	if err != nil || setup == nil {
		return nil, err
	}
	props := &view.OrgProps{At: setup.At, Tone: ui.Good, Title: "ready"}
	if setup.Error != "" {
		props.Tone, props.Title, props.Text, props.Remedy = ui.Bad, "not ready", setup.Error, setup.Remedy
		return props, nil
	}
	props.Doubles, props.Better = doublesText(setup)
	for _, value := range []string{"Email", "Call", "Reply"} {
		row := view.FieldRow{Ours: value, Tone: ui.Good, State: "found"}
		if !slices.Contains(setup.TaskTypes, value) {
			row.Tone, row.State, row.Note = ui.Neutral, "missing", "Tasks are made without a type. Add the value to Task.Type in Salesforce if you report on it."
		}
		props.Types = append(props.Types, row)
	}
	for _, f := range syncengine.SalesforceTaskFields() {
		row := view.FieldRow{Ours: f.Name, Note: f.Use, Tone: ui.Good, State: "found"}
		if found, there := setup.Fields[f.Name]; !there || !found.Create {
			row.Tone, row.State = ui.Neutral, "missing"
		}
		props.Fields = append(props.Fields, row)
	}
	return props, nil
}

// doublesText says how a second Task of an activity is kept out, and how it could be
// done better.
func doublesText(setup *syncengine.SalesforceSetup) (how, better string) {
	const best = "Best is a custom field of Activity that is Text(36), Unique and an External ID, and that the connected user may edit: name it under Logging."
	switch setup.Scheme {
	case syncengine.SchemeKey:
		return "Salesforce itself refuses a second Task of an activity, by the field " + setup.KeyField + ".", ""
	case syncengine.SchemeField:
		return "Doubles are kept out by our id in the field " + setup.MarkerName + ", which is looked up before anything is tried again.", best
	default:
		return "Doubles are kept out by a line with our id at the end of the description, which is looked up before anything is tried again.", best
	}
}
