package syncengine

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"time"

	"salesactions/models"
)

// settingWebhook is the settings group with the secrets of Marketo's webhook,
// sealed; the newest first, at most two.
const settingWebhook = "marketo_webhook"

const sealedWebhook = "marketo webhook secret"

type webhookSetting struct {
	Sealed [][]byte   `json:"sealed"`
	MadeAt *time.Time `json:"made_at"`
}

// WebhookInfo is what Settings shows of the webhook's secrets.
type WebhookInfo struct {
	Count           int
	FromEnvironment bool
	MadeAt          *time.Time
}

// Touch asks for a person to be read again within seconds. It is one insert, so
// that a webhook's caller waits milliseconds.
func (e *Engine) Touch(ctx context.Context, marketoID int64) error {
	if err := e.people.Touch(ctx, marketoID); err != nil {
		return err
	}
	return e.nudgeReread(ctx)
}

// WebhookSecrets tells how many secrets are valid.
func (e *Engine) WebhookSecrets(ctx context.Context) (WebhookInfo, error) {
	if n := len(e.cfg.WebhookSecrets); n > 0 {
		return WebhookInfo{Count: n, FromEnvironment: true}, nil
	}
	var setting webhookSetting
	_, err := models.LoadSetting(ctx, e.db, settingWebhook, &setting)
	return WebhookInfo{Count: len(setting.Sealed), MadeAt: setting.MadeAt}, err
}

// NewWebhookSecret makes a secret and returns it, once. The one before stays valid
// until the next is made, so that Marketo can be changed in between.
func (e *Engine) NewWebhookSecret(ctx context.Context, actor string) (string, error) {
	if len(e.cfg.WebhookSecrets) > 0 {
		return "", &InvalidError{"webhook_secret", "The webhook's secrets come from the environment; change them there."}
	}
	var setting webhookSetting
	version, err := models.LoadSetting(ctx, e.db, settingWebhook, &setting)
	if err != nil {
		return "", err
	}
	secret, now := rand.Text(), e.clock.Now()
	setting.Sealed = append([][]byte{e.cfg.Box.Seal(secret, sealedWebhook)}, setting.Sealed...)
	setting.Sealed, setting.MadeAt = setting.Sealed[:min(2, len(setting.Sealed))], &now
	if err := models.SaveSetting(ctx, e.db, settingWebhook, setting, version, actor); err != nil {
		return "", err
	}
	return secret, e.audit(ctx, actor, "marketo.webhook_secret", "", nil)
}

// CheckWebhookSecret says whether a secret is valid, in constant time.
func (e *Engine) CheckWebhookSecret(ctx context.Context, given string) (bool, error) {
	secrets := e.cfg.WebhookSecrets
	if len(secrets) == 0 {
		var setting webhookSetting
		if _, err := models.LoadSetting(ctx, e.db, settingWebhook, &setting); err != nil {
			return false, err
		}
		for _, sealed := range setting.Sealed {
			secret, err := e.cfg.Box.Open(sealed, sealedWebhook)
			if err != nil {
				return false, fmt.Errorf("open the webhook's secret: %w", err)
			}
			secrets = append(secrets, secret)
		}
	}
	valid := 0
	for _, secret := range secrets {
		valid |= subtle.ConstantTimeCompare([]byte(secret), []byte(given))
	}
	return valid == 1, nil
}
