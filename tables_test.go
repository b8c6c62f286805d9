package main

import (
	"cmp"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writers says which package may write each table. The rule is one package for each
// table; the others ask it. A second name needs a reason beside it.
var writers = map[string][]string{
	"activity_cursor":           {"syncengine/activities"},
	"opt_out_cursor":            {"syncengine/unsubscribes"},
	"activities":                {"syncengine/activities"},
	"api_pace":                  {"syncengine/budget"},
	"api_slots":                 {"syncengine/budget"},
	"api_tokens":                {"models"},
	"api_usage":                 {"syncengine/budget"},
	"audit_events":              {"models"},
	"connections":               {"syncengine"},
	"deliveries":                {"syncengine/outbox"},
	"destinations":              {"syncengine/outbox"},
	"invitations":               {"models"},
	"leases":                    {"models"},
	"people":                    {"syncengine/people"},
	"people_sync":               {"syncengine/people"},
	"people_totals":             {"syncengine/people"},
	"person_changes":            {"syncengine/people"},
	"reconcile_differences":     {"syncengine/people"},
	"reconcile_rows":            {"syncengine/people"},
	"reconcile_slices":          {"syncengine/people"},
	"salesforce_authorizations": {"syncengine"},
	"salesforce_connection":     {"syncengine"},
	"salesforce_cursors":        {"syncengine/tasks"},
	"salesforce_records":        {"syncengine/org"},
	"salesforce_reps":           {"syncengine/org"},
	"seen_changes":              {"syncengine/people"},
	"sessions":                  {"models"},
	"settings":                  {"models"},
	"signin_failures":           {"models"},
	"sync_cursors":              {"syncengine/people"},
	"sync_runs":                 {"syncengine/people"},
	"sync_samples":              {"syncengine/people"},
	"sync_slices":               {"syncengine/people"},
	"task_history":              {"syncengine/tasks"},
	"tasks":                     {"syncengine/tasks"},
	"touched_people":            {"syncengine/people"},
	"unsubscribe_runs":          {"syncengine/unsubscribes"},
	"unsubscribes":              {"syncengine/unsubscribes"},
	"users":                     {"models"},
}

// write finds a statement that writes a table, or pgx's COPY into one.
var write = regexp.MustCompile(`\b(?:INSERT INTO|UPDATE(?: ONLY)?|DELETE FROM|TRUNCATE|COPY|MERGE INTO)\s+([a-z_]+)`)

// written is one place in the code that writes a table.
type written struct {
	table, folder, place string
}

func TestEachTableHasItsWriter(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile("migrations/testdata/schema.sql")
	require.NoError(t, err)
	tables := map[string]bool{}
	for _, found := range regexp.MustCompile(`CREATE TABLE public\.(\w+)`).FindAllStringSubmatch(string(schema), -1) {
		if tables[found[1]] = true; writers[found[1]] == nil {
			t.Errorf("%s is not in the list of writers: say which package writes it", found[1])
		}
	}
	for table := range writers {
		require.True(t, tables[table], "%s is in the list of writers and not in the schema", table)
	}
	used := map[string]bool{}
	for _, w := range writes(t) {
		used[w.table+" "+w.folder] = true
		if tables[w.table] && !slices.Contains(writers[w.table], w.folder) {
			t.Errorf("%s: %s must not write %s, which belongs to %s", w.place, w.folder, w.table, writers[w.table][0])
		}
	}
	for table, folders := range writers {
		for _, folder := range folders {
			require.True(t, used[table+" "+folder], "%s does not write %s any more: take it off the list", folder, table)
		}
	}
}

func TestTheScanSeesEveryKindOfWrite(t *testing.T) {
	t.Parallel()
	for sql, table := range map[string]string{
		"INSERT INTO people (id) VALUES ($1)":                      "people",
		"WITH x AS (UPDATE deliveries d SET state = 'x') SELECT 1": "deliveries",
		"UPDATE ONLY tasks SET name = ''":                          "tasks",
		"DELETE FROM\n\t\tleases WHERE true":                       "leases",
		"SELECT 1 FROM people FOR UPDATE":                          "",
		"INSERT INTO x ON CONFLICT DO UPDATE SET y = 1":            "x",
	} {
		found := write.FindStringSubmatch(sql)
		if table == "" {
			require.Nil(t, found, sql)
			continue
		}
		require.Equal(t, table, found[1], sql)
	}
}

// writes lists the places in string literals of the program that write a table. A
// literal in a call with pgx.Identifier names a table that is copied into.
func writes(t *testing.T) []written {
	t.Helper()
	var found []written
	eachSource(t, func(path string, files *token.FileSet, file *ast.File) {
		add := func(table string, at token.Pos) {
			found = append(found, written{table: table, folder: filepath.ToSlash(filepath.Dir(path)), place: files.Position(at).String()})
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit: // pgx.Identifier{"table"}
				if name, ok := n.Type.(*ast.SelectorExpr); ok && name.Sel.Name == "Identifier" && len(n.Elts) == 1 {
					if text, ok := n.Elts[0].(*ast.BasicLit); ok {
						add(strings.Trim(text.Value, "\"`"), n.Pos())
					}
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
					for _, statement := range write.FindAllStringSubmatch(text, -1) {
						add(statement[1], n.Pos())
					}
				}
			}
			return true
		})
	})
	slices.SortFunc(found, func(a, b written) int { return cmp.Compare(a.place, b.place) })
	return found
}
