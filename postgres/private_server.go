package postgres

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	// orderlyStop is how long a server may take to write everything out before it is
	// stopped at once, and promptStop how long that may take before it is killed.
	orderlyStop = 30 * time.Second
	promptStop  = 5 * time.Second

	megabyte = 1 << 20
	// sharedBuffersMost is the server's cache at most; a small machine gives a
	// quarter of its memory.
	sharedBuffersMost = 256 * megabyte
)

// server is a running postgres.
type server struct{ *process }

func startServer(place place, programs programs, account *account, config Config) (*server, error) {
	arguments := []string{"-D", place.data}
	settings := defaultSettings(place, totalMemory())
	maps.Copy(settings, config.Settings)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		arguments = append(arguments, "-c", name+"="+settings[name])
	}
	run, err := startProcess(place.data, account, programs.postgres(), arguments...)
	if err != nil {
		return nil, err
	}
	config.Log.Debug("private database process started", "pid", run.pid())
	return &server{run}, nil
}

// defaultSettings are given at each start, so that a newer program's count. Nothing
// that keeps data safe is turned off.
func defaultSettings(place place, memory uint64) map[string]string {
	buffers := uint64(sharedBuffersMost)
	if memory > 0 {
		buffers = max(min(buffers, memory/4), 16*megabyte)
	}
	settings := map[string]string{
		"listen_addresses":        "", // the socket only
		"port":                    socketPort,
		"unix_socket_directories": place.socket,
		"unix_socket_permissions": "0700",
		"max_connections":         "100",
		"shared_buffers":          strconv.FormatUint(buffers/megabyte, 10) + "MB",
		"max_wal_size":            "2GB",
		"random_page_cost":        "1.1", // the data is on an SSD or in memory
		"jit":                     "off", // costs short queries more than it gains
		"timezone":                "UTC",
		"lc_messages":             "C", // its last words are read by cause
		"log_destination":         "stderr",
		"logging_collector":       "off",
		"log_line_prefix":         "",
		"log_checkpoints":         "off",
		"log_timezone":            "UTC",
		// What clients did wrong is theirs to report; the server's lines would
		// carry their values.
		"log_min_messages":        "log",
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
	}
	if memory > 0 {
		settings["effective_cache_size"] = strconv.FormatUint(max(memory/2/megabyte, 64), 10) + "MB"
	}
	return settings
}

// stop ends the server: in order, at once when hurry is closed or that takes too
// long, and at last by force. It returns when the server is gone.
func (s *server) stop(hurry <-chan struct{}) {
	s.signal(syscall.SIGINT) // PostgreSQL: fast shutdown
	if s.gone(orderlyStop, hurry) {
		return
	}
	s.signal(syscall.SIGQUIT) // PostgreSQL: immediate shutdown
	if s.gone(promptStop, nil) {
		return
	}
	s.kill()
}

func (s *server) gone(limit time.Duration, hurry <-chan struct{}) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.exited:
		return true
	case <-hurry:
	case <-timer.C:
	}
	return false
}

// cause is why the server ended, in its own words where it left some.
func (s *server) cause() error { return lastWords(s.process) }

// diskError prefers the plain sentence for a full disk to PostgreSQL's words.
func diskError(dir string, ended *process) error {
	if ended.said.has("No space left on device") {
		return folderError(dir, syscall.ENOSPC)
	}
	return lastWords(ended)
}

func lastWords(ended *process) error {
	if words := ended.said.last(); words != "" {
		return errors.New(words)
	}
	if ended.err != nil {
		return fmt.Errorf("it ended with: %w", ended.err)
	}
	return errors.New("it ended without a word")
}
