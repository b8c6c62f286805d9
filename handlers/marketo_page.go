package handlers

import (
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

// marketoPage fills the page; a form that was refused shows what was sent.
func (h *Handlers) marketoPage(c echo.Context, status int, forms marketoForms) error {
	state, err := h.loadMarketo(c.Request().Context())
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "Marketo", "marketo")
	if err != nil {
		return err
	}
	if forms.links != nil {
		state.links = *forms.links
	}
	if forms.qualification != nil {
		state.qualification = *forms.qualification
	}
	props := view.MarketoProps{
		Page: page, Connected: state.connection.Connected, FromEnvironment: state.connection.FromEnvironment,
		Endpoint: state.connection.Endpoint, ClientID: state.connection.ClientID, SecretSet: state.connection.SecretSet,
		Saved: savedText(state.connection, h.clock.Now()), Wrong: forms.wrong,
		Types: typesProps(state.types, state.connection.Connected, page.CSRF),
		Test:  testProps(state.test), Budget: budgetProps(state.budget), Webhook: h.webhookProps(c, state.webhook),
		Rule: ruleProps(state.qualification), MarketoWeb: state.links.MarketoURL, SalesforceWeb: state.links.SalesforceURL,
		LinksVersion: strconv.FormatInt(state.linksVersion, 10),
	}
	if forms.connection != nil {
		props.Endpoint, props.ClientID = forms.connection.Endpoint, forms.connection.ClientID
	}
	return h.render(c, status, view.Marketo(props))
}

func savedText(connection syncengine.ConnectionInfo, now time.Time) string {
	if connection.UpdatedAt == nil || connection.UpdatedBy == "" {
		return ""
	}
	return "Saved " + ui.Ago(*connection.UpdatedAt, now) + ", " + actorText(connection.UpdatedBy) + "."
}

func testProps(t *syncengine.MarketoTest) *view.TestProps {
	if t == nil {
		return nil
	}
	props := view.TestProps{At: t.TestedAt, Notes: t.Notes, Fields: fieldRows(t.Fields)}
	if t.Error != nil {
		props.Tone, props.Title, props.Text, props.Remedy = ui.Bad, "does not work", t.Error.Text, t.Error.Remedy
		return &props
	}
	props.Tone, props.Title, props.Text = ui.Good, "works", "Signed in as "+t.User+"."
	found := 0
	for _, f := range t.Fields {
		if f.Found != nil && *f.Found {
			found++
		}
	}
	props.Summary = strconv.Itoa(found) + " of " + strconv.Itoa(len(t.Fields)) + " fields found. " +
		strconv.Itoa(t.ContactsWithOwner) + " of " + strconv.Itoa(t.ContactsSampled) + " contacts looked at have an owner."
	if !t.OwnerTrusted {
		props.Tone, props.Title = ui.Warning, "works, with doubts"
	}
	return &props
}

func budgetProps(b syncengine.Budget) view.BudgetProps {
	props := view.BudgetProps{
		Spent: b.Calls, Budget: b.DailyBudget,
		Text: grouped(b.Calls) + " of " + grouped(b.DailyBudget) + " calls spent; at most " + strconv.Itoa(b.Rate) +
			" in 20 seconds. Both limits come from the environment.",
	}
	for _, p := range b.ByPurpose {
		props.Rows = append(props.Rows, view.FactRow{Name: p.Purpose, Value: grouped(p.Calls)})
	}
	if b.OthersKnown {
		props.Rows = append(props.Rows, view.FactRow{Name: "other integrations", Value: grouped(b.Others)})
	}
	if b.BlockedUntil != nil {
		props.Blocked = joined(" ", b.BlockedWhy+".", "Nothing is asked before "+b.BlockedUntil.UTC().Format("15:04 UTC")+".")
	}
	return props
}

func (h *Handlers) webhookProps(c echo.Context, w syncengine.WebhookInfo) view.WebhookProps {
	props := view.WebhookProps{URL: h.origin(c) + "/api/v1/webhooks/marketo", FromEnvironment: w.FromEnvironment}
	switch {
	case w.FromEnvironment:
		props.State = "from the environment"
	case w.Count == 0:
		props.State = "none yet"
	default:
		props.State = "set"
		if w.MadeAt != nil {
			props.State = "made " + ui.Ago(*w.MadeAt, h.clock.Now())
		}
		if w.Count > 1 {
			props.State += "; the one before still works"
		}
	}
	return props
}

func ruleProps(q syncengine.Qualification) view.RuleProps {
	mode := func(value, label, hint string) ui.Option {
		return ui.Option{Value: value, Label: label, Hint: hint, Chosen: string(q.Mode) == value}
	}
	props := view.RuleProps{
		Modes: []ui.Option{
			mode("owner_field", "Sales owner", "Everybody whose owner field in Marketo has a value. The usual choice."),
			mode("smart_list", "Smart list", "Everybody whom a smart list of Marketo finds."),
			mode("static_list", "Static list", "Everybody on a static list of Marketo."),
			mode("crm_linked", "Salesforce record", "Everybody with a lead or contact id of Salesforce, with or without an owner."),
		},
		ListName: q.ListName, Owners: strings.Join(q.OwnerFields, ", "), LinkedIn: strings.Join(q.LinkedInFields, ", "),
		Source: strings.Join(q.SourceFields, ", "), Version: strconv.FormatInt(q.Version, 10),
	}
	if q.ListID != 0 {
		props.ListID = strconv.FormatInt(q.ListID, 10)
	}
	return props
}

// roleOptions are the roles to choose from.
func roleOptions(chosen models.Role) []ui.Option {
	return []ui.Option{
		{Value: string(models.RoleRep), Label: "Rep", Chosen: chosen == models.RoleRep},
		{Value: string(models.RoleAdmin), Label: "Admin", Chosen: chosen == models.RoleAdmin},
	}
}
