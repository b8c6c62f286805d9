package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"salesactions/models"
	sandboxmarketo "salesactions/sandbox/marketo"
	sandboxsalesforce "salesactions/sandbox/salesforce"
)

// The sandboxes' credentials.
const (
	sandboxClientID     = "sandbox-client"
	sandboxClientSecret = "sandbox-secret"
	sandboxAppID        = "sandbox-app"
	sandboxAppSecret    = "sandbox-app-secret"
	sandboxUsername     = "integration@example.com"
	sandboxPassword     = "sandbox-password"
)

func newSandbox(env *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the sandboxes of Marketo and Salesforce alone",
		Args:  cobra.NoArgs,
		RunE:  env.runSandbox,
	}
	flags := command.Flags()
	flags.String("marketo-addr", "127.0.0.1:9101", "address of Marketo's sandbox")
	flags.String("salesforce-addr", "127.0.0.1:9102", "address of Salesforce's sandbox")
	flags.Int("people", 5000, "how many people")
	flags.Int64("seed", 1, "what the people and all chances come from")
	flags.String("quota", "real", "real: the documented limits; off: none")
	flags.Duration("bulk-delay", 2*time.Second, "how long a bulk job takes")
	flags.Duration("bulk-refresh", time.Second, "how long a bulk job's status is frozen (the real one: 60s)")
	flags.Duration("commit-lag", 5*time.Second, "how late rows of the change log may appear (the real one: up to minutes)")
	flags.String("key-field", models.DefaultKeyField, "the org's unique external id on Activity; empty: none")
	flags.String("marker-field", "", "a plain text field on Activity, such as Sales_Actions_Id__c; empty: none")
	flags.String("opt-out-field", models.SalesOptOut, "a checkbox of leads and contacts beside HasOptedOutOfEmail; empty: none")
	flags.Bool("rotation", false, "Salesforce's refresh tokens are good for one use")
	flags.Bool("json", false, "print the addresses and credentials as JSON")
	describe(flags)
	return command
}

func (e *environment) runSandbox(command *cobra.Command, _ []string) error {
	flags := command.Flags()
	people, _ := flags.GetInt("people")
	seed, _ := flags.GetInt64("seed")
	quota, _ := flags.GetString("quota")
	if quota != "real" && quota != "off" {
		return usageError{fmt.Errorf("--quota is %q: give real or off", quota)}
	}
	config := sandboxmarketo.Config{People: people, Seed: seed, QuotaOff: quota == "off", ClientID: sandboxClientID, ClientSecret: sandboxClientSecret, History: true}
	config.BulkDelay, _ = flags.GetDuration("bulk-delay")
	config.BulkRefresh, _ = flags.GetDuration("bulk-refresh")
	config.CommitLag, _ = flags.GetDuration("commit-lag")
	org := sandboxsalesforce.Config{People: people, Seed: seed, QuotaOff: quota == "off"}
	org.KeyField, _ = flags.GetString("key-field")
	org.MarkerField, _ = flags.GetString("marker-field")
	org.OptOutField, _ = flags.GetString("opt-out-field")
	org.Rotation, _ = flags.GetBool("rotation")
	marketoAddr, _ := flags.GetString("marketo-addr")
	salesforceAddr, _ := flags.GetString("salesforce-addr")
	boxes, err := startSandboxes(e.clock, marketoAddr, config, salesforceAddr, org)
	if err != nil {
		return err
	}
	err = boxes.announce(command)
	if err == nil {
		<-command.Context().Done()
	}
	return errors.Join(err, boxes.stop(command.Context()))
}

// sandboxes are both systems, running.
type sandboxes struct {
	marketo    *sandboxmarketo.Server
	salesforce *sandboxsalesforce.Server
	marketoURL string
	orgURL     string
	servers    []*http.Server
}

func startSandboxes(clock clockwork.Clock, marketoAddr string, config sandboxmarketo.Config, salesforceAddr string, org sandboxsalesforce.Config) (*sandboxes, error) {
	if config.QuotaOff { // a limit that is off cannot be broken
		config.Rate, config.DailyQuota = 1<<30, 1<<30
	}
	config.Clock, org.Clock = clock, clock
	org.ClientID, org.ClientSecret, org.Username, org.Password = sandboxAppID, sandboxAppSecret, sandboxUsername, sandboxPassword
	s := &sandboxes{}
	var err error
	if s.marketo, err = sandboxmarketo.New(config); err != nil {
		return nil, err
	}
	if s.salesforce, err = sandboxsalesforce.New(org); err != nil {
		return nil, err
	}
	if s.marketoURL, err = s.serve(marketoAddr, s.marketo); err != nil {
		return nil, err
	}
	if s.orgURL, err = s.serve(salesforceAddr, s.salesforce); err != nil {
		return nil, errors.Join(err, s.stop(context.Background()))
	}
	return s, nil
}

func (s *sandboxes) serve(addr string, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	go func() {
		// Serve returns when the server is closed, which stop does.
		_ = server.Serve(listener)
	}()
	return "http://" + listener.Addr().String(), nil
}

func (s *sandboxes) announce(command *cobra.Command) error {
	out := command.OutOrStdout()
	if asJSON, _ := command.Flags().GetBool("json"); asJSON {
		return json.NewEncoder(out).Encode(map[string]any{
			"marketo": map[string]string{"endpoint": s.marketoURL, "client_id": sandboxClientID, "client_secret": sandboxClientSecret},
			"salesforce": map[string]string{"login_url": s.orgURL, "client_id": sandboxAppID, "client_secret": sandboxAppSecret, "username": sandboxUsername,
				"password": sandboxPassword, "access_token": s.salesforce.AccessToken(), "instance_url": s.orgURL}})
	}
	_, err := fmt.Fprintf(out, "Marketo's sandbox: %s (client id %s, client secret %s)\nSalesforce's sandbox: %s (consumer key %s, consumer secret %s; sign in as %s, %s)\n",
		s.marketoURL, sandboxClientID, sandboxClientSecret, s.orgURL, sandboxAppID, sandboxAppSecret, sandboxUsername, sandboxPassword)
	return err
}

func (s *sandboxes) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	var err error
	for _, server := range s.servers {
		if server.Shutdown(ctx) != nil {
			err = errors.Join(err, server.Close())
		}
	}
	return err
}
