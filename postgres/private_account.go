package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is who runs PostgreSQL: nil for ourselves, somebody without privileges when
// we are root, which PostgreSQL refuses.
type account struct {
	name     string
	uid, gid int
}

// findAccount keeps to the owner of a database that exists already.
func findAccount(data string) (*account, error) {
	owner, err := ownerOf(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, folderError(filepath.Dir(data), err)
	}
	exists := err == nil
	if uid := os.Geteuid(); uid != 0 {
		if exists && owner.uid != uid {
			return nil, fmt.Errorf("the database in %s belongs to another account: run salesactions as that one, or %s", data, anotherFolder)
		}
		return nil, nil
	}
	if exists && owner.uid != 0 {
		return owner, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(found.Uid)
		gid, gidErr := strconv.Atoi(found.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("read the account %s: %w", name, err)
		}
		return &account{name, uid, gid}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and here is neither an account 'postgres' nor 'nobody' to run it: run salesactions as an ordinary user, or set DATABASE_URL")
}

func ownerOf(path string) (*account, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("read the owner of %s: not known on this system", path)
	}
	owner := &account{strconv.Itoa(int(stat.Uid)), int(stat.Uid), int(stat.Gid)}
	if found, err := user.LookupId(owner.name); err == nil {
		owner.name = found.Username
	}
	return owner, nil
}

func (a *account) attributes() *syscall.SysProcAttr {
	// A process group of its own keeps the terminal's Ctrl-C from the server, which
	// has to outlive the program's last queries.
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attributes
}

// makeDir makes a folder that only the account can enter, and accepts one that is
// like that. Another's folder of that name, in a temporary folder that all may write
// to, is refused.
func (a *account) makeDir(dir string) error {
	uid, gid := os.Geteuid(), os.Getegid()
	if a != nil {
		uid, gid = a.uid, a.gid
	}
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		if err := os.Lchown(dir, uid, gid); err != nil {
			return fmt.Errorf("give %s to the account that runs the database: %w", dir, err)
		}
		return nil
	case !errors.Is(err, fs.ErrExist):
		return folderError(filepath.Dir(dir), err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return folderError(filepath.Dir(dir), err)
	}
	owner, err := ownerOf(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || owner.uid != uid || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("%s is in the way: it should be a folder that only the database's account can enter; remove it and start again", dir)
	}
	return nil
}

// checkEntry makes sure that the account can reach the data folder, by going there as
// that account: permissions alone do not tell (access lists, name spaces).
func (a *account) checkEntry(ctx context.Context, dir string, programs programs) error {
	if a == nil || a.enters(ctx, dir, programs) {
		return nil
	}
	if !a.enters(ctx, "/", programs) {
		return fmt.Errorf("the account %q, which has to run PostgreSQL because it refuses root, cannot run %s", a.name, programs.postgres())
	}
	// The data folder itself may be opened: it is ours, and its files stay closed.
	if a.enters(ctx, filepath.Dir(dir), programs) {
		if info, err := os.Stat(dir); err == nil && os.Chmod(dir, info.Mode().Perm()|0o011) == nil && a.enters(ctx, dir, programs) {
			return nil
		}
	}
	closed := "/"
	for _, name := range strings.Split(strings.Trim(dir, "/"), "/") {
		closed = filepath.Join(closed, name)
		if !a.enters(ctx, closed, programs) {
			break
		}
	}
	return fmt.Errorf("the folder %s is closed to the account %q, which has to run PostgreSQL because it refuses root: %s", closed, a.name, anotherFolder)
}

func (a *account) enters(ctx context.Context, dir string, programs programs) bool {
	command := exec.CommandContext(ctx, programs.postgres(), "--version")
	command.Dir = dir
	command.SysProcAttr = a.attributes()
	return command.Run() == nil
}
