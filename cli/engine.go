package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/spf13/cobra"

	"salesactions/syncengine"
)

// addEngineFlags adds what tunes the engine.
func addEngineFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.String("marketo-endpoint", "", "Marketo's REST endpoint, instead of the one in Settings")
	flags.String("marketo-client-id", "", "client id of the custom service in Marketo")
	flags.String("marketo-client-secret", "", "its client secret")
	flags.String("marketo-webhook-secret", "", "secret of Marketo's webhook; two, with a comma, while rotating")
	flags.String("salesforce-login-url", "", "where Salesforce signs us in, instead of the connection in Settings")
	flags.String("salesforce-client-id", "", "consumer key of the app in Salesforce")
	flags.String("salesforce-client-secret", "", "its consumer secret, to sign in as the app's Run-As user")
	flags.String("salesforce-username", "", "user to sign in as with the private key instead")
	flags.String("salesforce-private-key", "", "private key of the app's certificate, PEM")
	flags.Int64("salesforce-daily-budget", 50_000, "Salesforce calls a day that we allow ourselves")
	flags.Duration("marketo-settle", 5*time.Minute, "how long an activity of unknown outcome must stay absent from Marketo before it is sent again")
	flags.Duration("salesforce-settle", 11*time.Minute, "how long a Task of unknown outcome must stay absent from Salesforce before it is sent again")
	flags.Int64("marketo-daily-budget", 25_000, "Marketo calls a day that we allow ourselves")
	flags.Int("marketo-rate", 50, "Marketo calls in 20 seconds that we allow ourselves")
	flags.Int("marketo-concurrency", 5, "Marketo calls in flight that we allow ourselves")
	flags.Duration("marketo-export-poll", time.Minute, "how often a bulk job's status is asked")
	flags.String("marketo-copy", "auto", "how the initial sync reads people: bulk extract, paged in batches of ids, or auto, whichever needs fewer calls")
	flags.Duration("sync-poll-interval", 30*time.Second, "how often Marketo's change logs are read")
	flags.Duration("sync-sweep-interval", 10*time.Minute, "how often their overlap is read again for rows that came late")
	flags.Duration("task-poll-interval", 30*time.Second, "how often Salesforce's changes of reminder tasks are read")
}

// engineConfig reads them. Errors name the variable.
func engineConfig(command *cobra.Command) (syncengine.Config, error) {
	flags := command.Flags()
	text := func(name string) string { value, _ := flags.GetString(name); return value }
	length := func(name string) time.Duration { value, _ := flags.GetDuration(name); return value }
	number := func(name string) int { value, _ := flags.GetInt(name); return value }
	daily, _ := flags.GetInt64("marketo-daily-budget")
	config := syncengine.Config{
		Marketo:      syncengine.Credentials{Endpoint: text("marketo-endpoint"), ClientID: text("marketo-client-id"), ClientSecret: text("marketo-client-secret")},
		PollInterval: length("sync-poll-interval"), SweepInterval: length("sync-sweep-interval"), ExportPoll: length("marketo-export-poll"),
		Rate: number("marketo-rate"), Concurrency: number("marketo-concurrency"), DailyBudget: daily,
		Copy: syncengine.CopyMethod(text("marketo-copy")), UserAgent: "salesactions/" + version,
		MarketoSettle: length("marketo-settle"), SalesforceSettle: length("salesforce-settle"), TaskPoll: length("task-poll-interval"),
	}
	config.SalesforceDaily, _ = flags.GetInt64("salesforce-daily-budget")
	var err error
	if config.Salesforce, err = salesforceCredentials(text); err != nil {
		return config, err
	}
	for secret := range strings.SplitSeq(text("marketo-webhook-secret"), ",") {
		if secret = strings.TrimSpace(secret); secret != "" {
			config.WebhookSecrets = append(config.WebhookSecrets, secret)
		}
	}
	return config, checkEngine(config, text("marketo-copy"))
}

