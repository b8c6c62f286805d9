// Package cli is the program's command line: one file for each command, and the
// only package that wires all others.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"
)

// version is set at build.
var version = "dev"

// usageError is a wrong use of the command line.
type usageError struct{ error }

// Execute runs a command and returns the exit code: 0, 1 for an error, 2 for wrong
// usage. An error is one plain sentence on stderr.
func Execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot(clockwork.NewRealClock())
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil, ctx.Err() != nil && errors.Is(err, context.Canceled): // told to stop, and stopped
		return 0
	case errors.As(err, &usage), strings.HasPrefix(err.Error(), "unknown command"):
		fmt.Fprintf(errOut, "salesactions: %s (see 'salesactions --help')\n", oneLine(err))
		return 2
	default:
		fmt.Fprintf(errOut, "salesactions: %s\n", oneLine(err))
		return 1
	}
}

func newRoot(clock clockwork.Clock) *cobra.Command {
	root := &cobra.Command{
		Use:           "salesactions",
		Short:         "A sales team's workspace of people and activity, in step with Marketo and Salesforce",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	env := newEnvironment(root, clock)
	root.AddCommand(newServe(env), newDemo(env), newMigrate(env), newSandbox(env), newSync(env), newReconcile(env),
		newUser(env), newToken(env), newBench(env), newVersion())
	for _, command := range root.Commands() {
		checkArguments(command)
	}
	return root
}

// oneLine puts an error of several lines on one.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// group makes a command that only holds others: it must be told which.
func group(command *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	command.AddCommand(subs...)
	command.Args = cobra.ArbitraryArgs
	command.RunE = func(_ *cobra.Command, args []string) error {
		names := make([]string, 0, len(subs))
		for _, sub := range subs {
			names = append(names, sub.Name())
		}
		return usageError{fmt.Errorf("%s does %s, not %q", command.Name(), strings.Join(names, ", "), strings.Join(args, " "))}
	}
	return command
}

func newVersion() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
		_, err := fmt.Fprintln(command.OutOrStdout(), version)
		return err
	}}
}

// checkArguments makes a wrong number of arguments a wrong usage.
func checkArguments(command *cobra.Command) {
	if check := command.Args; check != nil {
		command.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range command.Commands() {
		checkArguments(sub)
	}
}

// newLog makes the program's log: JSON or text, on stderr. Where nothing was said,
// only "serve" tells what it does; the others have something to print.
func newLog(command *cobra.Command) (*slog.Logger, error) {
	format, _ := command.Flags().GetString("log")
	level, _ := command.Flags().GetString("log-level")
	if level == "" {
		level = "warn"
		if command.Name() == "serve" {
			level = "info"
		}
	}
	var least slog.Level
	out := command.ErrOrStderr()
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, usageError{fmt.Errorf("SALESACTIONS_LOG_LEVEL is %q: give debug, info, warn or error", level)}
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(out, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, options)), nil
	default:
		return nil, usageError{fmt.Errorf("SALESACTIONS_LOG is %q: give text or json", format)}
	}
}
