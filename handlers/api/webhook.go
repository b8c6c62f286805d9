package api

import (
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"
)

// MarketoWebhook answers POST /webhooks/marketo: a smart campaign of Marketo says
// that a person changed. The person's id goes into the inbox of people to read
// again, and the answer is out within milliseconds, for Marketo calls one webhook
// after the other (Marketo: Create a Webhook).
func (h *Handlers) MarketoWebhook(c echo.Context) error {
	ctx := c.Request().Context()
	known, err := h.engine.CheckWebhookSecret(ctx, c.Request().Header.Get("X-Webhook-Secret"))
	if err != nil {
		return err
	}
	if !known {
		problem := NewProblem(http.StatusUnauthorized, "Send the secret from Settings → Marketo in the header X-Webhook-Secret.")
		problem.Challenge = `WebhookSecret realm="salesactions"`
		return problem
	}
	body, err := readAll(c)
	if err != nil {
		return err
	}
	id, err := webhookID(body)
	if err != nil {
		return err
	}
	if err := h.engine.Touch(ctx, id); err != nil {
		return err
	}
	return ok(c, map[string]bool{"ok": true})
}

// webhookID returns the lead id of a body such as {"id":123} or {"id":"123"}; other
// members are somebody else's business.
func webhookID(body []byte) (int64, error) {
	if !json.Valid(body) {
		body = singleQuotes(body)
	}
	var sent struct {
		ID json.RawMessage `json:"id"`
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		return 0, invalid(FieldError{Pointer: "#", Detail: `The body must be JSON like {"id":{{lead.Id}}}.`})
	}
	text := string(sent.ID)
	var quoted string
	if json.Unmarshal(sent.ID, &quoted) == nil {
		text = quoted
	}
	id, valid := positive(text)
	if !valid {
		return 0, invalid(FieldError{Pointer: "#/id", Detail: "The id must be the lead's Marketo id, a positive whole number."})
	}
	return id, nil
}

// singleQuotes repairs {"id":""123""}: a template with quotes around a token that
// Marketo was told to encode as JSON, quotes included ("Request Token Encoding").
func singleQuotes(body []byte) []byte {
	return regexp.MustCompile(`:\s*""(\d{1,19})""`).ReplaceAll(body, []byte(`:"$1"`))
}
