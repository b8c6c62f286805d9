package postgres

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// fileLock is a lock that the operating system gives back when its holder ends,
// however it ends. The file says who holds it, as a hint for those who wait.
type fileLock struct{ file *os.File }

// holder is who wrote itself into the lock file last.
type holder struct {
	pid        int
	shortLived bool
}

func openLock(path string) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &fileLock{file}, nil
}

// try takes the lock if nobody has it.
func (l *fileLock) try(shortLived bool) (bool, error) {
	err := syscall.Flock(int(l.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", l.file.Name(), err)
	}
	if err := l.sign(holder{os.Getpid(), shortLived}); err != nil {
		return false, fmt.Errorf("write %s: %w", l.file.Name(), err)
	}
	return true, nil
}

func (l *fileLock) sign(by holder) error {
	kind := "long"
	if by.shortLived {
		kind = "short"
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt(fmt.Appendf(nil, "%d %s\n", by.pid, kind), 0)
	return err
}

// holder may be out of date for a moment: the holder signs just after it has locked.
func (l *fileLock) holder() holder {
	text := make([]byte, 64)
	n, _ := l.file.ReadAt(text, 0) // a short file ends in io.EOF, an empty one says nothing
	var by holder
	var kind string
	if _, err := fmt.Sscanf(string(text[:n]), "%d %s", &by.pid, &kind); err != nil {
		return holder{}
	}
	by.shortLived = kind == "short"
	return by
}

// close gives the lock back.
func (l *fileLock) close() { _ = l.file.Close() }
