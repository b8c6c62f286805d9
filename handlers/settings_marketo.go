package handlers

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"salesactions/handlers/request"
	"salesactions/models"
	"salesactions/syncengine"
)

const marketoPath = "/settings/marketo"

// marketoForms are the page's forms where one was sent and refused: its values, and
// what is wrong with which field.
type marketoForms struct {
	connection    *syncengine.Credentials // without the secret, which is never sent back
	qualification *syncengine.Qualification
	links         *models.RecordLinks
	wrong         map[string]string
}

// SettingsMarketo shows the connection, its last test, what was spent, and who qualifies.
func (h *Handlers) SettingsMarketo(c echo.Context) error {
	return h.marketoPage(c, http.StatusOK, marketoForms{})
}

// MarketoSave stores the connection. An empty secret keeps the one before.
func (h *Handlers) MarketoSave(c echo.Context) error {
	endpoint, clientID := field(c, "endpoint"), field(c, "client_id")
	err := h.engine.SaveMarketo(c.Request().Context(), endpoint, clientID, field(c, "client_secret"), request.Actor(c))
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		return h.marketoPage(c, http.StatusUnprocessableEntity, marketoForms{
			connection: &syncengine.Credentials{Endpoint: endpoint, ClientID: clientID}, wrong: wrongField(invalid),
		})
	}
	if err != nil {
		return err
	}
	return seeOther(c, marketoPath, "The connection is saved.")
}

// MarketoTest tries the connection. The result stays on the page until the next test.
func (h *Handlers) MarketoTest(c echo.Context) error {
	ctx := c.Request().Context()
	h.engine.TestMarketo(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	return seeOther(c, marketoPath, "")
}

// MarketoDisconnect forgets the connection's secret.
func (h *Handlers) MarketoDisconnect(c echo.Context) error {
	err := h.engine.DisconnectMarketo(c.Request().Context(), request.Actor(c))
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		return refuse(c, marketoPath, invalid.Message)
	}
	if err != nil {
		return err
	}
	return seeOther(c, marketoPath, "Marketo is disconnected. Nothing is read until you connect it again.")
}

