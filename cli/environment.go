package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// environment knows which environment variable stands for which flag, and has the one
// clock of the program.
type environment struct {
	root  *cobra.Command
	clock clockwork.Clock
}

// variables are the flags' environment variables. A secret may also be given as
// NAME_FILE, the path of a file that holds it.
var variables = map[string]string{
	"addr": "SALESACTIONS_ADDR", "base-url": "SALESACTIONS_BASE_URL", "data-dir": "SALESACTIONS_DATA_DIR",
	"secret-key": "SALESACTIONS_SECRET_KEY", "log": "SALESACTIONS_LOG", "log-level": "SALESACTIONS_LOG_LEVEL",
	"database-url": "DATABASE_URL", "trusted-proxies": "SALESACTIONS_TRUSTED_PROXIES",
	"marketo-endpoint": "MARKETO_ENDPOINT", "marketo-client-id": "MARKETO_CLIENT_ID", "marketo-client-secret": "MARKETO_CLIENT_SECRET",
	"marketo-webhook-secret": "MARKETO_WEBHOOK_SECRET", "marketo-daily-budget": "MARKETO_DAILY_BUDGET", "marketo-rate": "MARKETO_RATE",
	"marketo-concurrency": "MARKETO_CONCURRENCY", "marketo-export-poll": "MARKETO_EXPORT_POLL", "marketo-copy": "MARKETO_COPY",
	"salesforce-login-url": "SALESFORCE_LOGIN_URL", "salesforce-client-id": "SALESFORCE_CLIENT_ID", "salesforce-client-secret": "SALESFORCE_CLIENT_SECRET",
	"salesforce-username": "SALESFORCE_USERNAME", "salesforce-private-key": "SALESFORCE_PRIVATE_KEY",
	"salesforce-daily-budget": "SALESFORCE_DAILY_BUDGET", "marketo-settle": "MARKETO_SETTLE", "salesforce-settle": "SALESFORCE_SETTLE",
	"sync-poll-interval": "SYNC_POLL_INTERVAL", "sync-sweep-interval": "SYNC_SWEEP_INTERVAL", "task-poll-interval": "TASK_POLL_INTERVAL",
}

func newEnvironment(root *cobra.Command, clock clockwork.Clock) *environment {
	e := &environment{root: root, clock: clock}
	flags := root.PersistentFlags()
	flags.String("database-url", "", "PostgreSQL 14 or newer; without it a private server runs from this machine's PostgreSQL programs")
	flags.String("data-dir", "", "folder of the private server and its secret key (default "+defaultDataDir()+")")
	flags.String("secret-key", "", "32 bytes in base64 that seal secrets in the database; made in the data folder for a private server")
	flags.String("log", "text", "form of the log: text or json")
	flags.String("log-level", "", "least level of the log: debug, info, warn or error (default info for serve, else warn)")
	describe(flags)
	root.PersistentPreRunE = func(command *cobra.Command, _ []string) error { return e.apply(command) }
	return e
}

// describe adds the variables' names to the usage of a command's flags.
func describe(flags *pflag.FlagSet) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if name, ok := variables[flag.Name]; ok && !strings.Contains(flag.Usage, "$"+name) {
			flag.Usage += " [$" + name + "]"
		}
	})
}

// worldOfItsOwn marks a command that takes nothing from the environment but where to
// listen and how to log: the demo and the benchmark, which must not touch the deployment that the
// variables are meant for.
const worldOfItsOwn = "world of its own"

// apply sets each flag that was not given from its variable.
func (e *environment) apply(command *cobra.Command) error {
	_, own := command.Annotations[worldOfItsOwn]
	var failed error
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		name, ok := variables[flag.Name]
		if !ok || flag.Changed || failed != nil || own && flag.Name != "addr" && flag.Name != "log" && flag.Name != "log-level" {
			return
		}
		text, err := lookUp(name)
		if err == nil && text != "" {
			err = command.Flags().Set(flag.Name, text)
		}
		if err != nil {
			failed = usageError{fmt.Errorf("%s cannot be used: %w", name, plain(err))}
		}
	})
	return failed
}

// plain leaves out of a flag's error the flag, which was not given.
func plain(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return fmt.Errorf("%q is no %s", invalid.GetValue(), invalid.GetFlag().Value.Type())
	}
	return err
}

// lookUp returns a variable's value, or the content of the file that NAME_FILE names.
// An empty variable says nothing.
func lookUp(name string) (string, error) {
	if text := os.Getenv(name); text != "" {
		return text, nil
	}
	path := os.Getenv(name + "_FILE")
	if path == "" {
		return "", nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the file of %s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// defaultDataDir is where a service of the system keeps its state for root, and
// where programs keep theirs for everybody else.
func defaultDataDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/salesactions"
	}
	if state := os.Getenv("XDG_STATE_HOME"); state != "" {
		return filepath.Join(state, "salesactions")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "salesactions-data"
	}
	return filepath.Join(home, ".local", "state", "salesactions")
}
