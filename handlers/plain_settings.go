package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/api"
	"salesactions/syncengine"
)

// Home leads to the people.
func (h *Handlers) Home(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/people") }

// JobsRedirect leads to River's pages, which want the slash.
func (h *Handlers) JobsRedirect(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/settings/jobs/")
}

// SettingsSync shows what the people sync is doing.
func (h *Handlers) SettingsSync(c echo.Context) error { return h.syncPage(c) }

// SettingsSyncLive is the part of the page that changes while it is open.
func (h *Handlers) SettingsSyncLive(c echo.Context) error { return h.syncPage(c) }

func (h *Handlers) syncPage(c echo.Context) error {
	ctx := c.Request().Context()
	status, err := h.engine.Status(ctx)
	if err != nil {
		return err
	}
	fields, err := h.engine.Fields(ctx)
	if err != nil {
		return err
	}
	report, err := h.engine.Report(ctx)
	if err != nil {
		return err
	}
	lag := ""
	if status.Lag != nil {
		lag = roughly(*status.Lag)
	}
	runs := make([]string, len(status.Runs))
	for i, run := range status.Runs {
		runs[i] = runText(run.Kind) + ": " + grouped(run.Processed)
	}
	return plainPage(c, http.StatusOK, `<p>{{.s.State}} {{.lag}}</p>{{with .s.Trouble}}<p role="alert">{{.Text}} {{.Remedy}}</p>{{end}}
{{range $action := .actions}}<form method="post" action="/settings/sync/{{$action}}">{{template "csrf" $.csrf}}<button>{{$action}}</button></form>{{end}}
<ul>{{range .fields}}<li>{{.Label}} {{.MarketoName}} {{.Note}}</li>{{end}}</ul><ul>{{range .runs}}<li>{{.}}</li>{{end}}</ul>
{{with .report}}<p>{{.MarketoCount}} {{.WorkspaceCount}}</p>{{end}}`, map[string]any{"s": status, "lag": lag, "fields": fields, "runs": runs, "report": report,
		"actions": []string{"start", "pause", "resume", "reconcile", "preview"}})
}

func (h *Handlers) marketoPage(c echo.Context, status int, forms marketoForms) error {
	state, err := h.loadMarketo(c.Request().Context())
	if err != nil {
		return err
	}
	connection := syncengine.Credentials{Endpoint: state.connection.Endpoint, ClientID: state.connection.ClientID}
	if forms.connection != nil {
		connection = *forms.connection
	}
	if forms.links != nil {
		state.links = *forms.links
	}
	if forms.qualification != nil {
		state.qualification = *forms.qualification
	}
	return plainPage(c, status, `<form method="post" action="/settings/marketo">{{template "csrf" .csrf}}<label>Endpoint <input name="endpoint" value="{{.connection.Endpoint}}"></label>
<label>Client id <input name="client_id" value="{{.connection.ClientID}}"></label><label>Client secret <input name="client_secret" type="password"></label><button>Save</button></form>
{{range $action := .actions}}<form method="post" action="/settings/marketo/{{$action}}">{{template "csrf" $.csrf}}<button>{{$action}}</button></form>{{end}}
<form method="post" action="/settings/marketo/links">{{template "csrf" .csrf}}<label>Marketo <input name="web_url" value="{{.links.MarketoURL}}"></label>
<label>Salesforce <input name="salesforce_url" value="{{.links.SalesforceURL}}"></label><button>Save addresses</button></form>
<form method="post" action="/settings/marketo/qualification">{{template "csrf" .csrf}}<input type="hidden" name="version" value="{{.q.Version}}"><label>Mode <input name="mode" value="{{.q.Mode}}"></label>
<label>List id <input name="list_id" value="{{.q.ListID}}"></label><label>List name <input name="list_name" value="{{.q.ListName}}"></label><button>Save rule</button></form>
<p>{{.budget.Calls}} of {{.budget.DailyBudget}} calls today</p>{{with .test}}<p>{{if .OK}}The connection works.{{end}}{{with .Error}}{{.Text}} {{.Remedy}}{{end}}</p>{{end}}`,
		map[string]any{"wrong": forms.wrong, "connection": connection, "links": state.links, "q": state.qualification, "budget": state.budget,
			"test": state.test, "actions": []string{"test", "disconnect", "webhook-secret"}})
}

// APIDocs shows the API's description, readable.
func (h *Handlers) APIDocs(c echo.Context) error {
	document, err := api.ReadDocument()
	if err != nil {
		return err
	}
	return plainPage(c, http.StatusOK, `<h1>{{.d.Title}}</h1>{{range .d.Operations}}<h2>{{.Method}} {{.Path}}</h2><p>{{.Description}}</p>{{end}}`, map[string]any{"d": document})
}
