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

	"github.com/spf13/cobra"
)

// version is set at build.
var version = "dev"

// usageError is a wrong use of the command line.
type usageError struct{ error }

// Execute runs a command and returns the exit code: 0, 1 for an error, 2 for wrong
// usage. An error is one plain sentence on stderr.
func Execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
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
		fmt.Fprintf(errOut, "salesactions: %s (see 'salesactions --help')\n", err)
		return 2
	default:
		fmt.Fprintf(errOut, "salesactions: %s\n", err)
		return 1
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "salesactions",
		Short:         "A sales team's workspace of people and activity, in step with Marketo and Salesforce",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	env := newEnvironment(root)
	root.AddCommand(newServe(env), newDemo(env), newMigrate(env), newSandbox(env), newSync(env), newReconcile(env),
		newUser(env), newToken(env), newBench(env))
	for _, command := range root.Commands() {
		checkArguments(command)
	}
	return root
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

// newLog makes the program's log: JSON or text, on stderr.
func newLog(format, level string, out io.Writer) (*slog.Logger, error) {
	var least slog.Level
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
