package handlers

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"salesactions/models"
	"salesactions/syncengine"
	"salesactions/views"
	view "salesactions/views/unsubscribe"
)

// maxUnsubscribe bounds what is sent to the page: its own field, or the one of RFC 8058.
const maxUnsubscribe = 64 << 10

// Unsubscribe is the page that an email's unsubscribe link leads to. It changes
// nothing, since mail scanners follow links.
func (h *Handlers) Unsubscribe(c echo.Context) error { return h.askUnsubscribe(c, http.StatusOK) }

// UnsubscribeSubmit unsubscribes whom a link is about: by the page's own button, or by
// that of the mail program, which sends "List-Unsubscribe=One-Click" and neither
// cookies nor a form's proof (RFC 8058, sections 3.1 and 3.2). The link is sealed, so
// that nobody else can have it.
func (h *Handlers) UnsubscribeSubmit(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxUnsubscribe)
	// Only the body counts: an address that is followed must not unsubscribe.
	oneClick, confirmed := r.PostFormValue("List-Unsubscribe") == "One-Click", r.PostFormValue("confirm") == "1"
	source := models.ByLink
	switch {
	case oneClick:
		source = models.ByOneClick
	case !confirmed:
		return h.askUnsubscribe(c, http.StatusUnprocessableEntity)
	}
	linked, err := h.engine.UseLink(r.Context(), c.Param("token"), source, c.RealIP())
	if err != nil {
		return h.deadLink(c, err)
	}
	if oneClick {
		keepPrivate(c)
		return c.String(http.StatusOK, "Unsubscribed.\n")
	}
	return h.unsubscribePage(c, http.StatusOK, unsubscribed("You are unsubscribed", linked.Email))
}

// askUnsubscribe shows whom the link is about, and the button unless it is done.
func (h *Handlers) askUnsubscribe(c echo.Context, status int) error {
	linked, err := h.engine.OpenLink(c.Request().Context(), c.Param("token"))
	if err != nil {
		return h.deadLink(c, err)
	}
	if linked.Unsubscribed {
		return h.unsubscribePage(c, status, unsubscribed("You have unsubscribed already", linked.Email))
	}
	return h.unsubscribePage(c, status, view.Props{
		Title: "Unsubscribe from sales email?", Address: masked(linked.Email), Action: c.Request().URL.EscapedPath(),
		Text: "Press the button, and our sales team sends no more email to this address.",
	})
}

func unsubscribed(title, email string) view.Props {
	return view.Props{Title: title, Address: masked(email), Done: true, Text: "You can close this page."}
}

// deadLink says why a link does nothing.
func (h *Handlers) deadLink(c echo.Context, err error) error {
	switch {
	case errors.Is(err, syncengine.ErrLinkForged):
		return h.unsubscribePage(c, http.StatusNotFound, view.Props{Title: "This link is not whole",
			Text: "Nothing was changed. Open the link from the email itself, or copy all of it; or answer the email and ask to be left alone."})
	case errors.Is(err, syncengine.ErrLinkExpired):
		return h.unsubscribePage(c, http.StatusGone, view.Props{Title: "This link is too old",
			Text: "Nothing was changed. Use the link in a newer email, or answer the email and ask to be left alone."})
	default:
		return err
	}
}

func (h *Handlers) unsubscribePage(c echo.Context, status int, props view.Props) error {
	keepPrivate(c)
	props.Page = views.Page{Title: "Unsubscribe"}
	return h.render(c, status, view.Page(props))
}

// keepPrivate keeps the address of the page, which is a key, from other sites and from
// search engines.
func keepPrivate(c echo.Context) {
	header := c.Response().Header()
	header.Set(echo.HeaderReferrerPolicy, "no-referrer")
	header.Set("X-Robots-Tag", "noindex, nofollow")
}

// masked is an address as whoever has it knows it, and nobody else: "a…@acme.example".
func masked(email string) string {
	at := strings.LastIndex(email, "@")
	if at < 0 {
		return "your address"
	}
	_, first := utf8.DecodeRuneInString(email)
	if at <= first {
		first = 0 // one letter would be all of it
	}
	return email[:first] + "…" + email[at:]
}
