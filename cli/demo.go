package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"salesactions/models"
	sandboxmarketo "salesactions/sandbox/marketo"
	sandboxsalesforce "salesactions/sandbox/salesforce"
	"salesactions/syncengine"
)

// The demo's users; its data is made up and listens on this machine only.
const (
	demoAdmin    = "admin@example.com"
	demoRep      = "rep@example.com"
	demoPassword = "demo-password"
)

func newDemo(env *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole product with a private database, sandboxes of Marketo and Salesforce, and made-up people",
		Args:  cobra.NoArgs,
		RunE:  env.demo,
		// Its users have a known password and its Marketo is made up.
		Annotations: map[string]string{worldOfItsOwn: ""},
	}
	flags := command.Flags()
	flags.Int("people", 5000, "how many people Marketo has")
	flags.String("addr", "127.0.0.1:8080", "address to listen on")
	flags.String("base-url", "", "where people reach the program")
	flags.String("trusted-proxies", "", "networks of proxies that are believed")
	flags.String("quota", "real", "limits of the sandboxes: real, or off for a quick look")
	flags.String("marketo-addr", "127.0.0.1:0", "address of Marketo's sandbox")
	flags.String("salesforce-addr", "127.0.0.1:0", "address of Salesforce's sandbox")
	flags.Duration("actors-every", 3*time.Second, "how often something happens by itself once people are there; 0: never")
	flags.Bool("json", false, "print where to go and how to sign in as one line of JSON, once ready")
	addEngineFlags(command)
	describe(flags)
	return command
}

// demoEnvironment is what the demo prints.
type demoEnvironment struct {
	URL           string      `json:"url"`
	Admin         demoAccount `json:"admin"`
	Rep           demoAccount `json:"rep"`
	Token         string      `json:"token"`
	MarketoURL    string      `json:"marketo_url"`
	SalesforceURL string      `json:"salesforce_url"`
	DatabaseURL   string      `json:"database_url"`
}

type demoAccount struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

func (e *environment) demo(command *cobra.Command, _ []string) error {
	flags := command.Flags()
	if flags.Changed("database-url") {
		return usageError{errors.New("the demo has a database of its own: leave --database-url out")}
	}
	if dir, _ := flags.GetString("data-dir"); dir != "" {
		if err := claimFolder(dir); err != nil {
			return err
		}
	} else {
		dir, err := os.MkdirTemp("", "salesactions-demo-")
		if err != nil {
			return fmt.Errorf("make a folder for the demo's data: %w", err)
		}
		defer os.RemoveAll(dir)
		if err := flags.Set("data-dir", dir); err != nil {
			return fmt.Errorf("use the demo's folder: %w", err)
		}
	}
	quota, _ := flags.GetString("quota")
	rate := "95"
	if quota == "off" {
		rate = "100000"
	}
	// The demo's systems are its own, so it need not be polite, and has no minutes to wait for.
	for name, value := range map[string]string{"marketo-rate": rate, "marketo-concurrency": "8", "marketo-daily-budget": "50000",
		"marketo-export-poll": "1s", "sync-poll-interval": "2s", "sync-sweep-interval": "30s",
		"marketo-settle": "15s", "salesforce-settle": "15s", "task-poll-interval": "2s", "salesforce-daily-budget": "150000"} {
		if !flags.Changed(name) {
			if err := flags.Set(name, value); err != nil {
				return fmt.Errorf("tune the demo: %w", err)
			}
		}
	}
	config, err := engineConfig(command)
	if err != nil {
		return err
	}
	config.Work = true
	people, _ := flags.GetInt("people")
	marketoAddr, _ := flags.GetString("marketo-addr")
	salesforceAddr, _ := flags.GetString("salesforce-addr")
	box, err := startSandboxes(e.clock, marketoAddr, sandboxmarketo.Config{People: people, Seed: 1, QuotaOff: quota == "off", ClientID: sandboxClientID, ClientSecret: sandboxClientSecret,
		BulkDelay: time.Second, BulkRefresh: 900 * time.Millisecond, CommitLag: 4 * time.Second, HasOpportunity: true, History: true},
		salesforceAddr, sandboxsalesforce.Config{People: people, Seed: 1, QuotaOff: quota == "off", KeyField: models.DefaultKeyField, OptOutField: models.SalesOptOut})
	if err != nil {
		return err
	}
	s, err := e.openStore(command, false)
	if err == nil {
		err = errors.Join(runDemo(command, s, config, box), s.Close(command.Context()))
	}
	return errors.Join(err, box.stop(command.Context()))
}

// claimFolder marks a folder as a demo's, and refuses one with another workspace: the
// demo's users have a known password.
func claimFolder(dir string) error {
	mark := filepath.Join(dir, "demo")
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
		return fmt.Errorf("%s holds a workspace that is no demo: give the demo a folder of its own", dir)
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	if err := os.WriteFile(mark, []byte("This folder is a demo's.\n"), 0o600); err != nil {
		return fmt.Errorf("mark the demo's folder: %w", err)
	}
	return nil
}