// MarketoWebhookSecret makes a new secret, which the next page shows once.
func (h *Handlers) MarketoWebhookSecret(c echo.Context) error {
	ctx := c.Request().Context()
	secret, err := h.engine.NewWebhookSecret(ctx, request.Actor(c))
	var invalid *syncengine.InvalidError
	if errors.As(err, &invalid) {
		return refuse(c, marketoPath, invalid.Message)
	}
	if err != nil {
		return err
	}
	err = request.GetSession(c).AddFlash(ctx, request.Flash{
		Tone: toneGood, Text: "Copy the webhook secret now. It is not shown again; the one before works until you make the next.",
		Secret: secret,
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, marketoPath)
}

// MarketoQualification stores which people belong in the workspace.
func (h *Handlers) MarketoQualification(c echo.Context) error {
	var q syncengine.Qualification
	q.ListName, q.OwnerFields = field(c, "list_name"), fieldNames(c, "owner_fields")
	q.LinkedInFields, q.SourceFields = fieldNames(c, "linkedin_fields"), fieldNames(c, "source_fields")
	choose(&q.Mode, field(c, "mode"))
	wrong := map[string]string{}
	var err error
	if id := field(c, "list_id"); id != "" {
		if q.ListID, err = strconv.ParseInt(id, 10, 64); err != nil || q.ListID < 0 {
			wrong["list_id"] = "Enter the list's number, as in its address in Marketo."
		}
	}
	if q.Version, err = strconv.ParseInt(c.FormValue("version"), 10, 64); err != nil {
		wrong["mode"] = "Reload the page and try again."
	}
	if len(wrong) == 0 {
		err = h.engine.SaveQualification(c.Request().Context(), q, request.Actor(c))
		var invalid *syncengine.InvalidError
		switch {
		case err == nil:
			return seeOther(c, marketoPath, "Saved. The next sync follows the new rule.")
		case errors.As(err, &invalid):
			wrong = wrongField(invalid)
		case errors.Is(err, models.ErrConflict):
			wrong["mode"] = "Somebody else saved this at the same time. Reload the page and try again."
		default:
			return err
		}
	}
	return h.marketoPage(c, http.StatusUnprocessableEntity, marketoForms{qualification: &q, wrong: wrong})
}

// fieldNames reads names of Marketo fields, separated by commas, spaces or lines.
func fieldNames(c echo.Context, name string) []string {
	return strings.FieldsFunc(field(c, name), func(r rune) bool { return strings.ContainsRune(", ;\r\n\t", r) })
}

// MarketoLinks stores where the records of people can be opened in a browser.
func (h *Handlers) MarketoLinks(c echo.Context) error {
	wrong := map[string]string{}
	links := models.RecordLinks{MarketoURL: webAddress(c, "marketo_web", wrong), SalesforceURL: webAddress(c, "salesforce_web", wrong)}
	version, err := strconv.ParseInt(c.FormValue("version"), 10, 64)
	if err != nil {
		wrong["marketo_web"] = "Reload the page and try again."
	}
	if len(wrong) == 0 {
		switch err := h.saveLinks(c, links, max(version, 0)); {
		case err == nil:
			return seeOther(c, marketoPath, "The addresses are saved.")
		case errors.Is(err, models.ErrConflict):
			wrong["marketo_web"] = "Somebody else saved this at the same time. Reload the page and try again."
		default:
			return err
		}
	}
	return h.marketoPage(c, http.StatusUnprocessableEntity, marketoForms{links: &links, wrong: wrong})
}

func (h *Handlers) saveLinks(c echo.Context, links models.RecordLinks, version int64) error {
	ctx := c.Request().Context()
	return models.Tx(ctx, h.db, func(tx *gorm.DB) error {
		old, _, err := models.LoadRecordLinks(ctx, tx)
		if err != nil {
			return err
		}
		if err := models.SaveRecordLinks(ctx, tx, links, version, request.Actor(c)); err != nil {
			return err
		}
		return h.record(c, tx, "marketo.links", "", map[string]any{"old": old, "new": links})
	})
}

// webAddress reads an optional address of a site.
func webAddress(c echo.Context, name string, wrong map[string]string) string {
	given := strings.TrimRight(field(c, name), "/")
	if given == "" {
		return ""
	}
	if !siteAddress(given) {
		wrong[name] = "Enter the address that starts with https://, as your browser shows it."
	}
	return given
}

func wrongField(invalid *syncengine.InvalidError) map[string]string {
	return map[string]string{invalid.Field: invalid.Message}
}

// loadMarketo asks for everything that the page shows.
func (h *Handlers) loadMarketo(ctx context.Context) (m marketoState, err error) {
	if m.connection, err = h.engine.MarketoConnection(ctx); err != nil {
		return m, err
	}
	if m.test, err = h.engine.LastMarketoTest(ctx); err != nil {
		return m, err
	}
	if m.budget, err = h.engine.MarketoBudget(ctx); err != nil {
		return m, err
	}
	if m.webhook, err = h.engine.WebhookSecrets(ctx); err != nil {
		return m, err
	}
	if m.types, err = h.engine.MarketoTypes(ctx); err != nil {
		return m, err
	}
	if m.qualification, err = h.engine.Qualification(ctx); err != nil {
		return m, err
	}
	m.links, m.linksVersion, err = models.LoadRecordLinks(ctx, h.db)
	return m, err
}

type marketoState struct {
	connection    syncengine.ConnectionInfo
	test          *syncengine.MarketoTest
	budget        syncengine.Budget
	webhook       syncengine.WebhookInfo
	types         *syncengine.MarketoTypes
	qualification syncengine.Qualification
	links         models.RecordLinks
	linksVersion  int64
}
