package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"salesactions/clock"
	"salesactions/models"
	"salesactions/syncengine"
)

func newReconcile(env *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "reconcile",
		Short: "Prove that the workspace equals Marketo, heal what differs, and print the report",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := engineConfig(command)
			if err != nil {
				return err
			}
			s, err := env.openStore(command, true)
			if err != nil {
				return err
			}
			// It does the work too: nobody else may be running.
			config.Work = true
			engine, err := s.newEngine(command, config)
			if err == nil {
				err = engine.Start(command.Context())
			}
			if err == nil {
				err = errors.Join(env.reconcile(command, engine), stopEngine(command.Context(), engine))
			}
			return errors.Join(err, s.Close(command.Context()))
		},
	}
	command.Flags().Bool("json", false, "print the report as JSON")
	addEngineFlags(command)
	describe(command.Flags())
	return command
}

func stopEngine(ctx context.Context, engine *syncengine.Engine) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobsLimit)
	defer cancel()
	return engine.Stop(ctx)
}

func (e *environment) reconcile(command *cobra.Command, engine *syncengine.Engine) error {
	ctx := command.Context()
	if err := engine.StartReconcile(ctx, actor); err != nil && !errors.Is(err, syncengine.ErrAlreadyRunning) {
		return err
	}
	var run int64
	for {
		st, err := engine.Status(ctx)
		if err != nil {
			return err
		}
		for _, r := range st.Runs { // the newest first
			if r.Kind == models.RunReconcile {
				run = r.ID
				break
			}
		}
		if st.Reconcile == nil {
			break
		}
		if st.Trouble != nil && st.Trouble.Halted {
			return fmt.Errorf("%s %s", st.Trouble.Text, st.Trouble.Remedy)
		}
		if clock.Sleep(ctx, e.clock, 300*time.Millisecond) != nil {
			return errInterrupted
		}
	}
	r, err := engine.Report(ctx)
	if err != nil {
		return err
	}
	if r == nil || r.RunID != run {
		return errors.New("the reconciliation did not come to its end: 'salesactions sync status' tells why")
	}
	if asJSON, _ := command.Flags().GetBool("json"); asJSON {
		return json.NewEncoder(command.OutOrStdout()).Encode(reportJSON(r))
	}
	fmt.Fprintf(command.OutOrStdout(), "%d people in Marketo, %d here, %d differences\n", r.MarketoCount, r.WorkspaceCount, r.DifferencesTotal)
	for _, d := range r.Differences {
		fmt.Fprintf(command.OutOrStdout(), "person %d: %s, healed: %t\n", d.PersonID, d.Kind, d.Healed)
	}
	return nil
}

// reportJSON has no names: the report may end up in a log.
func reportJSON(r *syncengine.Report) map[string]any {
	slices, differences := []map[string]any{}, []map[string]any{}
	for _, s := range r.Slices {
		slices = append(slices, map[string]any{"label": s.Label, "marketo_count": s.MarketoCount, "workspace_count": s.WorkspaceCount,
			"marketo_checksum": s.MarketoChecksum, "workspace_checksum": s.WorkspaceChecksum, "equal": s.Equal()})
	}
	for _, d := range r.Differences {
		differences = append(differences, map[string]any{"person_id": fmt.Sprint(d.PersonID), "kind": d.Kind, "healed": d.Healed})
	}
	return map[string]any{"equal": r.Equal, "marketo_count": r.MarketoCount, "workspace_count": r.WorkspaceCount,
		"differences_total": r.DifferencesTotal, "differences": differences, "slices": slices,
		"started_at": r.StartedAt.UTC(), "finished_at": r.FinishedAt.UTC()}
}
