package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"salesactions/clock"
	"salesactions/handlers/api"
	"salesactions/syncengine"
)

// actor is who the command line is in runs and in the audit log.
const actor = "cli"

func newSync(env *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "sync",
		Short: "Control the people sync of a running deployment, through its database",
	}
	var subs []*cobra.Command
	verbs := []struct {
		name, short string
		do          func(*syncengine.Engine, context.Context) error
	}{
		{"start", "Start the initial sync", func(e *syncengine.Engine, ctx context.Context) error { return e.StartSync(ctx, actor) }},
		{"pause", "Pause the sync", func(e *syncengine.Engine, ctx context.Context) error { return e.PauseSync(ctx, actor) }},
		{"resume", "Go on with the sync", func(e *syncengine.Engine, ctx context.Context) error { return e.ResumeSync(ctx, actor) }},
		{"status", "Tell what the sync is doing", func(*syncengine.Engine, context.Context) error { return nil }},
	}
	for _, verb := range verbs {
		sub := &cobra.Command{Use: verb.name, Short: verb.short, Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
			return env.withEngine(command, func(ctx context.Context, engine *syncengine.Engine) error {
				if err := verb.do(engine, ctx); err != nil {
					return err
				}
				return env.report(ctx, command, engine)
			})
		}}
		sub.Flags().Bool("wait", false, "return when the initial sync is over; exit code 1 when it failed")
		sub.Flags().Bool("json", false, "print what GET /api/v1/sync answers")
		addEngineFlags(sub)
		describe(sub.Flags())
		subs = append(subs, sub)
	}
	return group(command, subs...)
}

// withEngine runs something with an engine that does no background work itself.
func (e *environment) withEngine(command *cobra.Command, do func(ctx context.Context, engine *syncengine.Engine) error) error {
	config, err := engineConfig(command)
	if err != nil {
		return err
	}
	s, err := e.openStore(command, true)
	if err != nil {
		return err
	}
	engine, err := s.newEngine(command, config)
	if err == nil {
		err = do(command.Context(), engine)
	}
	return errors.Join(err, s.Close(command.Context()))
}

var (
	errSyncFailed  = errors.New("the initial sync failed")
	errInterrupted = errors.New("the wait was interrupted; what was asked for goes on")
)

func (e *environment) report(ctx context.Context, command *cobra.Command, engine *syncengine.Engine) error {
	waiting, _ := command.Flags().GetBool("wait")
	asJSON, _ := command.Flags().GetBool("json")
	st, err := engine.Status(ctx)
	if err == nil && waiting && (st.State == syncengine.StateIdle || st.State == syncengine.StatePaused) {
		fmt.Fprintf(command.ErrOrStderr(), "The sync is %s; waiting for somebody to let it run.\n", st.State)
	}
	for err == nil && waiting && st.State != syncengine.StateFollowing && st.State != syncengine.StateFailed {
		if clock.Sleep(ctx, e.clock, 500*time.Millisecond) != nil {
			return errInterrupted
		}
		st, err = engine.Status(ctx)
	}
	if err != nil {
		return err
	}
	if err := printStatus(command.OutOrStdout(), st, asJSON); err != nil {
		return err
	}
	if waiting && st.State == syncengine.StateFailed {
		return errSyncFailed
	}
	return nil
}

func printStatus(out io.Writer, st syncengine.Status, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(api.NewSync(st))
	}
	fmt.Fprintf(out, "%s: %d people in the workspace\n", st.State, st.People)
	if p := st.Copy; p != nil {
		fmt.Fprintf(out, "initial sync: %d people read, %.0f a second, %d API calls\n", p.Processed, p.RatePerSecond, p.APICalls)
	}
	if st.Lag != nil {
		fmt.Fprintf(out, "changes read %s ago\n", st.Lag.Round(time.Second))
	}
	if st.Trouble != nil {
		fmt.Fprintf(out, "%s %s\n", st.Trouble.Text, st.Trouble.Remedy)
	}
	return nil
}
