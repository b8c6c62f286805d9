package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// maintenanceName is the database that initdb makes.
	maintenanceName = "postgres"
	// cannotConnectNow is what a server answers that is starting or recovering
	// (PostgreSQL: error codes, 57P03).
	cannotConnectNow = "57P03"
	// tellAfter is how long a start may take before it is told of, and between two
	// such lines.
	tellAfter = 3 * time.Second
)

// serve brings the database up; the lock must be ours.
func (p *Private) serve(ctx context.Context) (*server, error) {
	wanted, err := p.place.major()
	if err != nil {
		return nil, err
	}
	programs, err := findPrograms(ctx, p.config.BinDir, wanted, p.place.data)
	if err != nil {
		return nil, err
	}
	account, err := findAccount(p.place.data)
	if err != nil {
		return nil, err
	}
	if err := account.checkEntry(ctx, p.place.dir, programs); err != nil {
		return nil, err
	}
	if err := p.place.settle(ctx, p.config.Log); err != nil {
		return nil, err
	}
	if wanted == 0 {
		if err := p.initialise(ctx, programs, account); err != nil {
			return nil, err
		}
	}
	if err := account.makeDir(p.place.socket); err != nil {
		return nil, err
	}
	running, err := startServer(p.place, programs, account, p.config)
	if err != nil {
		return nil, err
	}
	if err := p.waitReady(ctx, running); err != nil {
		running.stop(p.hurry)
		return nil, err
	}
	if err := p.ensureDatabase(ctx); err != nil {
		running.stop(p.hurry)
		return nil, err
	}
	return running, nil
}

// major is the version that made the database, or 0 when there is none yet.
func (p place) major() (int, error) {
	text, err := os.ReadFile(filepath.Join(p.data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return p.majorWithout()
	}
	if errors.Is(err, os.ErrPermission) {
		return 0, fmt.Errorf("the database in %s belongs to another account: run salesactions as that one, or %s", p.data, anotherFolder)
	}
	if err != nil {
		return 0, folderError(p.dir, err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("the version of the database in %s is unreadable: %s", p.data, anotherFolder)
	}
	return major, nil
}

// majorWithout refuses a folder of the database's name that holds something else.
func (p place) majorWithout() (int, error) {
	entries, err := os.ReadDir(p.data)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, folderError(p.dir, err)
	}
	if len(entries) > 0 {
		return 0, fmt.Errorf("%s holds something other than a database: %s", p.data, anotherFolder)
	}
	return 0, nil
}

// initialise makes the database beside its place and moves it there when complete, so
// that an interrupted start leaves nothing that looks like a database.
func (p *Private) initialise(ctx context.Context, programs programs, account *account) error {
	if err := os.RemoveAll(p.place.fresh); err != nil {
		return folderError(p.place.dir, err)
	}
	p.config.Log.InfoContext(ctx, "making the private database", "folder", p.place.data, "postgresql", programs.major)
	var err error
	// Text is ordered by bytes, as the schema's columns are; letters beyond ASCII
	// are known as letters where the system has such a locale, else only slower to
	// search.
	for _, letters := range []string{"C.UTF-8", "en_US.UTF-8", "C"} {
		if err = account.makeDir(p.place.fresh); err != nil {
			return err
		}
		if err = p.initdb(ctx, programs, account, letters); err == nil {
			break
		}
		_ = os.RemoveAll(p.place.fresh) // the next start removes it too
		if !strings.Contains(err.Error(), "locale") {
			return err
		}
	}
	if err != nil {
		return err
	}
	if err := os.Remove(p.place.data); err != nil && !errors.Is(err, os.ErrNotExist) {
		return folderError(p.place.dir, err)
	}
	if err := os.Rename(p.place.fresh, p.place.data); err != nil {
		return folderError(p.place.dir, err)
	}
	return syncDir(p.place.dir)
}

// syncDir makes the new name last through a power cut; else the next start would take
// a database in use for an interrupted one, and remove it.
func syncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return folderError(dir, err)
	}
	defer handle.Close()
	if err := handle.Sync(); err != nil {
		return folderError(dir, err)
	}
	return nil
}

func (p *Private) initdb(ctx context.Context, programs programs, account *account, letters string) error {
	arguments := []string{
		"--pgdata=" + p.place.fresh, "--username=" + databaseName, "--encoding=UTF8",
		"--locale=C", "--lc-ctype=" + letters, "--data-checksums",
		// The socket's folder is closed to everybody else, so no password is needed.
		"--auth=trust", "--no-instructions",
	}
	if p.config.Settings["fsync"] == "off" {
		arguments = append(arguments, "--no-sync")
	}
	// It works in the folder that it fills, by which settle finds one left over.
	run, err := startProcess(p.place.fresh, account, programs.initdb(), arguments...)
	if err != nil {
		return err
	}
	select {
	case <-run.exited:
	case <-ctx.Done():
		run.kill()
		return fmt.Errorf("make the private database: %w", ctx.Err())
	}
	if run.err != nil {
		return fmt.Errorf("the private database could not be made: %w", diskError(p.place.dir, run))
	}
	return nil
}

// waitReady asks until the server answers, which after a crash it does when it has
// replayed its log. There is no limit but the context's: giving up would not help.
func (p *Private) waitReady(ctx context.Context, running *server) error {
	started := time.Now()
	told := started
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ping(ctx, p.place.url(maintenanceName))
		if err == nil {
			return nil
		}
		var answer *pgconn.PgError
		if errors.As(err, &answer) && answer.Code == cannotConnectNow && time.Since(told) > tellAfter {
			told = time.Now()
			p.config.Log.InfoContext(ctx, "private database is recovering", "seconds", int(time.Since(started).Seconds()))
		}
		select {
		case <-running.exited:
			return fmt.Errorf("the private database does not start: %w", diskError(p.place.dir, running.process))
		case <-ctx.Done():
			return fmt.Errorf("wait for the private database: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// ensureDatabase makes what initdb did not, and checks for the one extension.
func (p *Private) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.place.url(maintenanceName))
	if err != nil {
		return fmt.Errorf("connect to the private database: %w", err)
	}
	defer conn.Close(ctx)
	var trigrams, exists bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm'),
		EXISTS (SELECT FROM pg_database WHERE datname = $1)`, databaseName).Scan(&trigrams, &exists)
	if err != nil {
		return fmt.Errorf("look into the private database: %w", err)
	}
	if !trigrams {
		return errors.New("this PostgreSQL comes without the extension pg_trgm: install its 'contrib' package, for example postgresql-contrib")
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{databaseName}.Sanitize()); err != nil {
		return fmt.Errorf("make the private database: %w", err)
	}
	return nil
}
