package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// databaseName is the database and its owner in a private server.
	databaseName = "salesactions"
	socketPort   = "5432" // only a part of the socket's name
	// socketPathMost leaves room below the 104 bytes (macOS) and 108 (Linux) that
	// a Unix socket's path may have.
	socketPathMost = 100
	pingLimit      = 2 * time.Second
)

// place is where a private server's files are. It depends on the data folder alone,
// so that every program of that folder finds the same server.
type place struct {
	dir    string // absolute, without symbolic links
	data   string
	fresh  string // the database while it is made; renamed to data when complete
	socket string // the folder of the socket
}

// newPlace makes the data folder. For root it can be passed through by others, since
// PostgreSQL runs as somebody else; its files stay closed to them.
func newPlace(dir string) (place, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return place{}, folderError(dir, err)
	}
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return place{}, folderError(dir, err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return place{}, folderError(dir, err)
	}
	return place{
		dir:    dir,
		data:   filepath.Join(dir, "postgres"),
		fresh:  filepath.Join(dir, "postgres.new"),
		socket: socketDir(dir),
	}, nil
}

// socketDir is below the data folder unless that path is too long for a socket, or
// has a comma, which separates several hosts in a database URL.
func socketDir(dir string) string {
	within := filepath.Join(dir, "run")
	if fitsSocket(within) && !strings.Contains(within, ",") {
		return within
	}
	name := fmt.Sprintf("salesactions-%x", sha256.Sum256([]byte(dir)))[:len("salesactions-")+16]
	short := filepath.Join(os.TempDir(), name)
	if fitsSocket(short) {
		return short
	}
	return filepath.Join("/tmp", name)
}

func fitsSocket(dir string) bool {
	return len(filepath.Join(dir, ".s.PGSQL."+socketPort)) <= socketPathMost
}

// url leaves a path readable where it may; PostgreSQL's own programs do not read "+"
// as a space.
func (p place) url(database string) string {
	host := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(p.socket))
	return fmt.Sprintf("postgres://%s@/%s?host=%s", databaseName, database, host)
}

func (p place) removeShortSocketDir() {
	if filepath.Dir(p.socket) != p.dir {
		_ = os.Remove(p.socket) // only when empty; otherwise it is found again
	}
}

// ping returns nil when the database answers.
func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// folderError turns what the operating system said of the data folder into a sentence.
func folderError(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk that holds %s is full: make room and start again", dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the data folder %s cannot be written to: %s", dir, anotherFolder)
	}
	return fmt.Errorf("the data folder %s cannot be used (%w): %s", dir, err, anotherFolder)
}

const anotherFolder = "choose another with --data-dir or SALESACTIONS_DATA_DIR"
