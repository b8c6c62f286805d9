package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowance says how often a file, or a folder of which no file has a row of its own,
// reads a clock that nobody handed to it. It is exact: who reads one less often lowers
// it, and who needs one more often hands the clock down instead.
type allowance struct {
	place  string // a file, or a folder
	reads  int
	reason string
}

const (
	oneCall   = "bounds one call of another system, which answers in real time"
	socket    = "deadlines of connections are kept by the system, on its clock"
	processes = "waits for processes of PostgreSQL, which live in real time"
)

// allowances may only shrink.
var allowances = []allowance{
	{"cli/root.go", 1, "makes the one clock of the program"},
	{"handlers/csv.go", 1, socket},
	{"handlers/live/events.go", 1, socket},
	{"migrations/migrations.go", 1, "waits for another program's lock in the database"},
	{"postgres/private.go", 5, processes},
	{"postgres/private_serve.go", 5, processes},
	{"postgres/private_server.go", 1, processes},
	{"postgres/private_settle.go", 3, processes},
	{"postgres/query_log.go", 2, "measures how long the database took"},
	{"sandbox/salesforce/locks.go", 1, "waits for other goroutines, which go on while the sandbox's clock stands still"},
	{"syncengine/enginetest", 13, "sets up tests, which wait in real time for what goes on in the background"},
	{"syncengine/marketo/limit.go", 1, oneCall},
	{"syncengine/salesforce/limit.go", 1, oneCall},
}

// clockNames are what reads a clock, by the path of its package.
var clockNames = map[string]*regexp.Regexp{
	"time":                           regexp.MustCompile(`^(Now|Since|Until|NewTimer|NewTicker|After|AfterFunc|Sleep|Tick)$`),
	"github.com/jonboulle/clockwork": regexp.MustCompile(`^NewRealClock$`),
}

// clockSQL finds what reads the database's clock. shared_clock() is the one way that
// replicas agree on the time, and no exception.
var clockSQL = regexp.MustCompile(`(?i)\b(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)|current_(?:timestamp|date|time)\b|localtime(?:stamp)?\b)|'(?:now|today)'::`)

func TestOnlyTheHandedDownClockDecides(t *testing.T) {
	t.Parallel()
	found := map[string][]string{} // by the place of the row, or the file
	rows := map[string]bool{}
	for _, a := range allowances {
		require.False(t, rows[a.place], "%s has two rows", a.place)
		rows[a.place] = true
	}
	eachSource(t, func(path string, files *token.FileSet, file *ast.File) {
		place := path
		if folder := filepath.ToSlash(filepath.Dir(path)); !rows[path] && rows[folder] {
			place = folder
		}
		for _, at := range clockReads(file) {
			found[place] = append(found[place], files.Position(at).String())
		}
	})
	for _, a := range allowances {
		if reads := found[a.place]; len(reads) != a.reads {
			t.Errorf("%s reads a clock %d times and may %d times (%s): lower the number, or hand the clock down\n\t%s",
				a.place, len(reads), a.reads, a.reason, strings.Join(reads, "\n\t"))
		}
	}
	for place, reads := range found {
		if !rows[place] {
			t.Errorf("%s reads a clock that nobody handed to it:\n\t%s", place, strings.Join(reads, "\n\t"))
		}
	}
}

func TestTheScanSeesEveryKindOfClock(t *testing.T) {
	t.Parallel()
	for code, reads := range map[string]int{
		`time.Now()`:                                1,
		`time.Since(at)`:                            1,
		`time.Until(at)`:                            1,
		`time.NewTimer(d)`:                          1,
		`time.NewTicker(d)`:                         1,
		`<-time.After(d)`:                           1,
		`time.AfterFunc(d, f)`:                      1,
		`time.Sleep(d)`:                             1,
		`time.Tick(d)`:                              1,
		`config{now: time.Now}`:                     1,
		`clockwork.NewRealClock()`:                  1,
		`other.Now().Sub(alias.Now())`:              1,
		`"UPDATE x SET at = now()"`:                 1,
		"`SELECT clock_timestamp(), NOW ( )`":       2,
		`"SELECT statement_timestamp()"`:            1,
		`"SELECT transaction_timestamp()"`:          1,
		`"WHERE at < CURRENT_TIMESTAMP - 1"`:        1,
		`"WHERE day = current_date"`:                1,
		`"WHERE day = localtimestamp::date"`:        1,
		`"WHERE at > 'now'::timestamptz"`:           1,
		`c.Now().Add(time.Second)`:                  0,
		`time.Date(2026, 1, 1, 0, 0, 0, 0, nil)`:    0,
		`c.Since(at) + c.Until(at)`:                 0,
		`clockwork.NewFakeClock()`:                  0,
		`"SELECT shared_clock(), person_now(p.id)"`: 0,
		`"WHERE known() AND current_dates = $1"`:    0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
			import (
				"time"
				alias "time"

				"github.com/jonboulle/clockwork"
			)
			var _ = func() { _ = `+code+` }`, parser.SkipObjectResolution)
		require.NoError(t, err, code)
		require.Len(t, clockReads(file), reads, code)
	}
}

// clockReads lists where a file calls, or hands on, what reads a clock, in Go and in the
// SQL of its string literals.
func clockReads(file *ast.File) []token.Pos {
	names := map[string]*regexp.Regexp{} // by what the file calls the package
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || clockNames[path] == nil {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = clockNames[path]
	}
	var found []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if of, ok := n.X.(*ast.Ident); ok && names[of.Name] != nil && names[of.Name].MatchString(n.Sel.Name) {
				found = append(found, n.Pos())
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				for range clockSQL.FindAllStringIndex(text, -1) {
					found = append(found, n.Pos())
				}
			}
		}
		return true
	})
	return found
}

// eachSource parses the Go files of the program, but no tests.
func eachSource(t *testing.T, do func(path string, files *token.FileSet, file *ast.File)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || path != "." && strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		do(filepath.ToSlash(path), files, file)
		return nil
	})
	require.NoError(t, err)
}
