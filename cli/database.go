package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"salesactions/crypt"
	"salesactions/migrations"
	"salesactions/postgres"
)

// store is the open database with what belongs to it.
type store struct {
	db      *postgres.DB
	private *postgres.Private
	url     string
	dataDir string
	key     string // as given; empty for the one in the data folder
	log     *slog.Logger
	clock   clockwork.Clock
}

// stopLimit is how long the private server gets to stop in an orderly way.
const stopLimit = 20 * time.Second

// openStore opens the database that a command's flags name: a given one, or the
// private one, which it starts or shares, and brings up to date.
func (e *environment) openStore(command *cobra.Command, shortLived bool) (*store, error) {
	ctx, flags := command.Context(), command.Flags()
	text := func(name string) string { value, _ := flags.GetString(name); return value }
	log, err := newLog(command)
	if err != nil {
		return nil, err
	}
	slog.SetDefault(log)
	s := &store{url: text("database-url"), dataDir: cmp.Or(text("data-dir"), defaultDataDir()), key: text("secret-key"), log: log, clock: e.clock}
	if err := s.open(ctx, shortLived); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *store) open(ctx context.Context, shortLived bool) (err error) {
	if s.url != "" {
		if s.db, err = postgres.Open(ctx, s.url, postgres.Options{Log: s.log}); err != nil {
			return err
		}
		return migrations.Check(ctx, s.db.Pool)
	}
	if s.private, err = postgres.Start(ctx, postgres.Config{Dir: s.dataDir, Log: s.log, ShortLived: shortLived}); err != nil {
		return err
	}
	s.url = s.private.URL()
	if s.db, err = postgres.Open(ctx, s.url, postgres.Options{Log: s.log}); err != nil {
		return err
	}
	_, err = migrations.Up(ctx, s.db.Pool, s.log)
	return err
}

// openBox takes the key that is given, or, for the private database, the one in
// the data folder, which it makes once.
func (s *store) openBox() (*crypt.Box, error) {
	text := s.key
	if text == "" && s.private == nil {
		return nil, errors.New("SALESACTIONS_SECRET_KEY is missing: with DATABASE_URL it must be given (make one with 'openssl rand -base64 32')")
	}
	if text == "" {
		var err error
		if text, err = keyInFolder(filepath.Join(s.dataDir, "secret.key")); err != nil {
			return nil, err
		}
	}
	key, err := crypt.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("read SALESACTIONS_SECRET_KEY: %w", err)
	}
	return crypt.New(key)
}

// keyInFolder reads the key, or makes one that a crash cannot leave half.
func keyInFolder(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		return string(raw), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the secret key: %w", err)
	}
	key := make([]byte, crypt.KeySize)
	rand.Read(key) // never fails: crypto/rand crashes the program instead
	text := base64.StdEncoding.EncodeToString(key) + "\n"
	file, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // readable by us alone
	if err == nil {
		_, err = file.WriteString(text)
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err == nil {
		err = os.Link(file.Name(), path)
		_ = os.Remove(file.Name()) // the link stays
	}
	if errors.Is(err, os.ErrExist) { // another command was faster
		return keyInFolder(path)
	}
	if err != nil {
		return "", fmt.Errorf("make the secret key: %w", err)
	}
	return text, nil
}

// Close closes the pools, then stops the private server if it is ours.
func (s *store) Close(ctx context.Context) error {
	if s.db != nil {
		s.db.Close()
	}
	if s.private == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	return s.private.Stop(ctx)
}
