package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	sandboxmarketo "salesactions/sandbox/marketo"
)

// The sandbox's credentials.
const (
	sandboxClientID     = "sandbox-client"
	sandboxClientSecret = "sandbox-secret"
)

func newSandbox(_ *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the sandbox of Marketo alone",
		Args:  cobra.NoArgs,
		RunE:  runSandbox,
	}
	flags := command.Flags()
	flags.String("marketo-addr", "127.0.0.1:9101", "address of Marketo's sandbox")
	flags.Int("people", 5000, "how many people")
	flags.Int64("seed", 1, "what the people and all chances come from")
	flags.String("quota", "real", "real: the documented limits; off: none")
	flags.Duration("bulk-delay", 2*time.Second, "how long a bulk job takes")
	flags.Duration("bulk-refresh", time.Second, "how long a bulk job's status is frozen (the real one: 60s)")
	flags.Duration("commit-lag", 5*time.Second, "how late rows of the change log may appear (the real one: up to minutes)")
	flags.Bool("json", false, "print the addresses and credentials as JSON")
	describe(flags)
	return command
}

func runSandbox(command *cobra.Command, _ []string) error {
	flags := command.Flags()
	people, _ := flags.GetInt("people")
	seed, _ := flags.GetInt64("seed")
	quota, _ := flags.GetString("quota")
	addr, _ := flags.GetString("marketo-addr")
	asJSON, _ := flags.GetBool("json")
	if quota != "real" && quota != "off" {
		return usageError{fmt.Errorf("--quota is %q: give real or off", quota)}
	}
	config := sandboxmarketo.Config{People: people, Seed: seed, QuotaOff: quota == "off", ClientID: sandboxClientID, ClientSecret: sandboxClientSecret}
	config.BulkDelay, _ = flags.GetDuration("bulk-delay")
	config.BulkRefresh, _ = flags.GetDuration("bulk-refresh")
	config.CommitLag, _ = flags.GetDuration("commit-lag")
	box, err := startSandbox(addr, config)
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(command.OutOrStdout()).Encode(map[string]any{"marketo": map[string]string{
			"endpoint": box.url, "client_id": sandboxClientID, "client_secret": sandboxClientSecret}, "salesforce": nil})
	} else {
		fmt.Fprintf(command.OutOrStdout(), "Marketo's sandbox: %s (client id %s, client secret %s)\n", box.url, sandboxClientID, sandboxClientSecret)
	}
	if err == nil {
		<-command.Context().Done()
	}
	return errors.Join(err, box.stop(command.Context()))
}

// sandbox is a running sandbox.
type sandbox struct {
	*sandboxmarketo.Server
	url    string
	server *http.Server
}

func startSandbox(addr string, config sandboxmarketo.Config) (*sandbox, error) {
	if config.QuotaOff { // a limit that is off cannot be broken
		config.Rate, config.DailyQuota = 1<<30, 1<<30
	}
	box, err := sandboxmarketo.New(config)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{Handler: box, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		// Serve returns when the server is closed, which stop does.
		_ = server.Serve(listener)
	}()
	return &sandbox{Server: box, url: "http://" + listener.Addr().String(), server: server}, nil
}

func (s *sandbox) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		return s.server.Close()
	}
	return nil
}
