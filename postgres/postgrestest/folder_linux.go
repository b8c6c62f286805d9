package postgrestest

import (
	"os"
	"syscall"
)

const (
	memoryFolder = "/dev/shm"
	// memoryRoom is what the databases of a whole run may need, and more.
	memoryRoom = 4 << 30
	// tmpfs is the kind of a file system in memory (Linux: statfs, TMPFS_MAGIC).
	tmpfs = 0x01021994
)

// Folder is where tests keep databases: in memory where there is plenty of room, because
// each test makes and removes some hundred files, or else where TMPDIR says.
func Folder() string {
	if os.Getenv("TMPDIR") != "" {
		return os.TempDir()
	}
	var info syscall.Statfs_t
	if err := syscall.Statfs(memoryFolder, &info); err != nil || info.Type != tmpfs || info.Bavail*uint64(info.Bsize) < memoryRoom {
		return os.TempDir()
	}
	probe, err := os.MkdirTemp(memoryFolder, "salesactions-")
	if err != nil || os.Remove(probe) != nil {
		return os.TempDir()
	}
	return memoryFolder
}
