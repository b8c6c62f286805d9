package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"gorm.io/gorm"

	"salesactions/handlers/password"
	"salesactions/models"
)

func newUser(env *environment) *cobra.Command {
	add := &cobra.Command{
		Use:   "add",
		Short: "Add a user: with the password on stdin, or with an invitation link when none is given",
		Args:  cobra.NoArgs,
		RunE:  env.addUser,
	}
	add.Flags().String("email", "", "e-mail address")
	add.Flags().String("name", "", "name (default: the address)")
	add.Flags().String("role", "rep", "rep or admin")
	add.Flags().String("base-url", "", "where people reach the program, for the invitation link")
	describe(add.Flags())
	return group(&cobra.Command{Use: "user", Short: "Add users"}, add)
}

func (e *environment) addUser(command *cobra.Command, _ []string) error {
	flags := command.Flags()
	text := func(name string) string { value, _ := flags.GetString(name); return strings.TrimSpace(value) }
	email := models.NormalEmail(text("email"))
	user := models.User{Email: email, Name: cmp.Or(text("name"), email), Role: models.Role(text("role"))}
	if !strings.Contains(user.Email, "@") {
		return usageError{errors.New("--email must be an e-mail address")}
	}
	if !user.Role.Valid() {
		return usageError{fmt.Errorf("--role is %q: give rep or admin", user.Role)}
	}
	given, err := readPassword(command.InOrStdin())
	if err != nil {
		return err
	}
	if given != "" {
		if problem := password.Problem(given, user.Email); problem != "" {
			return errors.New(problem)
		}
	}
	s, err := e.openStore(command, true)
	if err != nil {
		return err
	}
	link, err := s.createUser(command.Context(), user, given)
	if err == nil && link != "" {
		base := cmp.Or(text("base-url"), "http://127.0.0.1:8080")
		_, err = fmt.Fprintln(command.OutOrStdout(), strings.TrimRight(base, "/")+"/invitations/"+link)
	}
	if errors.Is(err, models.ErrConflict) {
		err = fmt.Errorf("there is a user with the address %s already", user.Email)
	}
	return errors.Join(err, s.Close(command.Context()))
}

// readPassword takes a line from stdin, unless that is a terminal.
func readPassword(in io.Reader) (string, error) {
	if file, ok := in.(*os.File); ok {
		info, err := file.Stat()
		if err != nil || info.Mode()&os.ModeCharDevice != 0 {
			return "", nil
		}
	}
	raw, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return strings.TrimRight(line, "\r"), nil
}

// createUser adds a user with a password, or returns the token of an invitation.
func (s *store) createUser(ctx context.Context, user models.User, given string) (invitation string, err error) {
	if given != "" {
		hasher, err := password.New(password.Config{})
		if err != nil {
			return "", err
		}
		hash, err := hasher.Hash(ctx, given)
		if err != nil {
			return "", err
		}
		user.PasswordHash = &hash
	}
	err = models.Tx(ctx, s.db.Gorm, func(tx *gorm.DB) error {
		if err := models.CreateUser(ctx, tx, s.clock.Now(), &user); err != nil {
			return err
		}
		if given == "" {
			if invitation, err = models.CreateInvitation(ctx, tx, user.ID, s.clock.Now()); err != nil {
				return err
			}
		}
		return models.RecordAudit(ctx, tx, s.clock.Now(), models.AuditEvent{Actor: actor, Action: "users.add", Subject: user.Email})
	})
	return invitation, err
}
