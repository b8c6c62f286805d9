package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"salesactions/static"
)

// permission is who may use a route.
type permission string

const (
	public      permission = "public"
	signedIn    permission = "signed_in"
	admin       permission = "admin"
	tokenRead   permission = "token:read"
	tokenRecord permission = "token:record"
	tokenAdmin  permission = "token:admin"
	webhook     permission = "webhook" // the handler compares a shared secret
)

// trait is what the middleware must know about a route.
type trait int

const (
	bare   trait = 1 << iota // knows neither sessions nor forms
	quiet                    // polled: a line in the log for each would drown the rest
	stream                   // sends events for as long as it is open
	long                     // may take longer than a page, since it sends much
	file                     // says itself how long it may be kept, and is compressed already or small
)

// route is a line of the table.
type route struct {
	method, path string
	permission   permission
	handle       echo.HandlerFunc
	traits       trait
}

func (r route) has(t trait) bool { return r.traits&t != 0 }

func (r route) usesSession() bool {
	switch r.permission {
	case signedIn, admin:
		return true
	case public:
		return !r.has(bare)
	default:
		return false
	}
}

const (
	apiPath  = "/api/v1"
	jobsPath = "/settings/jobs"
	get      = http.MethodGet
	post     = http.MethodPost
	patch    = http.MethodPatch
	put      = http.MethodPut
	del      = http.MethodDelete
)