func runDemo(command *cobra.Command, s *store, config syncengine.Config, box *sandboxes) error {
	a, err := s.newApp(command, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(command.Context())
	defer cancel()
	made, err := furnish(ctx, a, box)
	if err != nil {
		return errors.Join(err, a.listener.Close())
	}
	every, _ := command.Flags().GetDuration("actors-every")
	var actors sync.WaitGroup
	actors.Go(func() { box.marketo.RunWebhooks(ctx) })
	if every > 0 {
		actors.Go(func() {
			if waitForCopy(ctx, s.clock, a.engine) {
				actors.Go(func() { box.marketo.RunActors(ctx, every) })
				actors.Go(func() { box.salesforce.RunActors(ctx, every) })
				runActors(ctx, s.clock, a.url(), made.Token, every)
			}
		})
	}
	err = a.run(ctx, func() { announce(command, made) })
	cancel()
	actors.Wait()
	return err
}

// furnish makes the users, the token and the connection, where a kept data folder
// does not have them yet.
func furnish(ctx context.Context, a *app, box *sandboxes) (demoEnvironment, error) {
	made := demoEnvironment{URL: a.url(), Admin: demoAccount{demoAdmin, demoPassword}, Rep: demoAccount{demoRep, demoPassword},
		MarketoURL: box.marketoURL, SalesforceURL: box.orgURL, DatabaseURL: a.store.url}
	if err := a.reconnect(ctx, box); err != nil {
		return made, err
	}
	db := a.store.db.Gorm
	for _, user := range []models.User{{Email: demoAdmin, Name: "Alex Admin", Role: models.RoleAdmin}, {Email: demoRep, Name: "Rita Rep", Role: models.RoleRep}} {
		if _, err := a.store.createUser(ctx, user, demoPassword); err != nil && !errors.Is(err, models.ErrConflict) {
			return made, err
		}
	}
	var err error
	if made.Token, err = a.store.createToken(ctx, "demo", models.ScopeAdmin); err != nil {
		return made, err
	}
	secret, err := a.engine.NewWebhookSecret(ctx, "system")
	if err != nil {
		return made, err
	}
	box.marketo.Webhook(a.url()+"/api/v1/webhooks/marketo", "X-Webhook-Secret", secret)
	return made, models.SaveRecordLinks(ctx, db, models.RecordLinks{MarketoURL: "https://app-demo.marketo.example", SalesforceURL: box.orgURL},
		models.AnyVersion, "system")
}

// reconnect points a kept workspace at this run's sandboxes, which have other ports
// but the same people, and turns on what an admin would choose.
func (a *app) reconnect(ctx context.Context, box *sandboxes) error {
	if err := a.engine.ForgetMarketo(ctx); err != nil {
		return err
	}
	const actor = "system"
	if err := a.engine.SaveMarketo(ctx, box.marketoURL+"/rest", sandboxClientID, sandboxClientSecret, actor); err != nil {
		return err
	}
	if err := a.engine.SaveSalesforce(ctx, box.orgURL, sandboxAppID, sandboxAppSecret, actor); err != nil {
		return err
	}
	if err := a.engine.ConnectSalesforceApp(ctx, actor); err != nil {
		return err
	}
	yes := true
	if err := a.engine.ChangeLogging(ctx, syncengine.LoggingChange{Emails: &yes, Replies: &yes, Calls: &yes, Tasks: &yes}, actor); err != nil {
		return err
	}
	if err := a.engine.ChangeUnsubscribing(ctx, syncengine.UnsubscribingChange{Check: &yes, Nightly: &yes}, actor); err != nil {
		return err
	}
	return a.engine.BackdateLogging(ctx)
}

// waitForCopy waits until an admin has run the initial sync.
func waitForCopy(ctx context.Context, clock clockwork.Clock, engine *syncengine.Engine) bool {
	ticker := clock.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.Chan():
			if st, err := engine.Status(ctx); err == nil && st.State == syncengine.StateFollowing {
				return true
			}
		}
	}
}

func announce(command *cobra.Command, made demoEnvironment) {
	out := command.OutOrStdout()
	if asJSON, _ := command.Flags().GetBool("json"); asJSON {
		// Whoever reads it sees that it is missing.
		_ = json.NewEncoder(out).Encode(made)
		return
	}
	fmt.Fprintf(out, `
  Sales Actions is ready: %s

    admin   %s   %s
    rep     %s     %s

  Sign in as the admin and press Start sync in Settings → Data sync.
  Marketo's sandbox: %s
  Salesforce's sandbox: %s (people sign in as integration@example.com, sandbox-password)
  API token (admin): %s
  Ctrl-C stops it.

`, made.URL, made.Admin.Email, made.Admin.Password, made.Rep.Email, made.Rep.Password, made.MarketoURL, made.SalesforceURL, made.Token)
}
