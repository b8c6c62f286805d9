package handlers

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	view "salesactions/views/settings"
	"salesactions/views/ui"
)

func (h *Handlers) usersPage(c echo.Context, status int, form inviteForm) error {
	users, err := models.ListUsers(c.Request().Context(), h.db, h.clock.Now(), maxUsers)
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "Users", "users")
	if err != nil {
		return err
	}
	self, _ := request.User(c)
	props := view.UsersProps{Page: page, Email: form.Email, Name: form.Name, Roles: roleOptions(form.Role), Wrong: form.Wrong}
	for _, u := range users {
		props.Users = append(props.Users, userRow(u, self.ID))
	}
	if props.Reps, err = h.repsProps(c.Request().Context(), page.CSRF, form.RepWrong); err != nil {
		return err
	}
	return h.render(c, status, view.Users(props))
}

func userRow(u models.UserSummary, self int64) view.UserRow {
	row := view.UserRow{
		ID: strconv.FormatInt(u.ID, 10), Name: u.Name, Email: u.Email, Roles: roleOptions(u.Role), Seen: u.LastSeenAt,
		Self: u.ID == self, Active: u.Active(),
		// A new link is also the way back for somebody who forgot the password.
		Invited: u.Active() && u.ID != self,
	}
	switch {
	case !u.Active():
		row.Tone, row.State = ui.Neutral, "deactivated"
	case u.PasswordHash != nil && u.Sessions > 0:
		row.Tone, row.State = ui.Good, "signed in"
	case u.PasswordHash != nil:
		row.Tone, row.State = ui.Neutral, "active"
	case u.InvitationExpiresAt != nil:
		row.Tone, row.State = ui.Waiting, "invited"
	default:
		row.Tone, row.State = ui.Warning, "invitation expired"
	}
	return row
}

func (h *Handlers) tokensPage(c echo.Context, status int, form tokenForm) error {
	tokens, err := models.ListAPITokens(c.Request().Context(), h.db, maxTokens)
	if err != nil {
		return err
	}
	page, err := h.settingsFrame(c, "API tokens", "tokens")
	if err != nil {
		return err
	}
	props := view.TokensProps{Page: page, Name: form.Name, Scopes: scopeOptions(form.Scope), Wrong: form.Wrong}
	for _, t := range tokens {
		props.Tokens = append(props.Tokens, view.TokenRow{
			ID: strconv.FormatInt(t.ID, 10), Name: t.Name, Scope: string(t.Scope), Hint: t.Hint + "…", By: actorText(t.CreatedBy),
			Made: t.CreatedAt, Used: t.LastUsedAt, Revoked: t.RevokedAt,
		})
	}
	return h.render(c, status, view.Tokens(props))
}

func scopeOptions(chosen models.Scope) []ui.Option {
	option := func(scope models.Scope, label, hint string) ui.Option {
		return ui.Option{Value: string(scope), Label: label, Hint: hint, Chosen: chosen == scope}
	}
	return []ui.Option{
		option(models.ScopeRead, "Read", "People and the state of the sync."),
		option(models.ScopeRecord, "Record", "Also record what happened with people."),
		option(models.ScopeAdmin, "Administer", "Also control the sync and change settings."),
	}
}

func (h *Handlers) auditPage(c echo.Context, query models.AuditQuery, events models.AuditPage) error {
	page, err := h.settingsFrame(c, "Audit log", "audit")
	if err != nil {
		return err
	}
	props := view.AuditProps{Page: page, Actor: query.Actor, Action: query.Action}
	for _, e := range events.Events {
		props.Rows = append(props.Rows, view.AuditRow{
			At: e.At, Who: actorText(e.Actor), What: auditText(e.Action), Action: e.Action, Subject: e.Subject, Details: auditDetails(e.Details), Address: e.Address,
		})
	}
	if events.Next != "" {
		query.Cursor = events.Next
		props.Next = auditURL(query)
	}
	return h.render(c, http.StatusOK, view.Audit(props))
}
