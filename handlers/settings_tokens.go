package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"salesactions/handlers/request"
	"salesactions/models"
)

const (
	tokensPath = "/settings/tokens"
	maxTokens  = 500
)

// tokenForm is the form as it was sent, with what is wrong.
type tokenForm struct {
	Name  string
	Scope models.Scope
	Wrong map[string]string
}

// SettingsTokens lists the API tokens.
func (h *Handlers) SettingsTokens(c echo.Context) error {
	return h.tokensPage(c, http.StatusOK, tokenForm{Scope: models.ScopeRecord})
}

// TokenCreate makes a token, which the next page shows once.
func (h *Handlers) TokenCreate(c echo.Context) error {
	ctx := c.Request().Context()
	form := tokenForm{Name: field(c, "name"), Scope: models.Scope(field(c, "scope")), Wrong: map[string]string{}}
	if problem := nameProblem(form.Name); problem != "" {
		form.Wrong["name"] = problem
	}
	if !form.Scope.Valid() {
		form.Wrong["scope"] = "Choose what the token may do."
	}
	if len(form.Wrong) > 0 {
		return h.tokensPage(c, http.StatusUnprocessableEntity, form)
	}
	var plain string
	err := models.Tx(ctx, h.db, func(tx *gorm.DB) error {
		var token models.APIToken
		var err error
		if plain, token, err = models.CreateAPIToken(ctx, tx, h.clock.Now(), form.Name, form.Scope, request.Actor(c)); err != nil {
			return err
		}
		return h.record(c, tx, "tokens.create", token.Name, map[string]any{"scope": token.Scope, "hint": token.Hint})
	})
	if err != nil {
		return err
	}
	err = request.GetSession(c).AddFlash(ctx, request.Flash{
		Tone: toneGood, Text: "Copy the token of " + form.Name + " now. It is not shown again.", Secret: plain,
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, tokensPath)
}

// TokenRevoke ends a token at once.
func (h *Handlers) TokenRevoke(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var token models.APIToken
	err = models.Tx(ctx, h.db, func(tx *gorm.DB) error {
		var err error
		if token, err = models.RevokeAPIToken(ctx, tx, id, h.clock.Now()); err != nil {
			return err
		}
		return h.record(c, tx, "tokens.revoke", token.Name, map[string]any{"hint": token.Hint})
	})
	if err != nil {
		return err
	}
	return seeOther(c, tokensPath, "The token "+token.Name+" no longer works.")
}
