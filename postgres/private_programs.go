package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	versionLimit = 10 * time.Second

	howToInstall = "install it ('apt install postgresql', 'dnf install postgresql-server postgresql-contrib' or 'brew install postgresql') or set DATABASE_URL"
)

// programs are the initdb and postgres of one installation.
type programs struct {
	dir   string
	major int
}

func (p programs) initdb() string   { return filepath.Join(p.dir, "initdb") }
func (p programs) postgres() string { return filepath.Join(p.dir, "postgres") }

// findPrograms picks an installation that can run the database: the one of the same
// major version when there is a database already (wanted > 0), else the first on the
// path, else the newest.
func findPrograms(ctx context.Context, binDir string, wanted int, data string) (programs, error) {
	all := installed(ctx, binDir)
	if err := ctx.Err(); err != nil {
		return programs{}, fmt.Errorf("look for PostgreSQL: %w", err)
	}
	usable := slices.DeleteFunc(slices.Clone(all), func(p programs) bool { return p.major < minMajor })
	if wanted > 0 {
		for _, p := range usable {
			if p.major == wanted {
				return p, nil
			}
		}
	}
	switch {
	case len(all) == 0:
		return programs{}, fmt.Errorf("no PostgreSQL is installed here to keep the data in: %s", howToInstall)
	case wanted > 0:
		return programs{}, fmt.Errorf("the database in %s was made by PostgreSQL %d, and here is only %s: install PostgreSQL %d, or choose another data folder",
			data, wanted, majors(all), wanted)
	case len(usable) == 0:
		return programs{}, fmt.Errorf("only PostgreSQL %s is installed here, and %d or newer is needed: %s", majors(all), minMajor, howToInstall)
	}
	return usable[0], nil
}

// installed lists installations in the order of preference.
func installed(ctx context.Context, binDir string) []programs {
	if binDir != "" {
		return versioned(ctx, []string{binDir})
	}
	var preferred []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			preferred = append(preferred, filepath.Dir(path))
		}
	}
	var others []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		others = append(others, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", // Debian
		"/usr/pgsql-*/bin",          // the PostgreSQL project's RPMs
		"/usr/lib/postgresql*/bin",  // openSUSE, Alpine
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/usr/local/pgsql/bin",
	} {
		found, _ := filepath.Glob(pattern) // fails on a malformed pattern only
		others = append(others, found...)
	}
	newestFirst := versioned(ctx, others)
	slices.SortStableFunc(newestFirst, func(a, b programs) int { return b.major - a.major })
	return append(versioned(ctx, preferred), newestFirst...)
}

// versioned keeps the folders that have both programs.
func versioned(ctx context.Context, dirs []string) []programs {
	var found []programs
	for _, dir := range dirs {
		p := programs{dir: dir}
		if _, err := os.Stat(p.initdb()); err != nil {
			continue
		}
		var err error
		if p.major, err = majorOf(ctx, p.postgres()); err == nil {
			found = append(found, p)
		}
	}
	return found
}

// majorOf reads "postgres (PostgreSQL) 15.18 (Debian …)", or "18beta1".
func majorOf(ctx context.Context, program string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, versionLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", program, err)
	}
	match := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("ask %s for its version: it says %q", program, out)
	}
	return strconv.Atoi(string(match[1]))
}

func majors(all []programs) string {
	var names []string
	for _, p := range all {
		names = append(names, strconv.Itoa(p.major))
	}
	return strings.Join(slices.Compact(names), " and ")
}
