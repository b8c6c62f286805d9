package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesactions/postgres"
)

const (
	// EnvURL names a server to use instead of a private one: the URL of a database in
	// it, with the right to make others.
	EnvURL = "SALESACTIONS_TEST_DATABASE_URL"

	// slotsMost is how many test programs of one user may run at once.
	slotsMost = 64
	// adminConns make and drop databases for parallel tests.
	adminConns = 4
)

// shared is the one server of a test program: to start one for each test would take
// longer than the tests.
var shared once

// once is a server that starts when first asked for, and again after stop.
type once struct {
	mu     sync.Mutex
	server *server
}

func (o *once) get(ctx context.Context) (*server, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server != nil {
		return o.server, nil
	}
	var err error
	o.server, err = start(ctx)
	return o.server, err
}

func (o *once) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server != nil {
		o.server.stop()
		o.server = nil
	}
}

// server makes databases. The private one has a slot, a folder that is kept from run
// to run with its template, and that no other running test program has.
type server struct {
	base    *url.URL
	admin   *pgxpool.Pool
	private *postgres.Private
	slot    *os.File
	// strategy is how databases are cloned. Copying files takes a third of the time
	// of the default where nothing is synced to disk, and longer where it is.
	strategy string

	mu       sync.Mutex
	prepared string // the template's name, once it is there
}

func start(ctx context.Context) (*server, error) {
	s := &server{}
	address := os.Getenv(EnvURL)
	if address == "" {
		if err := s.startPrivate(ctx); err != nil {
			return nil, err
		}
		address = s.private.URL()
	}
	err := s.connect(ctx, address)
	if err == nil && s.private != nil {
		err = errors.Join(s.chooseStrategy(ctx), s.dropLeftovers(ctx))
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// startPrivate takes the first free slot. A database in it that does not start, after
// a power cut say, is thrown away: it is made for speed, not to last.
func (s *server) startPrivate(ctx context.Context) error {
	root := filepath.Join(Folder(), "salesactions-test-"+strconv.Itoa(os.Geteuid()))
	if err := os.MkdirAll(root, 0o711); err != nil {
		return fmt.Errorf("make a folder for test databases: %w", err)
	}
	var dir string
	for n := 0; s.slot == nil; n++ {
		if n == slotsMost {
			return errors.New("too many test programs run at once")
		}
		dir = filepath.Join(root, strconv.Itoa(n))
		var err error
		if s.slot, err = tryLock(dir + ".lock"); err != nil {
			return err
		}
	}
	config := postgres.Config{Dir: dir, Settings: map[string]string{
		"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
		"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "256MB",
		"shared_buffers": "128MB", "max_connections": "200",
	}}
	var err error
	if s.private, err = postgres.Start(ctx, config); err == nil {
		return nil
	}
	if ctx.Err() == nil && os.RemoveAll(dir) == nil {
		s.private, err = postgres.Start(ctx, config)
	}
	if err != nil {
		s.stop()
	}
	return err
}

// tryLock returns nil when another program has the file.
func tryLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a slot for test databases: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fmt.Errorf("lock a slot for test databases: %w", err)
}

func (s *server) connect(ctx context.Context, address string) error {
	var err error
	if s.base, err = url.Parse(address); err != nil {
		return errors.New("the address of the test database server is no URL")
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("read the address of the test database server: %w", err)
	}
	config.MaxConns = adminConns
	s.admin, err = pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the test database server: %w", err)
	}
	return nil
}

// chooseStrategy knows that PostgreSQL 14 has files copied only, and no word for it.
func (s *server) chooseStrategy(ctx context.Context) error {
	var choice bool
	err := s.admin.QueryRow(ctx, "SELECT current_setting('server_version_num')::int >= 150000").Scan(&choice)
	if err != nil {
		return fmt.Errorf("read the version of the test database server: %w", err)
	}
	if choice {
		s.strategy = " STRATEGY file_copy"
	}
	return nil
}

func (s *server) url(database string) string {
	address := *s.base
	address.Path = "/" + database
	return address.String()
}

func (s *server) clone(ctx context.Context, template string) (string, error) {
	name := "test_" + rand.Text()
	_, err := s.admin.Exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template)+s.strategy)
	return name, err
}

func (s *server) drop(ctx context.Context, name string) error {
	_, err := s.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
	return err
}

// dropLeftovers clears a slot of what killed test programs and older schemas left.
func (s *server) dropLeftovers(ctx context.Context) error {
	current, err := templateName()
	if err != nil {
		return err
	}
	rows, err := s.admin.Query(ctx, `SELECT datname FROM pg_database
		WHERE starts_with(datname, 'test_') OR starts_with(datname, 'schema_') AND datname <> $1`, current)
	if err != nil {
		return fmt.Errorf("look for left databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for left databases: %w", err)
	}
	for _, name := range names {
		if err := s.drop(ctx, name); err != nil {
			return fmt.Errorf("drop a left database: %w", err)
		}
	}
	return nil
}

func (s *server) stop() {
	if s.admin != nil {
		s.admin.Close()
	}
	if s.private != nil {
		ctx, cancel := context.WithTimeout(context.Background(), dropLimit)
		defer cancel()
		_ = s.private.Stop(ctx) // it ends with the program at the latest
	}
	if s.slot != nil {
		_ = s.slot.Close()
	}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
