package marketo_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writes are all that the client can change in Marketo, by the address as the code has
// it: activities and their types, and exports of its own. People are not among them:
// Marketo is the source of truth about them, and is asked who is unsubscribed, never
// told.
var writes = map[string]bool{
	`"/rest/v1/activities/external.json"`:     true,
	`customTypes + ".json"`:                   true,
	`typePath(apiName, "attributes/create")`:  true,
	`typePath(apiName, "approve")`:            true,
	`exportRoot + "/create.json"`:             true,
	`exportRoot + "/" + id + "/enqueue.json"`: true,
}

// requesters make HTTP requests: the calls of request, the download of an export, and
// the sign-in.
var requesters = map[string]int{"call.go": 1, "export_file.go": 1, "token.go": 1}

// parsed are the files of this package but for its tests.
func parsed(t *testing.T) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	require.NoError(t, err)
	set, files := token.NewFileSet(), map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		files[name], err = parser.ParseFile(set, name, nil, 0)
		require.NoError(t, err)
	}
	require.NotEmpty(t, files)
	return set, files
}

func written(t *testing.T, set *token.FileSet, n ast.Node) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, printer.Fprint(&b, set, n))
	return b.String()
}

func TestNoCallWritesPeople(t *testing.T) {
	t.Parallel()
	set, files := parsed(t)
	found, made := map[string]bool{}, map[string]int{}
	for name, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if kind, ok := n.Type.(*ast.Ident); !ok || kind.Name != "request" {
					return true
				}
				parts := map[string]string{}
				for _, e := range n.Elts {
					pair, ok := e.(*ast.KeyValueExpr)
					require.True(t, ok, "%s: a request names its parts", name)
					parts[written(t, set, pair.Key)] = written(t, set, pair.Value)
				}
				if method, there := parts["method"]; there && method != "http.MethodGet" || parts["body"] != "" {
					require.True(t, writes[parts["path"]], "%s: %s %s", name, method, parts["path"])
					found[parts["path"]] = true
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "NewRequestWithContext" || n.Sel.Name == "NewRequest" {
					made[name]++
				}
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if to, ok := left.(*ast.SelectorExpr); ok {
						require.NotContains(t, []string{"method", "path", "body"}, to.Sel.Name, "%s: a request is whole where it is made", name)
					}
				}
			}
			return true
		})
	}
	require.Equal(t, writes, found, "and each of them is there")
	require.Equal(t, requesters, made)
}

// TestNoAddressWritesPeople knows those of Marketo's documentation (Marketo REST: leads,
// lists, bulk lead import).
func TestNoAddressWritesPeople(t *testing.T) {
	t.Parallel()
	_, files := parsed(t)
	texts := 0
	for name, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			text, ok := n.(*ast.BasicLit)
			if !ok || text.Kind != token.STRING {
				return true
			}
			texts++
			for _, address := range []string{"leads/push", "submitForm", "leads/delete", "/merge", "/associate", "leads/partitions", "/bulk/v1/leads.json",
				"createOrUpdate", "createOnly", "updateOnly", "createDuplicate", "/trigger.json", "/schedule.json", "leads/programs", "leads/schema"} {
				require.NotContains(t, text.Value, address, name)
			}
			return true
		})
	}
	require.Greater(t, texts, 100, "it did look")
}
