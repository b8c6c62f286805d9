package handlers

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
	view "salesactions/views/people"
)

// maxReason is how much a rep can say about an unsubscribe, in bytes.
const maxReason = 2_000

// PersonEmails answers with what is known of emails to a person alone, which the
// person's page asks for again when it changes. With ask it asks Marketo, as a program
// does before it sends.
func (h *Handlers) PersonEmails(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	props, err := h.personEmails(c, id)
	if err != nil {
		return err
	}
	if isSet(c.QueryParams(), "ask") {
		answer, err := h.engine.MaySend(c.Request().Context(), syncengine.PersonRef{PersonID: id})
		if err != nil {
			return err
		}
		props.Answer = emailAnswer(answer)
	}
	if request.HTMX(c) {
		return h.render(c, http.StatusOK, view.Emails(props))
	}
	page, err := h.frame(c, "Emails to this person")
	if err != nil {
		return err
	}
	page.Active = "people"
	return h.render(c, http.StatusOK, view.EmailsPage(page, personURL(id), props))
}

// personEmails says whether a person unsubscribed, and how it came to that.
func (h *Handlers) personEmails(c echo.Context, person int64) (view.EmailsProps, error) {
	user, _ := request.User(c)
	props := view.EmailsProps{Live: personURL(person) + "/emails", Person: strconv.FormatInt(person, 10), CSRF: request.CSRF(c)}
	said, err := models.UnsubscribesOf(c.Request().Context(), h.db, person)
	m := marker{admin: user.Role == models.RoleAdmin, now: h.clock.Now()}
	for _, u := range said {
		props.History = append(props.History, m.unsubscribe(u))
		props.Unsubscribed = props.Unsubscribed || u.ClearedAt == nil
		props.Here = props.Here || u.ClearedAt == nil && u.Source != models.BySalesforce
	}
	return props, err
}

// unsubscribe writes one in words.
func (m marker) unsubscribe(u models.Unsubscribe) view.Unsubscribe {
	row := view.Unsubscribe{Text: u.Source.Name(), Reason: u.Reason, At: u.At, ClearedAt: u.ClearedAt, By: unsubscribedBy(u), ClearedBy: byActor(text(u.ClearedBy))}
	if u.Push != nil && u.ClearedAt == nil {
		mark := m.mark(models.Delivery{ID: u.Push.DeliveryID, Destination: models.ToSalesforce, State: u.Push.State, Hold: u.Hold, ErrorCode: u.Push.ErrorCode,
			ErrorText: u.Push.ErrorText, ErrorRemedy: u.Push.ErrorRemedy, Attempts: u.Push.Attempts})
		switch {
		case u.Push.State == models.Delivered:
			mark.Text = "opted out there"
		case u.Push.State == models.Failed && !m.admin:
			mark.Note = "Salesforce could not be told; an admin sees why in Diagnostics"
		}
		row.Marks = append(row.Marks, mark)
	}
	return row
}

// emailAnswer is the answer to "may I email this person?" in words.
func emailAnswer(a syncengine.SendAnswer) *view.Answer {
	told := &view.Answer{Allowed: a.Allowed, At: a.CheckedAt, Marketo: a.Marketo}
	for _, r := range a.Reasons {
		told.Reasons = append(told.Reasons, r.Name())
	}
	return told
}

// UnsubscribeMark records that a person wants no email, on a rep's word.
func (h *Handlers) UnsubscribeMark(c echo.Context) error {
	id, err := strconv.ParseInt(field(c, paramPerson), 10, 64)
	if err != nil || id <= 0 {
		return Failure{Status: http.StatusBadRequest, Detail: "The person is not known. Open the person's page and try again."}
	}
	reason := field(c, "reason")
	if len(reason) > maxReason {
		return refuse(c, personURL(id), "The reason is too long. Shorten it and try again.")
	}
	user, _ := request.User(c)
	source := models.ByRep
	if user.Role == models.RoleAdmin {
		source = models.ByAdmin
	}
	_, _, err = h.engine.Unsubscribe(c.Request().Context(), syncengine.UnsubscribeWord{Whom: syncengine.PersonRef{PersonID: id}, Source: source, Reason: reason,
		Actor: request.Actor(c), Address: c.RealIP()})
	var invalid *syncengine.InvalidError
	switch {
	case errors.As(err, &invalid):
		return refuse(c, "/people", invalid.Message)
	case err != nil:
		return err
	}
	return seeOther(c, personURL(id), "Unsubscribed: no sales email may go to this person. Salesforce is told next.")
}
