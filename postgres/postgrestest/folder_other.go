//go:build !linux

package postgrestest

import "os"

// Folder is where tests keep databases.
func Folder() string { return os.TempDir() }