// routes is THE table: every path that the program answers, and who may use it. GET
// answers HEAD too. Nothing under people has another method, here or in the API.
func (s *Server) routes() []route {
	h, a := s.deps.Pages, s.deps.API
	jobs := echo.WrapHandler(s.deps.Jobs)
	return []route{
		{get, "/healthz", public, h.Healthz, bare | quiet},
		{get, "/readyz", public, h.Readyz, bare | quiet},
		{get, "/metrics", public, echo.WrapHandler(s.metrics.handler()), bare | quiet | file},
		{get, "/static/*", public, echo.WrapHandler(static.Handler()), bare | quiet},

		{get, "/signin", public, h.Signin, 0},
		{post, "/signin", public, h.SigninSubmit, 0},
		{post, "/signout", signedIn, h.Signout, 0},
		{post, "/signout/everywhere", signedIn, h.SignoutEverywhere, 0},
		{get, "/invitations/:token", public, h.Invitation, 0},
		{post, "/invitations/:token", public, h.InvitationAccept, 0},
		{get, "/u/:token", public, h.Unsubscribe, bare},
		{post, "/u/:token", public, h.UnsubscribeSubmit, bare},
		{get, "/account", signedIn, h.Account, 0},
		{post, "/account/password", signedIn, h.AccountPassword, 0},

		{get, "/", signedIn, h.Today, 0},
		{get, "/today/tasks", signedIn, h.TodayTasks, quiet},
		{get, "/today/feed", signedIn, h.TodayFeed, quiet},
		{get, "/today/chart", signedIn, h.TodayChart, quiet},
		{get, "/people", signedIn, h.PeopleList, 0},
		{get, "/people.csv", signedIn, h.PeopleExport, long},
		{get, "/people/:id", signedIn, h.PersonShow, 0},
		{get, "/people/:id/activity", signedIn, h.PersonTimeline, quiet},
		{get, "/people/:id/smart-grid", signedIn, h.SmartGrid, long},
		{get, "/people/:id/tasks", signedIn, h.PersonTasks, quiet},
		{get, "/people/:id/emails", signedIn, h.PersonEmails, long},
		{post, "/unsubscribes", signedIn, h.UnsubscribeMark, 0},
		{get, "/activity", signedIn, h.ActivityList, 0},
		{get, "/activity/live", signedIn, h.ActivityLive, quiet},
		{get, "/activity/:id", signedIn, h.ActivityShow, 0},
		{get, "/tasks", signedIn, h.TaskList, 0},
		{post, "/tasks", signedIn, h.TaskCreate, 0},
		{get, "/tasks/new", signedIn, h.TaskNew, 0},
		{get, "/tasks/:id", signedIn, h.TaskShow, 0},
		{post, "/tasks/:id", signedIn, h.TaskSave, 0},
		{get, "/tasks/:id/edit", signedIn, h.TaskEdit, 0},
		{post, "/tasks/:id/complete", signedIn, h.TaskComplete, 0},
		{post, "/tasks/:id/reopen", signedIn, h.TaskReopen, 0},
		{post, "/tasks/:id/delete", signedIn, h.TaskDelete, 0},
		{post, "/tasks/:id/restore", signedIn, h.TaskRestore, 0},
		{get, "/events", signedIn, s.deps.Live.Events, stream | quiet},
		{get, "/api/docs", signedIn, h.APIDocs, 0},

		{get, "/settings", admin, h.Settings, 0},
		{get, "/settings/sync", admin, h.SettingsSync, 0},
		{get, "/settings/sync/live", admin, h.SettingsSyncLive, quiet},
		{post, "/settings/sync/start", admin, h.SyncStart, 0},
		{post, "/settings/sync/pause", admin, h.SyncPause, 0},
		{post, "/settings/sync/resume", admin, h.SyncResume, 0},
		{post, "/settings/sync/reconcile", admin, h.SyncReconcile, 0},
		{post, "/settings/sync/preview", admin, h.SyncPreview, 0},
		{get, "/settings/marketo", admin, h.SettingsMarketo, 0},
		{post, "/settings/marketo", admin, h.MarketoSave, 0},
		{post, "/settings/marketo/test", admin, h.MarketoTest, 0},
		{post, "/settings/marketo/disconnect", admin, h.MarketoDisconnect, 0},
		{post, "/settings/marketo/webhook-secret", admin, h.MarketoWebhookSecret, 0},
		{post, "/settings/marketo/qualification", admin, h.MarketoQualification, 0},
		{post, "/settings/marketo/links", admin, h.MarketoLinks, 0},
		{post, "/settings/marketo/types", admin, h.MarketoTypes, long},
		{get, "/settings/salesforce", admin, h.SettingsSalesforce, 0},
		{post, "/settings/salesforce", admin, h.SalesforceSave, 0},
		{get, "/settings/salesforce/connect", admin, h.SalesforceConnect, 0},
		{get, "/settings/salesforce/callback", admin, h.SalesforceCallback, 0},
		{post, "/settings/salesforce/app", admin, h.SalesforceApp, 0},
		{post, "/settings/salesforce/test", admin, h.SalesforceTest, 0},
		{post, "/settings/salesforce/disconnect", admin, h.SalesforceDisconnect, 0},
		{get, "/settings/logging", admin, h.SettingsLogging, 0},
		{post, "/settings/logging/emails", admin, h.LoggingEmails, 0},
		{post, "/settings/logging/replies", admin, h.LoggingReplies, 0},
		{post, "/settings/logging/calls", admin, h.LoggingCalls, 0},
		{post, "/settings/logging/tasks", admin, h.LoggingTasks, 0},
		{post, "/settings/logging/subject", admin, h.LoggingSubject, 0},
		{post, "/settings/logging/preview", admin, h.LoggingPreview, 0},
		{post, "/settings/logging/keys", admin, h.LoggingKeys, 0},
		{post, "/settings/logging/backfill", admin, h.LoggingBackfill, long},
		{get, "/settings/tasks", admin, h.SettingsTasks, 0},
		{post, "/settings/tasks/sync", admin, h.TasksSync, 0},
		{post, "/settings/tasks/pull", admin, h.TasksPull, 0},
		{get, "/settings/unsubscribes", admin, h.SettingsUnsubscribes, 0},
		{post, "/settings/unsubscribes/check", admin, h.UnsubscribesCheck, 0},
		{post, "/settings/unsubscribes/nightly", admin, h.UnsubscribesNightly, 0},
		{post, "/settings/unsubscribes/field", admin, h.UnsubscribesField, 0},
		{post, "/settings/unsubscribes/run", admin, h.UnsubscribesRun, 0},
		{post, "/settings/unsubscribes/:id/clear", admin, h.UnsubscribeClear, 0},
		{get, "/settings/users", admin, h.SettingsUsers, 0},
		{post, "/settings/users", admin, h.UserInvite, 0},
		{post, "/settings/users/reps", admin, h.UserRep, 0},
		{post, "/settings/users/:id/role", admin, h.UserRole, 0},
		{post, "/settings/users/:id/deactivate", admin, h.UserDeactivate, 0},
		{post, "/settings/users/:id/activate", admin, h.UserActivate, 0},
		{post, "/settings/users/:id/signout", admin, h.UserSignout, 0},
		{post, "/settings/users/:id/invitation", admin, h.UserInvitation, 0},
		{get, "/settings/tokens", admin, h.SettingsTokens, 0},
		{post, "/settings/tokens", admin, h.TokenCreate, 0},
		{post, "/settings/tokens/:id/revoke", admin, h.TokenRevoke, 0},
		{get, "/settings/diagnostics", admin, h.Diagnostics, 0},
		{get, "/settings/diagnostics.csv", admin, h.DiagnosticsExport, long},
		{get, "/settings/diagnostics/failures", admin, h.DiagnosticsFailures, 0},
		{get, "/settings/diagnostics/codes", admin, h.DiagnosticsCodes, 0},
		{post, "/settings/diagnostics/retry", admin, h.DiagnosticsRetry, 0},
		{post, "/settings/diagnostics/retry-group", admin, h.DiagnosticsRetryGroup, 0},
		{post, "/settings/diagnostics/deliveries/:id/retry", admin, h.DiagnosticsRetryOne, 0},
		{get, "/settings/audit", admin, h.SettingsAudit, 0},
		{get, jobsPath, admin, h.JobsRedirect, 0},
		{get, jobsPath + "/*", admin, jobs, quiet},
		{post, jobsPath + "/*", admin, jobs, 0},
		{put, jobsPath + "/*", admin, jobs, 0},
		{patch, jobsPath + "/*", admin, jobs, 0},
		{del, jobsPath + "/*", admin, jobs, 0},

		{get, apiPath + "/openapi.json", public, a.OpenAPI, bare},
		{get, apiPath + "/people", tokenRead, a.ListPeople, 0},
		{get, apiPath + "/people/:id", tokenRead, a.ShowPerson, 0},
		{post, apiPath + "/activities", tokenRecord, a.RecordActivities, quiet},
		{get, apiPath + "/activities", tokenRead, a.ListActivities, 0},
		{get, apiPath + "/activities/:id", tokenRead, a.ShowActivity, 0},
		{get, apiPath + "/tasks", tokenRead, a.ListTasks, 0},
		{post, apiPath + "/tasks", tokenRecord, a.CreateTask, 0},
		{get, apiPath + "/tasks/:id", tokenRead, a.ShowTask, 0},
		{patch, apiPath + "/tasks/:id", tokenRecord, a.ChangeTask, 0},
		{del, apiPath + "/tasks/:id", tokenRecord, a.DeleteTask, 0},
		{post, apiPath + "/emails/check", tokenRead, a.CheckEmail, quiet},
		{get, apiPath + "/unsubscribes", tokenRead, a.ListUnsubscribes, 0},
		{post, apiPath + "/unsubscribes", tokenRecord, a.RecordUnsubscribe, 0},
		{post, apiPath + "/unsubscribes/sync", tokenAdmin, a.SyncUnsubscribes, 0},
		{get, apiPath + "/sync", tokenRead, a.ShowSync, quiet},
		{post, apiPath + "/sync", tokenAdmin, a.ControlSync, 0},
		{get, apiPath + "/settings", tokenAdmin, a.ShowSettings, 0},
		{patch, apiPath + "/settings", tokenAdmin, a.ChangeSettings, 0},
		{post, apiPath + "/webhooks/marketo", webhook, a.MarketoWebhook, quiet},
	}
}

// register gives the table to Echo; each handler stands behind its guard.
func (s *Server) register(table []route) {
	s.table = make(map[string]route, len(table))
	for _, r := range table {
		s.table[r.method+" "+r.path] = r
		s.echo.Add(r.method, r.path, r.handle, s.guard(r.permission))
		if r.method == get && !r.has(stream) {
			s.echo.Add(http.MethodHead, r.path, r.handle, s.guard(r.permission))
		}
	}
}

// routeOf returns the line of the table that answers a request, if one does.
func (s *Server) routeOf(c echo.Context) (route, bool) {
	method := c.Request().Method
	if method == http.MethodHead {
		method = get
	}
	r, ok := s.table[method+" "+c.Path()]
	return r, ok
}

func (s *Server) routeName(c echo.Context) string {
	if r, ok := s.routeOf(c); ok {
		return r.path
	}
	return "unknown"
}

// usesSession says whether a request may come from a browser that somebody signed in.
func (s *Server) usesSession(c echo.Context) bool {
	if r, ok := s.routeOf(c); ok {
		return r.usesSession()
	}
	return !isAPI(c)
}

func isAPI(c echo.Context) bool {
	path := c.Request().URL.Path
	return path == apiPath || strings.HasPrefix(path, apiPath+"/")
}
