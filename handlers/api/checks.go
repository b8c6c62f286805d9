package api

import (
	"time"

	"github.com/labstack/echo/v4"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

// EmailCheck is whether somebody may be emailed, with what the email must carry.
type EmailCheck struct {
	Allowed        bool              `json:"allowed"`
	Reasons        []string          `json:"reasons"` // why not; empty where it is allowed
	CheckedAt      time.Time         `json:"checked_at"`
	PersonID       *string           `json:"person_id"`
	UnsubscribeURL *string           `json:"unsubscribe_url"` // to be put into the email; null where nobody is known
	Headers        map[string]string `json:"headers"`         // of the email (RFC 2369, RFC 8058)
}

// CheckEmail answers POST /emails/check: "may I email this person?". It says no where
// nobody knows.
func (h *Handlers) CheckEmail(c echo.Context) error {
	var in Reference
	if err := readBody(c, &in); err != nil {
		return err
	}
	about, err := in.person()
	if err != nil {
		return err
	}
	found, err := h.engine.MaySend(c.Request().Context(), about)
	if err != nil {
		return err
	}
	told := EmailCheck{Allowed: found.Allowed, Reasons: make([]string, 0, len(found.Reasons)), CheckedAt: found.CheckedAt, Headers: map[string]string{}}
	for _, r := range found.Reasons {
		told.Reasons = append(told.Reasons, string(r))
	}
	if found.PersonID != 0 {
		told.PersonID = idText(&found.PersonID)
	}
	return h.withLink(c, found, told)
}

// withLink adds the link by which whoever gets the email can unsubscribe.
func (h *Handlers) withLink(c echo.Context, found syncengine.SendAnswer, told EmailCheck) error {
	if by, _ := request.Token(c); found.Email == "" || !by.Scope.Includes(models.ScopeRecord) {
		return ok(c, told) // whoever has the link can unsubscribe
	}
	token, err := h.engine.UnsubscribeToken(found.PersonID, found.Email)
	if err != nil {
		return err
	}
	base := h.baseURL
	if base == "" {
		base = c.Scheme() + "://" + c.Request().Host
	}
	url := base + "/u/" + token
	told.UnsubscribeURL = &url
	told.Headers = map[string]string{"List-Unsubscribe": "<" + url + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
	return ok(c, told)
}
