package handlers

import (
	"html/template"
	"io"
	"maps"
	"net/http"

	"context"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
)

// The pages in plain HTML: every form and every value, without looks.
const (
	plainTop = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sales Actions</title></head><body>
{{define "csrf"}}<input type="hidden" name="csrf" value="{{.}}">{{end}}
{{if .in}}<p>{{.user.Name}}</p><form method="post" action="/signout">{{template "csrf" .csrf}}<button>Sign out</button></form>{{end}}
{{range .flashes}}<p role="status">{{.Text}} {{with .Secret}}<code>{{.}}</code>{{end}}</p>{{end}}
{{range $field, $text := .wrong}}<p role="alert" id="{{$field}}-wrong">{{$text}}</p>{{end}}<main>`
	plainEnd = `</main></body></html>`
)

// plainPage renders a page with what every page has: the user, messages, the token.
func plainPage(c echo.Context, status int, body string, data map[string]any) error {
	all := map[string]any{"csrf": request.CSRF(c), "path": c.Request().URL.Path}
	maps.Copy(all, data)
	if all["csrf"] != "" {
		all["user"], all["in"] = request.User(c)
		flashes, err := request.GetSession(c).TakeFlashes(c.Request().Context())
		if err != nil {
			return err
		}
		all["flashes"] = flashes
	}
	page, err := template.New("page").Parse(plainTop + body + plainEnd)
	if err != nil {
		return err
	}
	return render(c, status, templ.ComponentFunc(func(_ context.Context, w io.Writer) error { return page.Execute(w, all) }))
}

// ErrorPage says what happened and what helps.
func (h *Handlers) ErrorPage(c echo.Context, f Failure) error {
	return plainPage(c, f.Status, `<h1>{{.title}}</h1><p>{{.f.Detail}}</p><p>Request {{.f.RequestID}}</p>`,
		map[string]any{"f": f, "title": http.StatusText(f.Status)})
}

func (h *Handlers) signinForm(c echo.Context, status int, email, problem string) error {
	return plainPage(c, status, `{{with .problem}}<p role="alert">{{.}}</p>{{end}}<form method="post" action="/signin">{{template "csrf" .csrf}}
<input type="hidden" name="next" value="{{.next}}"><label>E-mail <input name="email" value="{{.email}}"></label>
<label>Password <input name="password" type="password"></label><button>Sign in</button></form>`,
		map[string]any{"email": email, "problem": problem, "next": c.FormValue("next")})
}

func (h *Handlers) invitationForm(c echo.Context, status int, user models.User, wrong map[string]string) error {
	return plainPage(c, status, `<form method="post" action="{{.path}}">{{template "csrf" .csrf}}<label>Name <input name="name" value="{{.of.Name}}"></label>
<label>Password <input name="password" type="password"></label><button>Join</button></form>`, map[string]any{"of": user, "wrong": wrong})
}

func (h *Handlers) accountPage(c echo.Context, status int, wrong map[string]string) error {
	user, _ := request.User(c)
	sessions, err := models.SessionsOfUser(c.Request().Context(), h.db, user.ID, h.now())
	if err != nil {
		return err
	}
	return plainPage(c, status, `<form method="post" action="/account/password">{{template "csrf" .csrf}}
<label>Current password <input name="password" type="password"></label><label>New password <input name="new_password" type="password"></label>
<button>Change</button></form><ul>{{range .sessions}}<li>{{.UserAgent}} {{.Address}}</li>{{end}}</ul>
<form method="post" action="/signout/everywhere">{{template "csrf" .csrf}}<button>Sign out everywhere</button></form>`,
		map[string]any{"wrong": wrong, "sessions": sessions})
}

func (h *Handlers) peoplePage(c echo.Context, s peopleState) error {
	next := s.query
	next.Cursor = s.page.Next
	return plainPage(c, http.StatusOK, `<p>{{.total}}</p><table>{{range .s.People}}<tr><td><a href="/people/{{.ID}}">{{.Name}}</a></td></tr>{{end}}</table>
{{if .s.Next}}<a rel="next" href="{{.next}}">Next</a>{{end}}`, map[string]any{"s": s.page, "total": totalText(s.page.Total), "next": peopleURL("/people", next)})
}

func (h *Handlers) personPage(c echo.Context, s personState) error {
	type row struct{ Label, Value, Link string }
	var rows []row
	history := byField(s.changes)
	for _, f := range personFields(s.person, s.links) {
		rows = append(rows, row{f.label, f.value, f.link})
	}
	return plainPage(c, http.StatusOK, `<h1>{{.p.Name}}</h1><dl>{{range .rows}}<dt>{{.Label}}</dt><dd>{{if .Link}}<a href="{{.Link}}">{{.Value}}</a>{{else}}{{.Value}}{{end}}</dd>{{end}}</dl>`,
		map[string]any{"p": s.person, "rows": rows, "history": history})
}

func (h *Handlers) usersPage(c echo.Context, status int, form inviteForm) error {
	users, err := models.ListUsers(c.Request().Context(), h.db, h.now(), maxUsers)
	if err != nil {
		return err
	}
	return plainPage(c, status, `<form method="post" action="/settings/users">{{template "csrf" .csrf}}<label>E-mail <input name="email" value="{{.form.Email}}"></label>
<label>Name <input name="name" value="{{.form.Name}}"></label><label>Role <select name="role"><option value="rep" selected>Rep</option><option value="admin">Admin</option></select></label>
<button>Invite</button></form><ul>{{range .users}}<li>{{.Name}} {{.Email}} {{.Role}}</li>{{end}}</ul>`,
		map[string]any{"wrong": form.Wrong, "form": form, "users": users})
}

func (h *Handlers) tokensPage(c echo.Context, status int, form tokenForm) error {
	tokens, err := models.ListAPITokens(c.Request().Context(), h.db, maxTokens)
	if err != nil {
		return err
	}
	return plainPage(c, status, `<form method="post" action="/settings/tokens">{{template "csrf" .csrf}}<label>Name <input name="name" value="{{.form.Name}}"></label>
<label>Scope <select name="scope"><option value="record" selected>Record</option><option value="read">Read</option><option value="admin">Admin</option></select></label>
<button>Make</button></form>{{range .tokens}}<p>{{.Name}} {{.Hint}}… {{.Scope}}</p>{{if not .RevokedAt}}<form method="post" action="/settings/tokens/{{.ID}}/revoke">{{template "csrf" $.csrf}}<button>Revoke</button></form>{{end}}{{end}}`,
		map[string]any{"wrong": form.Wrong, "form": form, "tokens": tokens})
}

func (h *Handlers) auditPage(c echo.Context, query models.AuditQuery, page models.AuditPage) error {
	type row struct{ Actor, Action, Subject, Details string }
	var rows []row
	for _, e := range page.Events {
		rows = append(rows, row{actorText(e.Actor), e.Action, e.Subject, auditDetails(e.Details)})
	}
	query.Cursor = page.Next
	return plainPage(c, http.StatusOK, `<table>{{range .rows}}<tr><td>{{.Actor}}</td><td>{{.Action}}</td><td>{{.Subject}}</td><td>{{.Details}}</td></tr>{{end}}</table>
{{if .more}}<a rel="next" href="{{.next}}">Older</a>{{end}}`, map[string]any{"rows": rows, "more": page.Next != "", "next": auditURL(query)})
}
