package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"salesactions/models"
)

func newToken(env *environment) *cobra.Command {
	add := &cobra.Command{
		Use:   "add",
		Short: "Add an API token and print it, this once, alone on its line",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			name, _ := command.Flags().GetString("name")
			scope, _ := command.Flags().GetString("scope")
			if strings.TrimSpace(name) == "" {
				return usageError{errors.New("--name is missing: say which program the token is for")}
			}
			if !models.Scope(scope).Valid() {
				return usageError{fmt.Errorf("--scope is %q: give read, record or admin", scope)}
			}
			s, err := env.openStore(command, true)
			if err != nil {
				return err
			}
			token, err := s.createToken(command.Context(), strings.TrimSpace(name), models.Scope(scope))
			if err == nil {
				_, err = fmt.Fprintln(command.OutOrStdout(), token)
			}
			return errors.Join(err, s.Close(command.Context()))
		},
	}
	add.Flags().String("name", "", "which program the token is for")
	add.Flags().String("scope", string(models.ScopeRecord), "what it may do: read, record or admin")
	describe(add.Flags())
	return group(&cobra.Command{Use: "token", Short: "Add API tokens"}, add)
}

func (s *store) createToken(ctx context.Context, name string, scope models.Scope) (plain string, err error) {
	err = models.Tx(ctx, s.db.Gorm, func(tx *gorm.DB) error {
		if plain, _, err = models.CreateAPIToken(ctx, tx, s.clock.Now(), name, scope, actor); err != nil {
			return err
		}
		return models.RecordAudit(ctx, tx, s.clock.Now(), models.AuditEvent{Actor: actor, Action: "tokens.create", Subject: name})
	})
	return plain, err
}
