package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"salesactions/migrations"
	"salesactions/postgres"
)

func newMigrate(env *environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			url, _ := command.Flags().GetString("database-url")
			if url == "" {
				s, err := env.openStore(command, true)
				if err != nil {
					return err
				}
				fmt.Fprintln(command.OutOrStdout(), "The schema is up to date.")
				return s.Close(command.Context())
			}
			return migrateGiven(command, url)
		},
	}
	describe(command.Flags())
	return command
}

func migrateGiven(command *cobra.Command, url string) error {
	log, err := newLog(command)
	if err != nil {
		return err
	}
	db, err := postgres.Open(command.Context(), url, postgres.Options{Log: log})
	if err != nil {
		return err
	}
	defer db.Close()
	applied, err := migrations.Up(command.Context(), db.Pool, log)
	if err == nil {
		_, err = fmt.Fprintf(command.OutOrStdout(), "The schema is up to date; %d migrations were applied.\n", applied)
	}
	return err
}