// salesforceCredentials reads how Salesforce is reached, if the environment says so.
func salesforceCredentials(text func(string) string) (syncengine.SalesforceCredentials, error) {
	c := syncengine.SalesforceCredentials{ClientID: text("salesforce-client-id"), ClientSecret: text("salesforce-client-secret"), Username: text("salesforce-username")}
	if text("salesforce-login-url") == "" {
		return c, nil
	}
	var err error
	if c.LoginURL, err = syncengine.CheckSalesforceLogin(text("salesforce-login-url")); err != nil {
		return c, usageError{fmt.Errorf("SALESFORCE_LOGIN_URL: %w", err)}
	}
	if key := text("salesforce-private-key"); key != "" {
		if c.PrivateKey, err = jwt.ParseRSAPrivateKeyFromPEM([]byte(key)); err != nil {
			return c, usageError{fmt.Errorf("SALESFORCE_PRIVATE_KEY is no RSA key in PEM: %w", err)}
		}
	}
	switch {
	case c.ClientID == "":
		return c, usageError{errors.New("SALESFORCE_LOGIN_URL needs SALESFORCE_CLIENT_ID beside it")}
	case c.PrivateKey != nil && c.Username == "":
		return c, usageError{errors.New("SALESFORCE_PRIVATE_KEY_FILE needs SALESFORCE_USERNAME beside it")}
	case c.PrivateKey == nil && c.ClientSecret == "":
		return c, usageError{errors.New("SALESFORCE_LOGIN_URL needs SALESFORCE_CLIENT_SECRET, or SALESFORCE_USERNAME and SALESFORCE_PRIVATE_KEY_FILE, beside it")}
	}
	return c, nil
}

func checkEngine(c syncengine.Config, copying string) error {
	wrong := func(name, text string) error { return usageError{fmt.Errorf("%s %s", name, text)} }
	switch {
	case c.Rate < 1:
		return wrong("MARKETO_RATE", "must be at least 1")
	case c.Concurrency < 2:
		return wrong("MARKETO_CONCURRENCY", "must be at least 2")
	case c.DailyBudget < 1:
		return wrong("MARKETO_DAILY_BUDGET", "must be at least 1")
	case c.SalesforceDaily < 1:
		return wrong("SALESFORCE_DAILY_BUDGET", "must be at least 1")
	case c.MarketoSettle < 100*time.Millisecond:
		return wrong("MARKETO_SETTLE", "must be at least 100ms")
	case c.SalesforceSettle < 100*time.Millisecond:
		return wrong("SALESFORCE_SETTLE", "must be at least 100ms")
	case c.PollInterval < 100*time.Millisecond:
		return wrong("SYNC_POLL_INTERVAL", "must be at least 100ms")
	case c.TaskPoll < 100*time.Millisecond:
		return wrong("TASK_POLL_INTERVAL", "must be at least 100ms")
	case c.ExportPoll < 10*time.Millisecond:
		return wrong("MARKETO_EXPORT_POLL", "must be at least 10ms")
	case copying != "auto" && copying != "bulk" && copying != "paged":
		return wrong("MARKETO_COPY", "must be auto, bulk or paged")
	case c.Marketo.Endpoint != "" && (c.Marketo.ClientID == "" || c.Marketo.ClientSecret == ""):
		return wrong("MARKETO_ENDPOINT", "needs MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET beside it")
	}
	return nil
}

// newEngine makes an engine on an open store.
func (s *store) newEngine(command *cobra.Command, config syncengine.Config) (*syncengine.Engine, error) {
	box, err := s.openBox()
	if err != nil {
		return nil, err
	}
	config.Box, config.Clock, config.Log = box, s.clock, s.log
	return syncengine.New(command.Context(), config, syncengine.Deps{Pool: s.db.Pool, Queue: s.db.Queue, Gorm: s.db.Gorm})
}
